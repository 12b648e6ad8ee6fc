// Recurrent layers of a page: weights from 16 bits, and values that a reader scales or sets.

// Steps of a reading between two looks at the requests: these take a few milliseconds.
const STEPS_AT_ONCE = 4;

const HALF = new Float32Array(1 << 16);
for (let bits = 0; bits < HALF.length; ++bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  HALF[bits] = bits >> 15 ? -size : size;
}

// Weights as numbers: words of 16 bits are float16, other numbers stay as they are.
function weightsOf(words, Numbers = Float32Array) {
  return words instanceof Uint16Array ? Numbers.from(words, (word) => HALF[word]) : Numbers.from(words);
}

// A layer whose values are scaled and shifted at some steps: `edits` are { value, unit, scale, shift, from, to }.
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

function openLayers(layers, Numbers) {
  const open = (found) =>
    Object.fromEntries(Object.entries(found).map(([name, words]) => [name, weightsOf(words, Numbers)]));
  return layers.map((layer) => ({
    ...layer,
    parameters: open(layer.parameters),
    initial: open(layer.initial),
  }));
}

// New layers with the same weights; a layer that reads backward is beside the one before it.
function newStack(layers, isAdjusted = false, Numbers = Float32Array) {
  const levels = [];
  for (const layer of layers) {
    if (layer.reverse) levels.at(-1).push(newLayer(layer, isAdjusted, Numbers));
    else levels.push([newLayer(layer, isAdjusted, Numbers)]);
  }
  return new Stack(levels);
}

function newLayer({ cell, sizes, parameters, initial }, isAdjusted, Numbers) {
  const { plain, adjusted } = CELLS[cell];
  if (!isAdjusted) return begun(new Layer(plain, sizes, parameters, Numbers), initial);
  const own = {};
  for (const [name, { members, rows }] of Object.entries(adjusted.families))
    if (!(name in parameters)) own[name] = new Numbers(members.length * sizes[rows]);
  const layer = new AdjustedLayer(adjusted, sizes, { ...parameters, ...own }, Numbers);
  return begun(Object.assign(layer, { own, edits: [] }), initial);
}

function begun(layer, initial) {
  for (const [state, numbers] of Object.entries(initial)) {
    layer.initial[state].set(numbers);
    layer.values[state].set(numbers);
  }
  return layer;
}

// The number of items with which two lists begin alike.
function commonStart(one, other) {
  let same = 0;
  while (same < one.length && same < other.length && one[same] === other[same]) ++same;
  return same;
}
