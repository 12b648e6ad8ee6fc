// A language model and its readings of texts: what was computed for a beginning of a text is kept.

const EXPECTED = 10;
// Of a reading between two looks at what else is asked for: a few milliseconds.
const STEPS_AT_ONCE = 4;

const HALF = new Float32Array(1 << 16);
for (let bits = 0; bits < HALF.length; ++bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? NaN : (1 + fraction / 1024) * 2 ** (exponent - 15);
  HALF[bits] = bits >> 15 ? -size : size;
}

function halves(words) {
  const found = new Float32Array(words.length);
  for (let k = 0; k < words.length; ++k) found[k] = HALF[words[k]];
  return found;
}

// A layer of which values are scaled and shifted for some steps: `edits` are { value, unit, scale, shift, from, to }.
class AdjustedLayer extends Layer {
  forward(first, last) {
    for (const [from, to] of this.phases(first, last)) {
      this.adjust(from);
      super.forward(from, to);
    }
  }

  // Each phase has its own scales: the gradients of a phase are those of what it computed.
  backward(first, last, isEnd) {
    const whole = this.cell;
    const back = (sizes, values, deltas, parameters, from, to) => {
      for (const [begin, end] of this.phases(from, to).reverse()) {
        this.adjust(begin);
        whole.backward(sizes, values, deltas, parameters, begin, end);
      }
    };
    this.cell = { ...whole, backward: back };
    super.backward(first, last, isEnd);
    this.cell = whole;
  }

  phases(first, last) {
    const ends = (this.edits ?? []).flatMap(({ from, to }) => [from, to + 1]);
    const inside = ends.filter((step) => step > first && step < last);
    const sorted = [...new Set([first, ...inside, last])].sort((a, b) => a - b);
    return sorted.slice(0, -1).map((step, k) => [step, sorted[k + 1]]);
  }

  adjust(step) {
    for (const [name, family] of Object.entries(this.cell.families)) {
      const kind = name.startsWith("scale") ? "scale" : name.startsWith("shift") ? "shift" : null;
      if (!kind || !(name in this.own)) continue;
      const array = this.parameters[name].fill(kind === "scale" ? 1 : 0);
      const width = this.sizes[family.rows];
      for (const edit of this.edits ?? []) {
        const place = family.members.indexOf(`${name}_${edit.value}`);
        if (place < 0 || step < edit.from || step > edit.to) continue;
        const start = place * width + (edit.unit ?? 0);
        array.fill(edit[kind], start, edit.unit === null ? start + width : start + 1);
      }
    }
  }
}

class LanguageModel {
  constructor(page) {
    this.vocabulary = new Vocabulary(page.vocabulary);
    this.before = page.before;
    this.embedding = page.embedding && halves(page.embedding);
    this.matrix = page.output.matrix ? halves(page.output.matrix) : this.embedding;
    this.bias = halves(page.output.bias);
    this.layers = page.layers.map((layer) => ({
      ...layer,
      parameters: Object.fromEntries(
        Object.entries(layer.parameters).map(([name, words]) => [name, halves(words)]),
      ),
      initial: Object.fromEntries(Object.entries(layer.initial).map(([name, words]) => [name, halves(words)])),
    }));
  }

  // New layers of the same weights.
  stack(isAdjusted) {
    const levels = this.layers.map(({ cell, sizes, parameters, initial }) => {
      const { plain, adjusted } = CELLS[cell];
      if (!isAdjusted) return [begun(new Layer(plain, sizes, parameters), initial)];
      const own = {};
      for (const [name, { members, rows }] of Object.entries(adjusted.families))
        if (!(name in parameters)) own[name] = new Float32Array(members.length * sizes[rows]);
      const layer = new AdjustedLayer(adjusted, sizes, { ...parameters, ...own });
      return [begun(Object.assign(layer, { own, edits: [] }), initial)];
    });
    return new Stack(levels);
  }
}

function begun(layer, initial) {
  for (const [state, numbers] of Object.entries(initial)) {
    layer.initial[state].set(numbers);
    layer.values[state].set(numbers);
  }
  return layer;
}

class Reading {
  constructor(model, isAdjusted = false) {
    Object.assign(this, { model, tokens: [], done: 0, since: 0, losses: [], expected: [] });
    this.stack = model.stack(isAdjusted);
    this.logits = new Float64Array(model.vocabulary.size);
  }

  // Step t reads the token before position t and expects that at t: a token behind the text changes no step.
  set(tokens) {
    let same = 0;
    while (same < tokens.length && tokens[same] === this.tokens[same]) ++same;
    this.tokens = tokens;
    this.begin(Math.min(this.done, same + 1));
  }

  // Computes the steps from this one on again; `since` is the first that was not told.
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
