// The worker: it answers one request after the other, the text before all else, and drops what is out of date.

const ORDER = ["text", "edits", "second", "sample", "step", "colour", "reach", "nearest", "map"];
// Between two pictures of a gradient that goes back, in milliseconds.
const FRAME = 60;

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
  model = createModel(page);
  const [main, edited, second] = [false, true, false].map((isAdjusted) => createReading(model, isAdjusted));
  readings = { main, edited, second };
  const { levels } = main.stack;
  const names = levels.flatMap((level, number) =>
    level.map(({ cell }, side) => `${cell.name} ${number + 1}${["", " ←"][side]}`),
  );
  const layers = main.stack.layers.map(({ cell, sizes }, number) => ({
    name: names[number],
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


// The requests that every model answers.
const WORK = {
  ...OWN_WORK,
  *text({ text, id }) {
    readings.main.set(model.read(text));
    yield* readings.main.run();
    send("main", id);
  },
  *second({ text, id }) {
    readings.second.set(model.read(text));
    yield* readings.second.run();
    send("second", id);
  },
  *edits({ edits, id }) {
    const { edited, main } = readings;
    const text = JSON.stringify(edits);
    if (text !== edited.text) edited.setEdits(edits);
    edited.text = text;
    edited.set(main.input);
    if (edits.length) yield* edited.run();
    if (edits.length || wasChanged) send("edited", id, edits.length === 0);
    wasChanged = edits.length > 0;
  },
  *step({ which, layer, value, unit, ...asked }) {
    const reading = readings[which];
    const step = reading.lookAt({ layer, ...asked });
    const units = reading.stack.layers[layer].at(value, step).slice();
    postMessage({ kind: "step", value, unit, units, ...equationsOf(reading, layer, step, unit) });
  },
  *colour({ which, layer, value, unit }) {
    postMessage({ kind: "colour", which, numbers: readings[which].values(layer, value, unit) });
  },
};

function send(which, id, isOff = false) {
  postMessage({ kind: "read", which, id, isOff, ...readings[which].report(isOff) });
}
