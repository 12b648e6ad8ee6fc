// The numbers of the page: base64, compressed, a JSON text and then arrays that it refers to.

const ARRAYS = { u8: Uint8Array, u16: Uint16Array, i32: Int32Array, f32: Float32Array, f64: Float64Array };
const MISSING_BYTE = 255;
const MISSING_WORD = 65535;

async function readPayload(letters) {
  const packed = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const open = (_, value) => (value && value.array in ARRAYS ? openArray(buffer, 4 + length, value) : value);
  return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)), open);
}

// A copy, because an array of words must begin at an even byte.
function openArray(buffer, start, { array, at, length }) {
  const Kind = ARRAYS[array];
  const from = start + at;
  return new Kind(buffer.slice(from, from + length * Kind.BYTES_PER_ELEMENT));
}

// The numbers of one unit of a value at every step, with the digits that 255 levels have; null if the page does
// not hold that unit.
function seriesOf(value, unit) {
  const row = value.units.indexOf(unit);
  if (row < 0) return null;
  const steps = value.levels.length / value.units.length;
  const [low, scale] = [value.low[row], (value.high[row] - value.low[row]) / 254];
  const digit = 10 ** Math.floor(Math.log10(scale));
  const levels = value.levels.subarray(row * steps, (row + 1) * steps);
  const number = (level) => (scale > 0 ? Math.round((low + level * scale) / digit) * digit : low);
  return Float64Array.from(levels, (level) => (level === MISSING_BYTE ? NaN : number(level)));
}

// A norm of a map, back from its logarithm.
function normAt(map, row, column) {
  const level = map.levels[row * map.columns.length + column];
  if (level === MISSING_WORD) return NaN;
  return level === 0 ? 0 : 10 ** (map.low + ((level - 1) / 65533) * (map.high - map.low));
}

// The part that each step of a sequence of `steps` plays for the loss of one row; NaN where it was not asked.
function partsOf(attribution, row, steps) {
  const parts = new Float64Array(steps).fill(NaN);
  const width = attribution.columns.length;
  attribution.columns.forEach((step, column) => {
    const level = attribution.levels[row * width + column];
    if (level !== MISSING_BYTE) parts[step] = ((level - 127) / 127) * attribution.limits[row];
  });
  return parts;
}
