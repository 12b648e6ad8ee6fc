// A tagger: the tags of the words of a sentence with their probabilities, and the loss of one of them.

class TaggerModel extends ExampleModel {
  constructor(page, Numbers) {
    super(page, Numbers);
    this.field = page.crf && new Field(page.crf, Float64Array);
  }
}

class TaggerReading extends ExampleReading {
  answer() {
    const { model, stack, steps } = this;
    const count = model.labels.length;
    const width = stack.outputSize;
    this.onTop = [];
    this.scores = new Float64Array(steps * count);
    for (let t = 0; t < steps; ++t) {
      this.onTop.push(model.feedForward.forward(stack.output.slice(t * width, (t + 1) * width)));
      this.scores.set(model.output.forward(this.onTop[t].at(-1)), t * count);
    }
    if (model.field) {
      const { marginals, total } = model.field.marginals(this.scores, steps);
      const { tags, score } = model.field.best(this.scores, steps);
      Object.assign(this, { marginals, tags, logarithm: score - total });
      return;
    }
    const rows = Array.from({ length: steps }, (_, t) =>
      softmax(this.scores.subarray(t * count, (t + 1) * count)),
    );
    this.marginals = Float64Array.from(rows.flatMap((row) => Array.from(row)));
    this.tags = rows.map((row) => row.reduce((best, each, k) => (each > row[best] ? k : best), 0));
    this.logarithm = rows.reduce((sum, row, t) => sum + Math.log(row[this.tags[t]]), 0);
  }

  // Begins the way back of −ln P of a tag at a place, by default the one that was found. Returns that loss.
  seed({ loss: place, choice = null }) {
    const { model, stack, steps } = this;
    const { loss, delta } = this.lossOf(place, choice ?? this.tags[place]);
    const [count, width] = [model.labels.length, stack.outputSize];
    stack.outputDelta.fill(0, 0, steps * width);
    for (let t = 0; t < steps; ++t) {
      const row = delta.subarray(t * count, (t + 1) * count);
      if (!row.some((each) => each)) continue;
      stack.outputDelta.set(model.feedForward.backward(this.onTop[t], model.output.backward(row)), t * width);
    }
    return loss;
  }

  // −ln P of a tag, and ∂E/∂scores: of a field, how the tags would change if this one were certain.
  lossOf(place, tag) {
    const { model, steps, marginals } = this;
    const count = model.labels.length;
    const loss = -Math.log(marginals[place * count + tag]);
    const delta = new Float64Array(marginals.length);
    if (!model.field) {
      for (let k = 0; k < count; ++k)
        delta[place * count + k] = marginals[place * count + k] - (k === tag ? 1 : 0);
      return { loss, delta };
    }
    const certain = Float64Array.from(this.scores);
    for (let k = 0; k < count; ++k) if (k !== tag) certain[place * count + k] = FORBIDDEN;
    const through = model.field.marginals(certain, steps).marginals;
    return { loss, delta: delta.map((_, k) => marginals[k] - through[k]) };
  }

  report() {
    const { names, left, unknown } = this.input;
    const { tags, marginals, logarithm } = this;
    return { tokens: names, left, unknown, tags, marginals: Array.from(marginals), logarithm };
  }

  // Row m: the loss of the tag of step m, for rows from `first` on.
  *rows(first) {
    for (let m = first; m < this.steps; ++m) yield { m, norms: this.follow({ loss: m }).norms };
  }
}

function createModel(page, Numbers = Float32Array) {
  return new TaggerModel(page, Numbers);
}

function createReading(model, isAdjusted) {
  return new TaggerReading(model, isAdjusted);
}
