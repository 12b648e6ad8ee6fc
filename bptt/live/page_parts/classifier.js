// A classifier: the probability of each label of an input, and the loss of one.

class ClassifierModel extends ExampleModel {
  constructor(page, Numbers) {
    super(page, Numbers);
    this.pooling = new Pooling(page.pooling, Numbers);
    this.ngrams = page.ngrams && new Ngrams(page.ngrams, page.reading.kind, this.Numbers);
    Object.assign(this, { loss: page.loss, offsets: page.offsets, both: page.bothStrands });
    this.complements = page.reading.complements;
  }

  otherStrand({ whole }) {
    const letters = whole.map((letter) => this.complements[letter]);
    return this.read(letters.reverse().join(""));
  }
}

class ClassifierReading extends ExampleReading {
  constructor(model, isAdjusted = false, isOther = false) {
    super(model, isAdjusted);
    if (model.both && !isOther) this.other = new ClassifierReading(model, isAdjusted, true);
  }

  set(input) {
    super.set(input);
    this.other?.set(this.model.otherStrand(input));
  }

  setEdits(edits) {
    super.setEdits(edits);
    this.other?.setEdits(edits);
  }

  *run() {
    if (this.other) yield* this.other.run();
    yield* super.run();
  }

  answer() {
    const { model, stack, steps } = this;
    this.pooled = model.pooling.forward(stack.output, steps, stack.outputSize);
    this.onTop = model.feedForward.forward(this.pooled.vector);
    this.logits = model.output.forward(this.onTop.at(-1));
    if (model.ngrams) {
      const scores = model.ngrams.scores(this.input.text);
      this.logits = scores.map((score, k) => score + model.ngrams.share * this.logits[k]);
    }
    this.own = model.loss === "logistic" ? this.logits.map(sigmoid) : softmax(this.logits);
    // Probabilities are the mean of both strands; the loss is that of the given one.
    this.probabilities = this.other
      ? this.own.map((each, k) => (each + this.other.probabilities[k]) / 2)
      : this.own;
    this.answers = this.decide(this.probabilities);
  }

  // The numbers of the labels that are answered: of several, those that are true.
  decide(probabilities) {
    const { loss, offsets } = this.model;
    const numbers = Array.from(probabilities.keys());
    if (loss === "logistic") return numbers.filter((k) => probabilities[k] >= 0.5);
    const scores = offsets ? numbers.map((k) => Math.log(probabilities[k]) + offsets[k]) : probabilities;
    return [numbers.reduce((best, k) => (scores[k] > scores[best] ? k : best))];
  }

  // Begins the way back of a loss: that of the label `choice`, or of the answer. Returns it.
  seed({ choice = null }) {
    const { model, stack, steps, own } = this;
    const { loss, delta } = this.lossOf(choice);
    const scaled = model.ngrams ? delta.map((each) => each * model.ngrams.share) : delta;
    const back = model.feedForward.backward(this.onTop, model.output.backward(scaled));
    model.pooling.backward(stack.outputDelta, back, stack.output, steps, this.pooled);
    return loss;
  }

  // The loss and ∂E/∂logits. Of several labels E is −ln P of a chosen one, else the sum over all of them.
  lossOf(choice) {
    const { own, logits, model } = this;
    const wanted = choice === null ? this.decide(own) : [choice];
    const target = own.map((_, k) => (wanted.includes(k) ? 1 : 0));
    if (model.loss === "logistic") {
      const counts = own.map((_, k) => (choice === null || k === choice ? 1 : 0));
      const terms = logits.map((z, k) => counts[k] * softplus(target[k] ? -z : z));
      return {
        loss: terms.reduce((a, b) => a + b, 0),
        delta: own.map((p, k) => counts[k] * (p - target[k])),
      };
    }
    const rest = own.map((p, k) => p - target[k]);
    if (model.loss === "softmax") return { loss: logSumExp(logits) - logits[wanted[0]], delta: rest };
    const mean = rest.reduce((sum, each, k) => sum + own[k] * each, 0);
    const squares = rest.reduce((sum, each) => sum + each * each, 0);
    return { loss: squares / 2, delta: own.map((p, k) => p * (rest[k] - mean)) };
  }

  report() {
    const { names, left, unknown } = this.input;
    return {
      tokens: names,
      left,
      unknown,
      probabilities: Array.from(this.probabilities),
      answers: this.answers,
    };
  }

  // Row m: the loss if the input ended behind step m, for rows from `first` on.
  *rows(first, chosen) {
    const prefix = new ClassifierReading(this.model, this.stack.layers[0] instanceof AdjustedLayer, true);
    prefix.setEdits(this.edits);
    const wanted = { choice: chosen.choice ?? this.decide(this.own)[0] ?? null };
    const { items, names } = this.input;
    for (let m = first; m < items.length; ++m) {
      const [shorter, shown] = [items, names].map((all) => all.slice(0, m + 1));
      prefix.set({ items: shorter, names: shown, text: this.input.upTo?.(m + 1) });
      for (const _ of prefix.run());
      yield { m, norms: prefix.follow(wanted).norms };
    }
  }
}

function createModel(page, Numbers = Float32Array) {
  return new ClassifierModel(page, Numbers);
}

function createReading(model, isAdjusted) {
  return new ClassifierReading(model, isAdjusted);
}
