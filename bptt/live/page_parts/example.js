// A model that answers a whole input, and its readings: an input is read, answered, and followed back to its steps.

class ExampleModel {
  constructor(page, Numbers) {
    this.Numbers = Numbers;
    this.read = READERS[page.reading.kind](page.reading);
    this.part = createPart(page.part, Numbers);
    this.layers = openLayers(page.layers, Numbers);
    this.feedForward = new FeedForward(page.feedForward, Numbers);
    this.output = new Linear(page.output, Numbers);
    this.labels = page.labels;
  }
}

class ExampleReading {
  constructor(model, isAdjusted = false) {
    Object.assign(this, {
      model,
      input: { items: [], names: [], text: "", left: 0 },
      edits: [],
      done: 0,
      written: 0,
    });
    this.stack = newStack(model.layers, isAdjusted, model.Numbers);
  }

  get steps() {
    return this.input.items.length;
  }

  // In one direction the steps of a common beginning stay as they are.
  set(input) {
    const same = commonStart(keysOf(input), keysOf(this.input));
    const isSame = same === input.names.length && same === this.steps;
    this.written = Math.min(this.written, same);
    this.done = this.stack.both && !isSame ? 0 : Math.min(this.done, same);
    this.input = input;
  }

  setEdits(edits) {
    this.edits = edits;
    this.done = 0;
  }

  // Layers that read backward count their steps from the end.
  stepOf(layer, place) {
    return this.isReversed(layer) ? this.steps - 1 - place : place;
  }

  isReversed(layer) {
    return this.stack.both && layer % 2 === 1;
  }

  placeEdits() {
    this.stack.layers.forEach((layer, number) => {
      const own = this.edits.filter((edit) => edit.layer === number);
      const last = this.steps - 1;
      layer.edits = own.map(({ from, to, ...edit }) => {
        const end = to ?? last;
        return this.isReversed(number)
          ? { ...edit, from: last - end, to: last - from }
          : { ...edit, from, to: end };
      });
    });
  }

  *run() {
    const { stack, steps, model } = this;
    const { width } = model.part;
    stack.reserve(steps + 1);
    stack.input.fill(0, this.written * width, steps * width);
    for (let t = this.written; t < steps; ++t) model.part.write(stack.input, t * width, this.input.items[t]);
    this.written = steps;
    this.placeEdits();
    while (this.done < steps) {
      const last = stack.both ? steps : Math.min(steps, this.done + STEPS_AT_ONCE);
      stack.forward(this.done, last);
      this.done = last;
      yield;
    }
    this.answer();
  }

  // ‖∂E/∂net‖ of each layer at each step, and ∂E/∂x · x, the part of each step in the loss, E the chosen loss.
  follow(chosen) {
    const { stack, steps } = this;
    const loss = this.seed(chosen);
    stack.backward(steps);
    const width = stack.inputSize;
    const parts = Float64Array.from({ length: steps }, (_, t) => {
      let sum = 0;
      for (let k = t * width; k < (t + 1) * width; ++k) sum += stack.inputDelta[k] * stack.input[k];
      return sum;
    });
    const norms = stack.layers.map((layer, number) =>
      Float64Array.from({ length: steps }, (_, place) => layer.sumNorm(this.stepOf(number, place))),
    );
    return { loss, parts, norms };
  }

  // The step of a layer at which it reads what is at `place`, with the δ of the chosen loss computed everywhere.
  lookAt({ layer, place, ...chosen }) {
    this.follow(chosen);
    return this.stepOf(layer, place);
  }

  // A value at each step: of one unit, or the mean of all.
  values(layer, name, unit) {
    return Float32Array.from({ length: this.steps }, (_, place) => {
      const numbers = this.stack.layers[layer].at(name, this.stepOf(layer, place));
      return unit === null ? numbers.reduce((a, b) => a + b, 0) / numbers.length : numbers[unit];
    });
  }
}

// The keys that tell steps apart: numbers of tokens, spellings of words and rows.
function keysOf({ items, names }) {
  return typeof items[0] === "number" ? items : names;
}

// The requests that models of whole inputs answer.
const OWN_WORK = {
  *reach({ which, ...chosen }) {
    postMessage({ kind: "reach", which, chosen, ...readings[which].follow(chosen) });
  },
  *map({ which, layer, span, ...chosen }) {
    const count = readings[which].steps;
    const first = Math.max(0, count - span);
    for (const { m, norms } of readings[which].rows(first, chosen)) {
      postMessage({ kind: "map", first, count, m, norms: norms[layer].slice(first) });
      yield;
    }
  },
};
