// The worker: it answers one request after the other, the text before all else, and drops what is out of date.

const ORDER = ["text", "edits", "second", "sample", "step", "colour", "reach", "nearest", "map"];
// Between two pictures of a gradient that goes back, in milliseconds.
const FRAME = 60;
const NEIGHBOURS = 6;

const waiting = new Map();
let model = null;
let readings = {};
let isRunning = false;
let wasChanged = false;

onmessage = ({ data }) => {
  if (data.kind === "open") open(data.page);
  else waiting.set(data.kind === "text" && data.which === "second" ? "second" : data.kind, data);
  if (model && !isRunning)
    pump().catch((error) => {
      // Outside the promise, where the page hears of it.
      setTimeout(() => {
        throw error;
      });
    });
};

function open(page) {
  model = new LanguageModel(page);
  readings = { main: new Reading(model), edited: new Reading(model, true), second: new Reading(model) };
  const layers = readings.main.stack.layers.map(({ cell, sizes }, number) => ({
    name: `${cell.name} ${number + 1}`,
    states: cell.states,
    values: Object.keys(cell.equations)
      .filter((name) => cell.values[name] !== "1")
      .map((name) => ({ name, width: sizes[cell.values[name]] })),
  }));
  postMessage({ kind: "ready", layers });
}

// A request is dropped for a newer one of its kind, and waits while a text is read.
async function pump() {
  isRunning = true;
  for (;;) {
    const kind = ORDER.find((each) => waiting.has(each));
    if (!kind) break;
    const request = waiting.get(kind);
    waiting.delete(kind);
    for (const _ of WORK[kind](request)) {
      await pause();
      if (waiting.has(kind) || waiting.has("text")) {
        if (!waiting.has(kind) && kind !== "text") waiting.set(kind, request);
        break;
      }
    }
  }
  isRunning = false;
}

const channel = new MessageChannel();
function pause() {
  return new Promise((resume) => {
    channel.port1.onmessage = resume;
    channel.port2.postMessage(null);
  });
}

const WORK = {
  *text({ text, id }) {
    readings.main.set(model.vocabulary.encode(text));
    yield* readings.main.run();
    tell("main", id);
  },
  *second({ text, id }) {
    readings.second.set(model.vocabulary.encode(text));
    yield* readings.second.run();
    tell("second", id);
  },
  *edits({ edits, id }) {
    const { edited, main } = readings;
    edited.stack.layers.forEach((layer, number) => {
      layer.edits = edits.filter((edit) => edit.layer === number).map(inSteps);
    });
    const text = JSON.stringify(edits);
    if (text !== edited.text) edited.begin(0);
    edited.text = text;
    edited.set(main.tokens);
    if (edits.length) yield* edited.run();
    if (edits.length || wasChanged) tell("edited", id, edits.length === 0);
    wasChanged = edits.length > 0;
  },
  *sample({ count, options, seed }) {
    const random = generator(seed);
    const { main } = readings;
    const begins = !main.tokens.length || main.tokens.at(-1) === END;
    const drawn = [];
    for (let k = 0; k < count; ++k) {
      drawn.push(main.draw(options, random));
      main.set([...main.tokens, drawn.at(-1)]);
      yield* main.run();
    }
    postMessage({ kind: "sampled", text: model.vocabulary.decode(drawn, begins) });
  },
  *step({ which, layer, value, unit, place, loss }) {
    const reading = readings[which];
    if (loss >= place + 1 && loss <= reading.tokens.length) {
      reading.seed(loss, place + 1);
      reading.stack.backward(loss + 1, place + 1);
    }
    const units = reading.stack.layers[layer].at(value, place + 1).slice();
    postMessage({ kind: "step", value, unit, units, ...equationsOf(reading, layer, place + 1, unit) });
  },
  *colour({ which, layer, value, unit }) {
    postMessage({ kind: "colour", which, numbers: readings[which].values(layer, value, unit) });
  },
  *reach({ which, place }) {
    const reading = readings[which];
    if (place > reading.tokens.length) return;
    let told = 0;
    for (const found of reading.reach(place, 0)) {
      const now = performance.now();
      if (now - told > FRAME || found.first === 0) {
        told = now;
        postMessage({ kind: "reach", which, place, ...found });
      }
      yield;
    }
  },
  *nearest({ which, place }) {
    postMessage({ kind: "nearest", place, found: readings[which].nearest(place, NEIGHBOURS) });
  },
  // Row m has the norms of steps n ≤ m, both counted from `first`.
  *map({ which, layer, span }) {
    const reading = readings[which];
    const count = reading.tokens.length;
    const first = Math.max(0, count - span);
    for (let m = first; m < count; ++m) {
      let norms = [];
      for (const found of reading.reach(m, first)) {
        norms = found.norms[layer];
        yield;
      }
      postMessage({ kind: "map", first, count, m, norms });
    }
  },
};

// The token at a place is read at the step after it; with the first token begins what is before it, too.
function inSteps(edit) {
  return { ...edit, from: edit.from && edit.from + 1, to: edit.to === null ? Infinity : edit.to + 1 };
}

// What is new in a reading, from step `since` on.
function tell(which, id, isOff = false) {
  const reading = readings[which];
  const { tokens, losses, expected, since } = reading;
  const { shown } = model.vocabulary;
  const named = (row) =>
    row.map(({ token, logarithm }) => ({ name: shown[token], probability: Math.exp(logarithm) }));
  postMessage({
    kind: "read",
    which,
    id,
    isOff,
    since,
    tokens: tokens.slice(since).map((token) => shown[token]),
    losses: losses.slice(since, tokens.length),
    expected: isOff ? [] : expected.slice(since, tokens.length + 1).map(named),
  });
  if (!isOff) reading.since = Infinity;
}
