// The symbols and formulas of a cell on paper, as bptt.explain.legend and notation decide them.

const signOf = (sign) => ({ kind: "operator", sign });
const digitsOf = (text) => ({ kind: "digits", text });
const rowOf = (...parts) => ({ kind: "row", parts });
const fencedOf = (inner, left = "(", right = ")", index = "") => ({ kind: "fenced", inner, left, right, index });
const raisedOf = (base, exponent) => ({ kind: "raised", base, exponent });
const fractionOf = (above, below) => ({ kind: "fraction", above, below });
const functionOf = (name) => ({ kind: "function", name });
const nameOf = (base, subscripts = [], index = "", mark = "") => ({ kind: "name", base, subscripts, index, mark });
const TIMES = signOf("\u2062");
const HADAMARD = signOf("⊙");

class Notation {
  constructor(form) {
    const { cell } = form;
    Object.assign(this, { form, cell, index: cell.states.length ? "t" : "" });
    const before = this.index && `${this.index}−1`;
    this.names = new Map([...cell.inputs, ...cell.targets].map((name) => [name, splitName(name, this.index)]));
    cell.states.forEach((state, k) => this.names.set(cell.previous[k], { ...this.names.get(state), index: before }));
    for (const step of form.steps) if (!this.names.has(step.target)) this.names.set(step.target, this.helper(step));
    for (const name of Object.keys(cell.constants)) this.names.set(name, nameOf(TABLES.letters[name] ?? name));
    for (const name of [...cell.vectors.keys(), ...cell.matrices.keys()]) this.names.set(name, splitName(name));
    this.scalars = new Set();
    for (const name of this.names.keys()) {
      if (!cell.isConstant(name) && form.width(name) !== "1") continue;
      const marked = [DELTA, "∂", FROM_LOSS, FROM_NEXT].map((mark) => mark + name);
      const rows = [1, 2, 3].map((k) => `${DELTA}${name}${"_rows".repeat(k)}`);
      for (const each of [name, ...marked, ...rows]) this.scalars.add(each);
    }
  }

  // The symbol of a name that the derivation made, such as net_i: with a prime if the name was in use already.
  helper({ target, rest }) {
    const called = rest.kind === "call" && target.startsWith(`${rest.name}_`) ? rest.name : "";
    const first = called || target.slice(0, target.indexOf("_"));
    const value = target.slice(first.length + 1);
    const base = value.replace(/′+$/, "");
    const about = this.names.get(base) ?? nameOf(base, [], this.index);
    const kind = called ? TABLES.functions[called].letter || called : first;
    return nameOf(kind + value.slice(base.length), [about.base, ...about.subscripts], about.index);
  }

  // The symbol of any name that the derivation uses.
  name(name) {
    if (this.names.has(name)) return this.names.get(name);
    if (name.startsWith(FROM_LOSS)) return this.lossBy(this.index, name.slice(FROM_LOSS.length));
    if (name.startsWith(FROM_NEXT)) return this.lossBy(`>${this.index}`, name.slice(FROM_NEXT.length));
    const [mark, value] = [name[0], name.slice(1)];
    if (mark === DELTA && this.cell.previous.includes(value)) return this.lossBy(`>${this.index}−1`, value);
    if (this.names.has(value)) return { ...this.names.get(value), mark };
    const base = value.replace(/(_rows)+$/, "");
    const widths = Array((value.length - base.length) / "_rows".length).fill("rows");
    const symbol = this.names.get(base);
    return { ...symbol, mark, subscripts: [...symbol.subscripts, ...widths] };
  }

  lossBy(index, value) {
    return fractionOf(nameOf("E", [], index, "∂"), { ...this.names.get(value), mark: "∂" });
  }

  formula(expression) {
    return totalOf(this.terms(expression));
  }

  terms(expression) {
    return (expression.kind === "sum" ? expression.parts : [expression]).map((part) => {
      const [isNegative, body] = splitSign(part);
      return { isNegative, body: body.kind === "sum" ? this.factor(body) : this.body(body) };
    });
  }

  rightSide({ products, rest }) {
    const maps = products.map(({ matrix, vector, isTransposed }) => {
      const symbol = this.name(matrix);
      return { isNegative: false, body: beside(isTransposed ? raisedOf(symbol, "T") : symbol, this.name(vector)) };
    });
    return [...maps, ...(same(rest, ZERO) && products.length ? [] : this.terms(rest))];
  }

  // A factor, base or vector of a linear map, in parentheses where needed.
  factor(expression) {
    const isCompound = ["sum", "map", "product"].includes(expression.kind) || splitSign(expression)[0];
    const formula = this.formula(expression);
    return isCompound ? fencedOf(formula) : formula;
  }

