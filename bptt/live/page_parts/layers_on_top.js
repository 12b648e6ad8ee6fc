// What is between the recurrent layers and the answer: pooling, feed-forward layers, a linear layer; and back.

class Linear {
  constructor({ weight, bias }, Numbers) {
    [this.weight, this.bias] = [weightsOf(weight, Numbers), weightsOf(bias, Numbers)];
    [this.rows, this.columns] = [this.bias.length, this.weight.length / this.bias.length];
  }

  forward(x, from = 0) {
    const y = Float64Array.from(this.bias);
    addProduct(y, 0, this.weight, 0, this.rows, this.columns, x, from);
    return y;
  }

  backward(delta) {
    const found = new Float64Array(this.columns);
    addTransposed(found, 0, this.weight, 0, this.rows, this.columns, delta, 0);
    return found;
  }
}

// An activation, and its derivative from its value.
const ACTIVATIONS = {
  relu: [(x) => (x > 0 ? x : 0), (y) => (y > 0 ? 1 : 0)],
  tanh: [Math.tanh, (y) => 1 - y * y],
  sigmoid: [sigmoid, (y) => y * (1 - y)],
};

class FeedForward {
  constructor({ activation, layers }, Numbers) {
    this.layers = layers.map((layer) => new Linear(layer, Numbers));
    this.activation = ACTIVATIONS[activation];
  }

  // The values of each layer, the input first, the output last.
  forward(x) {
    const values = [x];
    for (const layer of this.layers) values.push(layer.forward(values.at(-1)).map(this.activation[0]));
    return values;
  }

  backward(values, delta) {
    let found = delta;
    for (let k = this.layers.length - 1; k >= 0; --k) {
      const slopes = values[k + 1].map(this.activation[1]);
      found = this.layers[k].backward(found.map((each, j) => each * slopes[j]));
    }
    return found;
  }
}

// Pooling of T vectors, row after row. `forward` returns the vector, and what `backward` needs to know.
class Pooling {
  constructor(page, Numbers) {
    Object.assign(this, { kind: page.kind, bidirectional: page.bidirectional });
    if (page.kind !== "attention") return;
    this.hidden = new Linear(page, Numbers);
    this.query = weightsOf(page.query, Numbers);
  }

  forward(values, steps, width) {
    const vector = new Float64Array(width);
    if (!steps) return { vector };
    if (this.kind === "last") {
      const half = this.bidirectional ? width / 2 : width;
      vector.set(values.subarray((steps - 1) * width, (steps - 1) * width + half));
      if (half < width) vector.set(values.subarray(half, width), half);
      return { vector };
    }
    if (this.kind === "max") {
      vector.fill(-Infinity);
      for (let at = 0; at < steps * width; ++at)
        vector[at % width] = Math.max(vector[at % width], values[at]);
      return { vector };
    }
    const { weights, hidden } = this.weigh(values, steps, width);
    for (let at = 0; at < steps * width; ++at)
      vector[at % width] += weights[Math.floor(at / width)] * values[at];
    return { vector, weights, hidden };
  }

  weigh(values, steps, width) {
    if (this.kind === "mean") return { weights: new Float64Array(steps).fill(1 / steps) };
    const hidden = Array.from({ length: steps }, (_, t) =>
      this.hidden.forward(values, t * width).map(Math.tanh),
    );
    const scores = hidden.map((row) => row.reduce((sum, each, k) => sum + each * this.query[k], 0));
    return { weights: softmax(scores), hidden };
  }

  // Writes ∂E/∂values, from ∂E/∂vector.
  backward(found, delta, values, steps, { vector, weights, hidden }) {
    const width = delta.length;
    found.fill(0, 0, steps * width);
    if (!steps) return;
    if (this.kind === "last") {
      const half = this.bidirectional ? width / 2 : width;
      found.set(delta.subarray(0, half), (steps - 1) * width);
      for (let k = half; k < width; ++k) found[k] += delta[k];
      return;
    }
    if (this.kind === "max") return shareOfLargest(found, delta, values, steps, vector);
    for (let at = 0; at < steps * width; ++at)
      found[at] = weights[Math.floor(at / width)] * delta[at % width];
    if (this.kind !== "attention") return;
    const gains = hidden.map((_, t) => delta.reduce((sum, each, k) => sum + each * values[t * width + k], 0));
    const mean = gains.reduce((sum, gain, t) => sum + weights[t] * gain, 0);
    hidden.forEach((row, t) => {
      const slope = weights[t] * (gains[t] - mean);
      const back = this.hidden.backward(row.map((each, k) => slope * this.query[k] * (1 - each * each)));
      back.forEach((each, k) => (found[t * width + k] += each));
    });
  }
}

// Steps that are equally large share the gradient, as torch's amax has it.
function shareOfLargest(found, delta, values, steps, vector) {
  const width = delta.length;
  for (let k = 0; k < width; ++k) {
    const largest = [];
    for (let t = 0; t < steps; ++t) if (values[t * width + k] === vector[k]) largest.push(t);
    for (const t of largest) found[t * width + k] = delta[k] / largest.length;
  }
}

function logSumExp(numbers) {
  const largest = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest + Math.log(numbers.reduce((sum, each) => sum + Math.exp(each - largest), 0));
}

function softmax(numbers) {
  const sum = logSumExp(numbers);
  return Float64Array.from(numbers, (each) => Math.exp(each - sum));
}
