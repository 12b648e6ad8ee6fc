// What follows from the equations of a cell: the normal form, and back-propagation through one time step, as
// bptt.derive finds them. A step is target = Σ matrix @ vector + rest; `width` is the letter of the target's width.

const [DELTA, FROM_LOSS, FROM_NEXT] = ["δ", "loss_", "next_"];

// Every linear map, call and row statement is a step of its own.
function normalForm(cell) {
  const builder = new NormalForm(cell);
  for (const { target, expression } of cell.equations) builder.emit(target, expression, target);
  return builder;
}

class NormalForm {
  constructor(cell) {
    Object.assign(this, { cell, steps: [], known: new Map() });
    const { inputs, targets, vectors, matrices, constants, previous } = cell;
    this.taken = new Set([...inputs, ...targets, ...vectors.keys(), ...matrices.keys(), ...Object.keys(constants)]);
    this.widths = new Map([...vectors, ...[...inputs, ...previous].map((name) => [name, cell.width(name)])]);
  }

  width(name) {
    return this.widths.get(name) ?? this.cell.width(name);
  }

  // `hint` is the target of the equation, after which helpers are named.
  emit(target, expression, hint) {
    let products = [];
    let rest = null;
    const { kind, parts, name } = expression;
    if (kind === "call")
      rest = callOf(
        name,
        parts.map((part) => this.named(part, "net", hint)),
      );
    else if (kind === "row") rest = rowCallOf(name, this.named(parts[0], "in", hint));
    else {
      const terms = kind === "sum" ? parts : [expression];
      products = terms.filter((term) => term.kind === "map").map((map) => this.product(map));
      rest = add(...terms.filter((term) => term.kind !== "map").map((term) => this.lower(term, hint)));
    }
    const width = this.widthOf(products, rest);
    this.widths.set(target, width);
    this.steps.push({ target, width, products, rest });
    if (!this.known.has(expression.key)) this.known.set(expression.key, target);
  }

  product({ matrix, parts: [vector] }) {
    const suffix = matrix.slice(matrix.lastIndexOf("_") + 1);
    // A parameter's gradient is summed over time from what reads it unit by unit: so a step does.
    const isBare = vector.kind === "symbol" && this.cell.vectors.has(vector.name);
    const read = isBare ? this.step(vector, "in", suffix) : this.named(vector, "in", suffix);
    return { matrix, vector: read.name };
  }

  lower(expression, hint) {
    const { kind, name, matrix, parts } = expression;
    if (kind === "call") return this.named(expression, name, parts[0].kind === "symbol" ? parts[0].name : hint);
    if (kind === "row") return this.named(expression, name, hint);
    if (kind === "map") return this.named(expression, "map", matrix.slice(matrix.lastIndexOf("_") + 1));
    return rebuild(expression, (part) => this.lower(part, hint));
  }

  named(expression, prefix, suffix) {
    return expression.kind === "symbol" ? expression : this.step(expression, prefix, suffix);
  }

  step(expression, prefix, suffix) {
    if (!this.known.has(expression.key)) {
      let fresh = `${prefix}_${suffix}`;
      while (this.taken.has(fresh)) fresh += "′";
      this.taken.add(fresh);
      this.emit(fresh, expression, suffix);
    }
    return symbolOf(this.known.get(expression.key));
  }

  widthOf(products, rest) {
    if (rest.kind === "row") return "1";
    const letters = products.map(({ matrix }) => this.cell.matrices.get(matrix)[0]);
    for (const name of symbolsOf(rest)) if (!this.cell.isConstant(name)) letters.push(this.widths.get(name));
    return letters.find((letter) => letter !== "1") ?? "1";
  }
}

// ∂target/∂name of a step's rest, calls in their own output; `width` is that of `name`.
function partialOf({ target, rest }, name, width) {
  const output = symbolOf(target);
  if (rest.kind === "call") {
    const { partials, arguments: names } = openFunction(rest.name);
    const given = new Map([["y", output], ...names.map((each, k) => [each, rest.parts[k]])]);
    return add(...partials.filter((_, k) => same(rest.parts[k], symbolOf(name))).map((each) => rename(each, given)));
  }
  if (rest.kind === "row") {
    const derivative = openText(TABLES.rowFunctions[rest.name]);
    return rest.parts[0].name === name ? rename(derivative, new Map([["n", sizeOf(width)]])) : ZERO;
  }
  return differentiate(rest, name);
}

