// A layer of a cell and a linear output, trained by Adam (Kingma & Ba 2015); every number follows from one seed.

const [BETA_1, BETA_2, EPSILON] = [0.9, 0.999, 1e-8];

class Network {
  constructor(cell, problem, { hidden, seed, forgetBias }, Numbers = Float32Array) {
    const half = Math.max(1, Math.floor(hidden / 2));
    const sizes = { T: problem.steps, B: 1, I: problem.inputSize, H: hidden, P: half, G: half, V: half, D: half };
    const random = generator(seed);
    const spread = 1 / Math.sqrt(hidden);
    const drawn = (length) => Numbers.from({ length }, () => (2 * random() - 1) * spread);
    this.parameters = {};
    for (const { name, members, rows, columns } of Object.values(cell.families)) {
      const length = members.length * sizes[rows] * (columns === null ? 1 : sizes[columns]);
      this.parameters[name] = Object.hasOwn(cell.init, name)
        ? new Numbers(length).fill(cell.init[name])
        : drawn(length);
      if (name !== "b") continue;
      for (const { place, sign } of cell.forget)
        this.parameters.b.fill(sign * forgetBias, place * sizes[rows], (place + 1) * sizes[rows]);
    }
    this.layer = new Layer(cell, sizes, this.parameters, Numbers);
    this.layer.reserve(problem.steps);
    this.width = this.layer.outputSize;
    // No cell has a family of these names.
    this.parameters["output W"] = drawn(problem.outputs * this.width);
    this.parameters["output b"] = new Numbers(problem.outputs);
    const zeros = () =>
      Object.fromEntries(Object.entries(this.parameters).map(([name, all]) => [name, new Numbers(all.length)]));
    Object.assign(this, { cell, problem, updates: 0, gradients: zeros(), means: zeros(), squares: zeros() });
    this.answer = new Float64Array(problem.outputs);
  }

  get size() {
    return Object.values(this.parameters).reduce((sum, { length }) => sum + length, 0);
  }

  forward({ x }) {
    this.layer.x.set(x);
    this.layer.forward(0, this.problem.steps);
  }

  // What the output layer answers at a step, in `answer`.
  answerAt(t) {
    const { answer, layer, width, parameters, problem } = this;
    answer.set(parameters["output b"]);
    addProduct(
      answer,
      0,
      parameters["output W"],
      0,
      problem.outputs,
      width,
      layer.values[this.cell.output],
      this.outputAt(t),
    );
    return answer;
  }

  outputAt(t) {
    return (t + this.cell.states.includes(this.cell.output)) * this.width;
  }

  // The loss at a step; `answer` becomes its derivative.
  lossAt(t, target) {
    const answer = this.answerAt(t);
    if (this.problem.isNumber) {
      const error = answer[0] - target;
      answer[0] = 2 * error;
      return error * error;
    }
    const largest = answer.reduce((a, b) => Math.max(a, b), -Infinity);
    let total = 0;
    for (let k = 0; k < answer.length; ++k) total += answer[k] = Math.exp(answer[k] - largest);
    for (let k = 0; k < answer.length; ++k) answer[k] /= total;
    const loss = -Math.log(answer[target]);
    answer[target] -= 1;
    return loss;
  }

  get lossDeltas() {
    return this.layer.deltas[`loss_${this.cell.output}`];
  }

  // The mean loss of an example over the steps that have one; its gradient times `share` is added to all others.
  learn(example, share) {
    const { problem, width, gradients, parameters, layer } = this;
    const { lossSteps, outputs, steps } = problem;
    this.forward(example);
    const seeds = this.lossDeltas.fill(0);
    const output = layer.values[this.cell.output];
    let total = 0;
    lossSteps.forEach((t, k) => {
      total += this.lossAt(t, example.targets[k]);
      for (let each = 0; each < outputs; ++each) {
        this.answer[each] *= share / lossSteps.length;
        gradients["output b"][each] += this.answer[each];
      }
      addOuter(gradients["output W"], 0, outputs, width, this.answer, 0, output, this.outputAt(t));
      addTransposed(seeds, t * width, parameters["output W"], 0, outputs, width, this.answer, 0);
    });
    layer.backward(0, steps);
    layer.gradients(gradients, 0, steps);
    return total / lossSteps.length;
  }

