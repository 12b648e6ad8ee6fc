// The functions that cells call, one number at a time.

function sigmoid(x) {
  const small = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + small) : small / (1 + small);
}
const { tanh, exp, log, sqrt, sin, cos, abs, sign } = Math;
const relu = (x) => (x < 0 ? 0 : x);
const rsqrt = (x) => 1 / Math.sqrt(x);
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const step = (x) => (x > 0 ? 1 : 0);
const minimum = (a, b) => (a <= b ? a : b);
const maximum = (a, b) => (a > b ? a : b);
