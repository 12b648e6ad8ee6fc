// A language model and its readings of texts: what was computed for a beginning of a text is kept.

const EXPECTED = 10;
const NEIGHBOURS = 6;

class LanguageModel {
  constructor(page, Numbers) {
    this.vocabulary = new Vocabulary(page.vocabulary);
    this.before = page.before;
    this.embedding = page.embedding && weightsOf(page.embedding, Numbers);
    this.matrix = page.output.matrix ? weightsOf(page.output.matrix, Numbers) : this.embedding;
    this.bias = weightsOf(page.output.bias, Numbers);
    this.layers = openLayers(page.layers, Numbers);
    this.Numbers = Numbers;
  }

  read(text) {
    return this.vocabulary.encode(text);
  }

  stack(isAdjusted) {
    return newStack(this.layers, isAdjusted, this.Numbers);
  }
}

class Reading {
  constructor(model, isAdjusted = false) {
    Object.assign(this, { model, tokens: [], done: 0, since: 0, losses: [], expected: [] });
    this.stack = model.stack(isAdjusted);
    this.logits = new Float64Array(model.vocabulary.size);
  }

  // Step t reads the token before position t and expects that at t: the last token of a text changes no step.
  set(tokens) {
    const same = commonStart(tokens, this.tokens);
    this.tokens = tokens;
    this.begin(Math.min(this.done, same + 1));
  }

  get input() {
    return this.tokens;
  }

  // The token at a place is read at the step after it; with the first token begins what is before it, too.
  setEdits(edits) {
    this.stack.layers.forEach((layer, number) => {
      layer.edits = edits
        .filter((edit) => edit.layer === number)
        .map(({ from, to, ...edit }) => ({ ...edit, from: from && from + 1, to: to === null ? Infinity : to + 1 }));
    });
    this.begin(0);
  }

  // What the page has not been sent yet, from step `since` on.
  report(isOff) {
    const { tokens, losses, expected, since, model } = this;
    const { shown } = model.vocabulary;
    const named = (row) =>
      row.map(({ token, logarithm }) => ({ name: shown[token], probability: Math.exp(logarithm) }));
    if (!isOff) this.since = Infinity;
    return {
      since,
      tokens: tokens.slice(since).map((token) => shown[token]),
      unknown: tokens.filter((token) => token === UNKNOWN).length,
      losses: losses.slice(since, tokens.length),
      expected: isOff ? [] : expected.slice(since, tokens.length + 1).map(named),
    };
  }

  // The step of a layer at which it reads the token at `place`, with the δ of the loss at `loss` computed there.
  lookAt({ place, loss }) {
    if (loss >= place + 1 && loss <= this.tokens.length) {
      this.seed(loss, place + 1);
      this.stack.backward(loss + 1, place + 1);
    }
    return place + 1;
  }

  // Forgets the steps from this one on. The page has not been sent the losses from `since` on.
  begin(step) {
    this.done = step;
    this.since = Math.min(this.since, Math.max(0, step - 1));
  }

  // Computes what is missing, a few steps at a time.
  *run() {
    const steps = this.tokens.length + 1;
    this.stack.reserve(steps + 1);
    if (this.done) this.judge(this.done - 1);
    while (this.done < steps) {
      const last = Math.min(steps, this.done + STEPS_AT_ONCE);
      for (let t = this.done; t < last; ++t) this.embed(t);
      this.stack.forward(this.done, last);
      for (let t = this.done; t < last; ++t) this.judge(t);
      this.done = last;
      yield;
    }
  }

  embed(t) {
    const { embedding, before } = this.model;
    const width = this.stack.inputSize;
    const token = t ? this.tokens[t - 1] : before;
    const x = this.stack.input.subarray(t * width, (t + 1) * width).fill(0);
    if (token < 0) return;
    if (embedding) x.set(embedding.subarray(token * width, (token + 1) * width));
    else x[token] = 1;
  }

  // ln P of every token at step t, in `logits`.
  judge(t) {
    const { matrix, bias } = this.model;
    const { logits, stack } = this;
    const width = stack.outputSize;
    logits.set(bias);
    addProduct(logits, 0, matrix, 0, logits.length, width, stack.output, t * width);
    const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    let total = 0;
    for (const logit of logits) total += Math.exp(logit - largest);
    const sum = largest + Math.log(total);
    for (let v = 0; v < logits.length; ++v) logits[v] -= sum;
    this.losses[t] = t < this.tokens.length ? -logits[this.tokens[t]] : NaN;
    this.expected[t] = likeliest(logits, EXPECTED);
  }