  body(expression) {
    const { kind, parts } = expression;
    if (kind === "number") return numberFormula(expression);
    if (kind === "symbol") return this.name(expression.name);
    if (kind === "size") return nameOf(expression.letter);
    if (kind === "call")
      return this.call(
        expression.name,
        parts.map((part) => this.formula(part)),
      );
    if (kind === "row") return this.rowCall(expression.name, parts[0]);
    if (kind === "map") return beside(this.name(expression.matrix), this.factor(parts[0]));
    const [above, below] = splitQuotient(expression);
    if (!same(below, ONE)) return fractionOf(this.formula(above), this.formula(below));
    if (kind === "product") return this.factors(parts);
    const base = this.factor(parts[0]);
    return raisedOf(base.kind === "fraction" ? fencedOf(base) : base, String(expression.exponent));
  }

  // Numbers and row values first, then the vectors, with ⊙ between them.
  factors(parts) {
    const isNumber = (part) => isScalar(part, this.scalars) || !symbolsOf(part).length;
    const scalars = parts.filter(isNumber).map((part) => this.factor(part));
    const vectors = parts.filter((part) => !isNumber(part)).map((part) => this.factor(part));
    const signed = [
      ...scalars.flatMap((each) => [TIMES, each]),
      ...vectors.flatMap((each, k) => [k ? HADAMARD : TIMES, each]),
    ];
    return rowOf(...signed.slice(1));
  }

  call(name, given) {
    const { layout, symbol } = TABLES.functions[name];
    const [first, ...others] = given;
    if (layout === "indicator")
      return rowOf(digitsOf("1"), fencedOf(rowOf(first, signOf(">"), digitsOf("0")), "[", "]"));
    if (layout === "root") return { kind: "root", inner: first };
    if (layout === "reciprocal root") return fractionOf(digitsOf("1"), { kind: "root", inner: first });
    if (layout === "bars") return fencedOf(first, "|", "|");
    const listed = others.length ? rowOf(first, ...others.flatMap((each) => [signOf(","), each])) : first;
    return rowOf(functionOf(symbol || name), fencedOf(listed));
  }

  // A sum over the units j of the row, or their mean.
  rowCall(name, argument) {
    if (name === "sum" && argument.kind === "product") {
      const [above, below] = splitQuotient(argument);
      if (below.kind === "size") return this.rowCall("mean", above);
    }
    const inner = this.formula(argument);
    if (name === "sum") return beside({ kind: "over", index: "j" }, fencedOf(inner, "(", ")", "j"));
    return rowOf(functionOf(name), fencedOf(inner));
  }

  // Forward equations, backward equations, gradients: each a left and a right side.
  lines(adjoint) {
    const line = (step) => [this.name(step.target), totalOf(this.rightSide(step))];
    const members = this.cell.families.flatMap((family) => family.members);
    return {
      forward: this.form.steps.map(line),
      backward: adjoint.steps.map(line),
      gradients: members.map((member) => [{ ...this.names.get(member), mark: "∇" }, this.gradient(adjoint, member)]),
    };
  }

  // A sum over time, if there is time.
  gradient(adjoint, member) {
    const products = (adjoint.matrices.get(member) ?? []).map(([delta, source]) => ({
      isNegative: false,
      body: beside(this.name(delta), raisedOf(this.name(source), "T")),
    }));
    const terms = products.length ? products : this.terms(adjoint.vectors.get(member) ?? ZERO);
    const isZero = terms.length === 1 && terms[0].body.kind === "digits" && terms[0].body.text === "0";
    if (isZero || !this.index) return totalOf(terms);
    const isAlone = terms.length === 1 && !terms[0].isNegative;
    return beside({ kind: "over", index: this.index }, isAlone ? terms[0].body : fencedOf(totalOf(terms)));
  }
}

function splitName(name, index = "") {
  const [base, ...subscripts] = name.split("_");
  return base && subscripts.every(Boolean) ? nameOf(base, subscripts, index) : nameOf(name, [], index);
}

function totalOf(terms) {
  const parts = terms.flatMap(({ isNegative, body }, k) => [
    ...(k || isNegative ? [signOf(isNegative ? "−" : "+")] : []),
    body,
  ]);
  return parts.length === 1 ? parts[0] : rowOf(...parts);
}

function beside(first, ...others) {
  return rowOf(first, ...others.flatMap((each) => [TIMES, each]));
}

// 1e-05 as a power of ten.
function numberFormula(expression) {
  const [mantissa, exponent] = numberText(expression).split("e");
  if (exponent === undefined) return digitsOf(mantissa);
  const tens = raisedOf(digitsOf("10"), String(Number(exponent)));
  return mantissa === "1" ? tens : rowOf(digitsOf(mantissa), signOf("·"), tens);
}