  // One step of Adam on the mean loss of a batch, the norm of its gradient at most `clip`.
  update(examples, { rate, clip }) {
    for (const all of Object.values(this.gradients)) all.fill(0);
    let loss = 0;
    for (const example of examples) loss += this.learn(example, 1 / examples.length) / examples.length;
    let squares = 0;
    for (const all of Object.values(this.gradients)) for (const each of all) squares += each * each;
    const norm = Math.sqrt(squares);
    if (!Number.isFinite(norm)) throw new Error("the gradient is no longer finite: lower the learning rate");
    const scale = Math.min(1, clip / (norm || 1));
    this.updates += 1;
    const [bias1, bias2] = [1 - BETA_1 ** this.updates, 1 - BETA_2 ** this.updates];
    for (const [name, all] of Object.entries(this.parameters)) {
      const [gradient, mean, square] = [this.gradients[name], this.means[name], this.squares[name]];
      for (let k = 0; k < all.length; ++k) {
        const slope = gradient[k] * scale;
        mean[k] += (1 - BETA_1) * (slope - mean[k]);
        square[k] += (1 - BETA_2) * (slope * slope - square[k]);
        all[k] -= (rate * mean[k]) / bias1 / (Math.sqrt(square[k] / bias2) + EPSILON);
      }
    }
    return { loss, norm };
  }

  lossOf(example) {
    const { lossSteps } = this.problem;
    this.forward(example);
    return lossSteps.reduce((sum, t, k) => sum + this.lossAt(t, example.targets[k]), 0) / lossSteps.length;
  }

  // ‖∂E_m/∂net_n‖ for the loss at step m and n = 0 … m, of the example that was read last. A number that is asked at the
  // end has its loss at every step, as if it were asked there.
  row(example, m) {
    const { problem, width, parameters, layer } = this;
    const target = problem.isNumber ? example.targets[0] : example.targets[problem.lossSteps.indexOf(m)];
    this.lossAt(m, target);
    const seeds = this.lossDeltas.fill(0);
    addTransposed(seeds, m * width, parameters["output W"], 0, problem.outputs, width, this.answer, 0);
    layer.backward(0, m + 1);
    return Float64Array.from({ length: m + 1 }, (_, n) => layer.sumNorm(n));
  }

  // A continuation of a text, drawn at a temperature.
  sample(count, temperature, random) {
    const { characters, inputSize, steps } = this.problem;
    const { layer, cell } = this;
    const begin = () => cell.states.forEach((state) => layer.values[state].fill(0, 0, layer.initial[state].length));
    let next = Math.max(0, characters.indexOf(" "));
    let text = "";
    begin();
    for (let k = 0, t = 0; k < count; ++k, ++t) {
      if (t === steps) {
        // The states go on at the beginning of the arrays.
        for (const state of cell.states) {
          const width = layer.initial[state].length;
          layer.values[state].copyWithin(0, t * width, (t + 1) * width);
        }
        t = 0;
      }
      layer.x.fill(0, t * inputSize, (t + 1) * inputSize);
      layer.x[t * inputSize + next] = 1;
      layer.forward(t, t + 1);
      const weights = Array.from(this.answerAt(t), (each) => each / temperature);
      const largest = Math.max(...weights);
      const shares = weights.map((each) => Math.exp(each - largest));
      let left = random() * shares.reduce((a, b) => a + b, 0);
      next = shares.findIndex((each) => (left -= each) < 0);
      if (next < 0) next = likeliestOf(shares);
      text += characters[next];
    }
    begin();
    return text;
  }
}
