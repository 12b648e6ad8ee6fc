// Layers of cells, in one direction or both, with every value and every δ of every step.

class Layer {
  // `cell` is an object that bptt wrote; `sizes` are numbers by letter; `parameters` arrays by family.
  constructor(cell, sizes, parameters, Numbers = Float32Array) {
    Object.assign(this, { cell, sizes, parameters, Numbers, steps: 0, values: {}, deltas: {} });
    this.inputSize = this.width(Object.values(cell.inputs)[0]);
    this.outputSize = this.width(cell.values[cell.output]);
    this.initial = Object.fromEntries(
      cell.states.map((name) => [name, new Numbers(this.width(cell.values[name]))]),
    );
    this.reserve(16);
  }

  width(letter) {
    return letter === "1" ? 1 : this.sizes[letter];
  }

  // Grows the arrays to hold `steps` steps, and keeps the values computed so far.
  reserve(steps) {
    if (steps <= this.steps) return;
    this.steps = Math.max(steps, 2 * this.steps);
    const { cell } = this;
    const grow = (held, widths) => {
      for (const [name, letter] of Object.entries(widths)) {
        const grown = new this.Numbers((this.steps + 1) * this.width(letter));
        if (held[name]) grown.set(held[name]);
        held[name] = grown;
      }
    };
    const [input, ...others] = Object.keys(cell.inputs);
    grow(this.values, { ...cell.values, [input]: cell.inputs[input] });
    for (const name of others) this.values[name] = this.values[input];
    this.x = this.values[input];
    grow(this.deltas, cell.deltas);
    for (const name of cell.states) this.values[name].set(this.initial[name]);
  }

  // The numbers of a value at a step.
  at(name, t) {
    const width = this.width(this.cell.values[name]);
    const from = (t + this.cell.states.includes(name)) * width;
    return this.values[name].subarray(from, from + width);
  }

  forward(first, last) {
    this.cell.forward(this.sizes, this.values, this.parameters, first, last);
  }

  // From step last - 1 down to `first`. At the end of a text nothing comes from beyond the last step; else what
  // was computed there before.
  backward(first, last, isEnd = true) {
    if (isEnd) this.end(last);
    this.cell.backward(this.sizes, this.values, this.deltas, this.parameters, first, last);
  }

  end(last) {
    for (const name of this.cell.states) {
      const width = this.width(this.cell.values[name]);
      this.deltas[`δ${name}_prev`].fill(0, last * width, (last + 1) * width);
    }
  }

  gradients(gradients, first, last) {
    this.cell.gradients(this.sizes, this.values, this.deltas, this.parameters, gradients, first, last);
  }

  // ‖∂E/∂net‖ at a step: all sums that the input takes part in.
  sumNorm(t) {
    let total = 0;
    for (const name of this.cell.inputSums) {
      // A sum that nothing reads has no δ.
      const delta = this.deltas[`δ${name}`] ?? [];
      const width = this.width(this.cell.values[name]);
      for (let j = t * width; j < Math.min((t + 1) * width, delta.length); ++j) total += delta[j] * delta[j];
    }
    return Math.sqrt(total);
  }
}

class Stack {
  // `levels` are lists of one layer, or of two, the second of which reads from the last step to the first.
  constructor(levels) {
    this.levels = levels;
    this.both = levels[0].length === 2;
    this.inputSize = levels[0][0].inputSize;
    this.outputSize = levels.at(-1).reduce((sum, { outputSize }) => sum + outputSize, 0);
    this.output = new levels[0][0].Numbers(0);
    this.input = new levels[0][0].Numbers(0);
    // ∂E/∂x and, before `backward`, ∂E/∂output of all steps.
    this.inputDelta = this.input;
    this.outputDelta = this.output;
  }

  get layers() {
    return this.levels.flat();
  }

  reserve(steps) {
    const grown = (held, width) => {
      if (held.length >= steps * width) return held;
      const found = new held.constructor(Math.max(steps * width, 2 * held.length));
      found.set(held);
      return found;
    };
    for (const layer of this.layers) layer.reserve(steps);
    this.input = grown(this.input, this.inputSize);
    this.output = grown(this.output, this.outputSize);
    this.inputDelta = grown(this.inputDelta, this.inputSize);
    this.outputDelta = grown(this.outputDelta, this.outputSize);
  }

  // Runs steps first … last - 1 on `input`; with two directions from the first step on.
  forward(first, last) {
    let [from, width] = [this.input, this.inputSize];
    for (const [number, level] of this.levels.entries()) {
      const top = number === this.levels.length - 1;
      const wide = level.reduce((sum, { outputSize }) => sum + outputSize, 0);
      const to = top ? this.output : new from.constructor(last * wide);
      let at = 0;
      for (const [side, layer] of level.entries()) {
        for (let t = first; t < last; ++t) {
          const place = side ? last - 1 - t : t;
          layer.x.set(from.subarray(t * width, (t + 1) * width), place * width);
        }
        layer.forward(first, last);
        for (let t = first; t < last; ++t)
          to.set(layer.at(layer.cell.output, side ? last - 1 - t : t), t * wide + at);
        at += layer.outputSize;
      }
      [from, width] = [to, wide];
    }
  }

  // From `outputDelta` at steps first … last - 1 to their δ and `inputDelta`. Layers in one direction may go in
  // parts, the last steps first: only those at the end are behind nothing.
  backward(last, first = 0, isEnd = true) {
    let [from, wide] = [this.outputDelta, this.outputSize];
    for (let number = this.levels.length - 1; number >= 0; --number) {
      const level = this.levels[number];
      const width = level[0].inputSize;
      const to = number ? new from.constructor(last * width) : this.inputDelta.fill(0, first * width, last * width);
      let at = 0;
      for (const [side, layer] of level.entries()) {
        const { cell, deltas, outputSize } = layer;
        const loss = deltas[`loss_${cell.output}`];
        for (let t = first; t < last; ++t)
          loss.set(
            from.subarray(t * wide + at, t * wide + at + outputSize),
            (side ? last - 1 - t : t) * outputSize,
          );
        layer.backward(first, last, isEnd);
        for (const name of Object.keys(cell.inputs))
          for (let t = first; t < last; ++t) {
            const place = (side ? last - 1 - t : t) * width;
            for (let k = 0; k < width; ++k) to[t * width + k] += deltas[`δ${name}`][place + k];
          }
        at += outputSize;
      }
      [from, wide] = [to, width];
    }
  }
}
