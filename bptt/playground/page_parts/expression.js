// Expressions of cells: the tree of bptt.cells.expression, folded as there. Equal trees have equal keys.

function numberOf(value, isWhole = false) {
  return { kind: "number", value, isWhole, parts: [], key: `#${value}` };
}
function symbolOf(name) {
  return { kind: "symbol", name, parts: [], key: `'${name}` };
}
function sizeOf(letter) {
  return { kind: "size", letter, parts: [], key: `|${letter}` };
}
function callOf(name, parts) {
  return { kind: "call", name, parts, key: `${name}${keyOf(parts)}` };
}
function rowCallOf(name, argument) {
  return { kind: "row", name, parts: [argument], key: `row ${name}(${argument.key})` };
}
function mapOf(matrix, vector) {
  return { kind: "map", matrix, parts: [vector], key: `${matrix}@(${vector.key})` };
}
function keyOf(parts) {
  return `(${parts.map((part) => part.key).join(",")})`;
}

const ZERO = numberOf(0, true);
const ONE = numberOf(1, true);
const MINUS_ONE = numberOf(-1, true);

function same(one, other) {
  return one.key === other.key;
}

function add(...terms) {
  const flat = terms.flatMap((term) => (term.kind === "sum" ? term.parts : [term]));
  const parts = flat.filter((term) => !(term.kind === "number" && term.value === 0));
  if (!parts.length) return ZERO;
  return parts.length === 1 ? parts[0] : { kind: "sum", parts, key: `+${keyOf(parts)}` };
}

// Flat, its numbers gathered in front.
function multiply(...factors) {
  const flat = factors.flatMap((factor) => (factor.kind === "product" ? factor.parts : [factor]));
  const numbers = flat.filter(({ kind }) => kind === "number");
  const rest = flat.filter(({ kind }) => kind !== "number");
  const value = numbers.reduce((product, each) => product * each.value, 1);
  const number = numberOf(
    value,
    numbers.every((each) => each.isWhole),
  );
  if (value === 0 || !rest.length) return number;
  const parts = value === 1 ? rest : [number, ...rest];
  return parts.length === 1 ? parts[0] : { kind: "product", parts, key: `*${keyOf(parts)}` };
}

function power(base, exponent) {
  if (base.kind === "power") return power(base.parts[0], base.exponent * exponent);
  if (base.kind === "number") return numberOf(base.value ** exponent);
  if (exponent === 0) return ONE;
  if (exponent === 1) return base;
  return { kind: "power", exponent, parts: [base], key: `^${exponent}(${base.key})` };
}

function negate(expression) {
  return multiply(MINUS_ONE, expression);
}

// The same node over changed parts, folded again.
function rebuild(expression, change) {
  const parts = expression.parts.map(change);
  if (expression.kind === "sum") return add(...parts);
  if (expression.kind === "product") return multiply(...parts);
  if (expression.kind === "power") return power(parts[0], expression.exponent);
  if (expression.kind === "call") return callOf(expression.name, parts);
  if (expression.kind === "row") return rowCallOf(expression.name, parts[0]);
  if (expression.kind === "map") return same(parts[0], ZERO) ? ZERO : mapOf(expression.matrix, parts[0]);
  return expression;
}

// Every node, parents first, in reading order.
function* walk(expression) {
  yield expression;
  for (const part of expression.parts) yield* walk(part);
}

// The names that occur, in reading order, each once.
function symbolsOf(expression) {
  const found = new Set();
  for (const part of walk(expression)) if (part.kind === "symbol") found.add(part.name);
  return [...found];
}

function rename(expression, names) {
  if (expression.kind === "symbol") return names.get(expression.name) ?? expression;
  return rebuild(expression, (part) => rename(part, names));
}

// Whether it has one number a row, given the names that do.
function isScalar(expression, scalars) {
  if (expression.kind === "row") return true;
  if (expression.kind === "symbol") return scalars.has(expression.name);
  if (expression.kind === "map") return false;
  return expression.parts.every((part) => isScalar(part, scalars));
}

// Whether a term is negative, and the term without its sign: how sums are printed.
function splitSign(expression) {
  const [first, ...rest] = expression.kind === "product" ? expression.parts : [expression];
  if (first.kind !== "number" || !(first.value < 0)) return [false, expression];
  return [true, multiply(numberOf(-first.value, first.isWhole), ...rest)];
}

// Numerator and denominator: how divisions are printed.
function splitQuotient(expression) {
  const factors = expression.kind === "product" ? expression.parts : [expression];
  const isBelow = ({ kind, exponent }) => kind === "power" && exponent < 0;
  const below = factors.filter(isBelow).map((factor) => power(factor.parts[0], -factor.exponent));
  return [multiply(...factors.filter((factor) => !isBelow(factor))), multiply(...below)];
}

// A number as Python writes it: 2, 0.5, 1e-05.
function numberText({ value, isWhole }) {
  if (isWhole) return BigInt(value).toString();
  const [mantissa, exponent] = value.toExponential().split("e");
  const size = Math.abs(Number(exponent));
  if (value !== 0 && (Number(exponent) < -4 || Number(exponent) > 15))
    return `${mantissa}e${exponent[0]}${String(size).padStart(2, "0")}`;
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

// In the language of cells.
function toText(expression) {
  const { kind, parts } = expression;
  if (kind === "number") return numberText(expression);
  if (kind === "symbol") return expression.name;
  if (kind === "size") return expression.letter;
  if (kind === "sum") return sumText(parts);
  if (kind === "call" || kind === "row") return `${expression.name}(${parts.map(toText).join(", ")})`;
  if (kind === "map") return `${expression.matrix} @ ${factorText(parts[0])}`;
  return productText(expression);
}

function sumText(terms) {
  return terms.reduce((text, term, k) => {
    const [isNegative, body] = splitSign(term);
    const sign = k ? (isNegative ? " - " : " + ") : isNegative ? "-" : "";
    return text + sign + (isNegative ? negatedText(body) : toText(body));
  }, "");
}

function productText(expression) {
  const [isNegative, body] = splitSign(expression);
  if (isNegative) return `-${negatedText(body)}`;
  const [above, below] = splitQuotient(expression);
  if (!same(below, ONE)) return `${factorText(above, true)} / ${factorText(below)}`;
  if (expression.kind === "power") return `${factorText(expression.parts[0])}**${expression.exponent}`;
  return expression.parts.map((factor) => factorText(factor)).join(" * ");
}

function negatedText(body) {
  return ["sum", "map"].includes(body.kind) ? factorText(body) : toText(body);
}

// A factor, or a numerator, in parentheses where it would otherwise change.
function factorText(expression, isNumerator = false) {
  const isDivided = expression.kind === "power" && expression.exponent < 0;
  const isProduct = expression.kind === "product" && !isNumerator;
  const isCompound = isDivided || isProduct || ["sum", "map"].includes(expression.kind);
  return isCompound ? `(${toText(expression)})` : toText(expression);
}