const opened = new Map();

function openText(text) {
  if (!opened.has(text))
    opened.set(text, readEquation("function", { text: `y = ${text}`, begin: 0, line: 1 }).expression);
  return opened.get(text);
}

function openFunction(name) {
  const found = TABLES.functions[name];
  return { ...found, partials: found.partials.map(openText) };
}

function differentiate(expression, name) {
  const { kind, parts, exponent } = expression;
  if (kind === "symbol") return expression.name === name ? ONE : ZERO;
  if (kind === "sum") return add(...parts.map((term) => differentiate(term, name)));
  if (kind === "product")
    return add(
      ...parts.map((part, k) => multiply(...parts.slice(0, k), differentiate(part, name), ...parts.slice(k + 1))),
    );
  if (kind === "power")
    return multiply(numberOf(exponent, true), power(parts[0], exponent - 1), differentiate(parts[0], name));
  return ZERO;
}

// The backward equations of one time step, in order, and the gradients: of a matrix [δ, source] pairs, of a vector an
// expression.
function adjointOf(form) {
  const { cell } = form;
  const gathered = { products: new Map(), terms: new Map(), rows: new Map(), matrices: new Map() };
  const push = (map, key, value) => map.set(key, [...(map.get(key) ?? []), value]);
  for (const state of cell.states)
    gathered.terms.set(state, [symbolOf(FROM_LOSS + state), symbolOf(FROM_NEXT + state)]);
  if (!cell.states.includes(cell.output)) gathered.terms.set(cell.output, [symbolOf(FROM_LOSS + cell.output)]);
  const steps = [];
  const computed = new Set(form.steps.map(({ target }) => target));

  // False if no step reads the value. What vectors contribute to a value over a row is summed over the row.
  const close = (name, width) => {
    const terms = [...(gathered.terms.get(name) ?? [])];
    const products = [...(gathered.products.get(name) ?? [])].reverse();
    const rows = [...(gathered.rows.get(name)?.values() ?? [])].map((parts) => rowCallOf("sum", add(...parts)));
    if (!terms.length && !products.length && !rows.length && computed.has(name)) return false;
    let rest = rows[0];
    if (rows.length !== 1 || terms.length) {
      rows.forEach((row, k) => {
        const target = `${DELTA}${name}${"_rows".repeat(k + 1)}`;
        steps.push({ target, width: "1", products: [], rest: row });
        terms.push(symbolOf(target));
      });
      rest = add(...terms);
    }
    steps.push({ target: DELTA + name, width, products, rest });
    return true;
  };
  const distribute = (step) => {
    const delta = symbolOf(DELTA + step.target);
    for (const { matrix, vector } of step.products) {
      push(gathered.products, vector, { matrix, vector: delta.name, isTransposed: true });
      push(gathered.matrices, matrix, [delta.name, vector]);
    }
    for (const name of symbolsOf(step.rest)) {
      if (cell.isConstant(name)) continue;
      const width = form.width(name);
      const contribution = multiply(delta, partialOf(step, name, width));
      if (width !== "1" || step.width === "1") push(gathered.terms, name, contribution);
      else {
        // By the width of the reader: numbers of rows of one width alone can be added before they are summed.
        const rows = gathered.rows.get(name) ?? new Map();
        gathered.rows.set(name, rows);
        push(rows, step.width, contribution);
      }
    }
  };
  for (const step of [...form.steps].reverse()) if (close(step.target, step.width)) distribute(step);
  for (const name of [...cell.previous, ...cell.inputs]) close(name, form.width(name));
  const matrices = new Map([...cell.matrices.keys()].map((name) => [name, gathered.matrices.get(name) ?? []]));
  const vectors = new Map([...cell.vectors.keys()].map((name) => [name, add(...(gathered.terms.get(name) ?? [ZERO]))]));
  return { steps, matrices, vectors };
}
