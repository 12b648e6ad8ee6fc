// The equations of a step with their numbers, for one unit.

const NAME = /[\p{L}_δ][\p{L}\p{N}_δ′]*/gu;

function equationsOf(reading, layerNumber, step, unit) {
  const layer = reading.stack.layers[layerNumber];
  const { written } = CELLS[reading.model.layers[layerNumber].cell];
  const of = (isBackward) => (line) => {
    const products = line.products.map((product) => ({
      text: `${product.matrix}${isBackward ? "ᵀ" : ""} ${product.vector}`,
      value: productOf(layer, product, step, unit, isBackward),
    }));
    const plain = line.rest === "0" && products.length ? "" : line.rest;
    const read = (name) => numberOf(layer, written, name, step, unit);
    const numbers = plain.replace(NAME, (name, place) => {
      const value = plain[place + name.length] === "(" ? null : read(name);
      return value === null ? name : digitsOf(value);
    });
    return { target: line.target, value: read(line.target), products, rest: plain, numbers };
  };
  return { forward: written.forward.map(of(false)), backward: written.backward.map(of(true)) };
}

// Four digits; a negative number in parentheses, as it may be a factor or have a power.
function digitsOf(value) {
  const text = String(Number(value.toPrecision(4)));
  return value < 0 ? `(${text})` : text;
}

function productOf(layer, { family, place, vector }, step, unit, isBackward) {
  const { rows, columns } = layer.cell.families[family];
  const [height, width] = [layer.width(rows), layer.width(columns)];
  const matrix = layer.parameters[family].subarray(place * height * width, (place + 1) * height * width);
  const source = arrayOf(layer, vector, step);
  if (!source || unit >= (isBackward ? width : height)) return NaN;
  let sum = 0;
  for (let k = 0; k < source.length; ++k)
    sum += source[k] * matrix[isBackward ? k * width + unit : unit * width + k];
  return sum;
}

// The numbers of a name at a step, or null.
function arrayOf(layer, name, step) {
  const { cell } = layer;
  const cut = (array, letter, t) => array.subarray(t * layer.width(letter), (t + 1) * layer.width(letter));
  if (name in cell.inputs) return cut(layer.values[name], cell.inputs[name], step);
  if (name in cell.values) return layer.at(name, step);
  if (name in cell.deltas) return cut(layer.deltas[name], cell.deltas[name], step);
  if (name.startsWith("next_")) {
    const delta = `δ${name.slice("next_".length)}_prev`;
    return cut(layer.deltas[delta], cell.deltas[delta], step + 1);
  }
  const state = name.replace(/_prev$/, "");
  return cell.states.includes(state) ? layer.at(state, step - 1) : null;
}

function numberOf(layer, written, name, step, unit) {
  if (name in written.constants) return written.constants[name];
  if (name in layer.sizes) return layer.sizes[name];
  if (name in written.vectors) {
    const { family, place } = written.vectors[name];
    return layer.parameters[family][place * layer.width(layer.cell.families[family].rows) + unit];
  }
  const numbers = arrayOf(layer, name, step);
  return numbers === null ? null : (numbers[numbers.length === 1 ? 0 : unit] ?? NaN);
}