  // ∂E/∂output at step m alone, E the loss there; behind the text that of the likeliest token.
  seed(m, first) {
    const { stack, logits, model } = this;
    const width = stack.outputSize;
    this.judge(m);
    const error = Float64Array.from(logits, Math.exp);
    error[m < this.tokens.length ? this.tokens[m] : this.expected[m][0].token] -= 1;
    stack.outputDelta.fill(0, first * width, (m + 1) * width);
    addTransposed(stack.outputDelta, m * width, model.matrix, 0, error.length, width, error, 0);
  }

  // Yields ‖∂E_m/∂net_n‖ of each layer at steps n … m, for smaller and smaller n down to `first`.
  *reach(m, first) {
    this.seed(m, first);
    let norms = this.stack.layers.map(() => []);
    let last = m + 1;
    while (last > first) {
      const from = Math.max(first, last - STEPS_AT_ONCE);
      this.stack.backward(last, from, last === m + 1);
      norms = this.stack.layers.map((layer, number) => [
        ...Array.from({ length: last - from }, (_, k) => layer.sumNorm(from + k)),
        ...norms[number],
      ]);
      last = from;
      yield { first: from, norms };
    }
  }

  // A value at each token: of one unit, or the mean of all.
  values(layer, name, unit) {
    return Float32Array.from(this.tokens, (_, k) => {
      const numbers = this.stack.layers[layer].at(name, k + 1);
      return unit === null ? numbers.reduce((a, b) => a + b, 0) / numbers.length : numbers[unit];
    });
  }

  // The tokens after which the output was most like that after the token at `place`, by their cosine.
  nearest(place, count) {
    const width = this.stack.outputSize;
    const at = (k) => this.stack.output.subarray((k + 1) * width, (k + 2) * width);
    const dot = (a, b) => a.reduce((sum, value, j) => sum + value * b[j], 0);
    const here = at(place);
    const found = this.tokens.map((_, k) => {
      const there = at(k);
      return { place: k, cosine: dot(here, there) / Math.sqrt(dot(here, here) * dot(there, there)) };
    });
    return found
      .filter((one) => one.place !== place)
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, count);
  }

  // Draws the next token from the likeliest ones that together reach `topP`, sharpened by `temperature`. The unknown
  // one is never drawn: it has no text.
  draw({ temperature, topP }, random) {
    this.judge(this.tokens.length);
    const all = likeliest(this.logits, this.logits.length).filter(({ token }) => token !== UNKNOWN);
    if (temperature === 0) return all[0].token;
    const weights = all.map(({ logarithm }) => Math.exp((logarithm - all[0].logarithm) / temperature));
    const total = weights.reduce((a, b) => a + b, 0);
    let kept = 0;
    let sum = 0;
    do sum += weights[kept++];
    while (sum < topP * total && kept < all.length);
    let left = random() * sum;
    for (let k = 0; k < kept; ++k) {
      left -= weights[k];
      if (left < 0) return all[k].token;
    }
    return all[kept - 1].token;
  }
}

// The tokens of the largest numbers, the largest first.
function likeliest(logarithms, count) {
  if (count >= logarithms.length) {
    const order = Array.from(logarithms.keys()).sort((a, b) => logarithms[b] - logarithms[a]);
    return order.map((token) => ({ token, logarithm: logarithms[token] }));
  }
  const found = [];
  for (let token = 0; token < logarithms.length; ++token) {
    const logarithm = logarithms[token];
    if (found.length === count && logarithm <= found[count - 1].logarithm) continue;
    if (found.length === count) found.pop();
    let place = found.length;
    while (place && found[place - 1].logarithm < logarithm) --place;
    found.splice(place, 0, { token, logarithm });
  }
  return found;
}

function createModel(page, Numbers = Float32Array) {
  return new LanguageModel(page, Numbers);
}

function createReading(model, isAdjusted) {
  return new Reading(model, isAdjusted);
}

// The requests that only a language model answers.
const OWN_WORK = {
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
  *reach({ which, place }) {
    const reading = readings[which];
    if (place > reading.tokens.length) return;
    let posted = 0;
    for (const found of reading.reach(place, 0)) {
      const now = performance.now();
      if (now - posted > FRAME || found.first === 0) {
        posted = now;
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
