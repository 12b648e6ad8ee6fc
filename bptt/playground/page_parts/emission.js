// A cell as text of JavaScript: the object that bptt.codegen.javascript writes, from the equations of its derivation.

function emitted(cell) {
  const form = normalForm(cell);
  return new Emission(cell, form, adjointOf(form)).text();
}

class Emission {
  constructor(cell, form, adjoint) {
    Object.assign(this, { cell, form, adjoint });
    const widths = (steps) => Object.fromEntries(steps.map(({ target, width }) => [target, width]));
    this.values = { ...Object.fromEntries(cell.states.map((name) => [name, cell.width(name)])), ...widths(form.steps) };
    this.deltas = widths(adjoint.steps);
    for (const name of [...cell.states, cell.output]) this.deltas[FROM_LOSS + name] = cell.width(name);
  }

  text() {
    const { cell, form } = this;
    const widthOf = (names) => Object.fromEntries(names.map((name) => [name, cell.width(name)]));
    const facts = {
      name: cell.name,
      inputs: widthOf(cell.inputs),
      states: cell.states,
      output: cell.output,
      inputSums: form.steps
        .filter(({ products }) => products.some((p) => cell.inputs.includes(p.vector)))
        .map((s) => s.target),
      values: this.values,
      deltas: this.deltas,
      families: Object.fromEntries(cell.families.map((family) => [family.name, family])),
      init: cell.init,
      // Where a forget bias goes: the place in the family b of each forget gate, and its sign.
      forget: Object.entries(cell.forgetGates())
        .filter(([gate]) => cell.vectors.has(`b_${gate}`))
        .map(([gate, sign]) => ({ sign, place: cell.member(`b_${gate}`).place })),
    };
    const forward = "let t = first; t < last; t += 1";
    const backward = "let t = last - 1; t >= first; t -= 1";
    const lines = [
      ...Object.entries(facts).map(([name, value]) => `${name}: ${JSON.stringify(value)},`),
      ...this.method(
        "forward",
        ["values", "parameters"],
        forward,
        this.form.steps.flatMap((s) => this.step(s, "addProduct")),
      ),
      ...this.method(
        "backward",
        ["values", "deltas", "parameters"],
        backward,
        this.adjoint.steps.flatMap((s) => this.step(s, "addTransposed")),
      ),
      ...this.method("gradients", ["values", "deltas", "parameters", "gradients"], forward, this.gradients()),
    ];
    return ["{", ...lines.map((line) => `  ${line}`), "}"].join("\n");
  }

  // A method: its arrays by name, then a loop over the steps.
  method(name, given, loop, body) {
    const used = new Set(body.join("\n").match(/[\p{XIDC}$]+/gu));
    const { cell, values, deltas } = this;
    const arrays = {
      values: [...cell.inputs, ...Object.keys(values)].map((each) => [each, identifier(each)]),
      deltas: Object.keys(deltas).map((each) => [each, identifier(each)]),
      parameters: cell.families.map((family) => [family.name, `p$${family.name}`]),
      gradients: cell.families.map((family) => [family.name, `g$${family.name}`]),
      sizes: TABLES.widths.map((letter) => [letter, `size$${letter}`]),
    };
    const taken = ["sizes", ...given].map((each) => {
      const pairs = arrays[each].filter(([, variable]) => used.has(variable));
      return `const { ${pairs.map(([key, variable]) => `${JSON.stringify(key)}: ${variable}`).join(", ")} } = ${each};`;
    });
    const inside = [...(used.has("row") ? ["let row = 0;"] : []), ...body].map((line) => `  ${line}`);
    return [`${name}(sizes, ${given.join(", ")}, first, last) {`, ...taken, `for (${loop}) {`, ...inside, "}", "},"];
  }

  // target = rest, then the products; a row statement is a sum over the units.
  step({ target, width, products, rest }, product) {
    if (rest.kind === "row") return this.total(target, rest);
    const assigned = everyUnit(width, `${this.read(target)} = ${this.formula(rest)};`);
    return [
      assigned,
      ...products.map(
        (each) => `${product}(${this.place(target)}, ${this.matrix(each.matrix)}, ${this.place(each.vector)});`,
      ),
    ];
  }

  total(target, { name, parts: [argument] }) {
    const letters = symbolsOf(argument)
      .filter((each) => !this.cell.isConstant(each))
      .map((each) => this.width(each));
    const width = letters.find((letter) => letter !== "1") ?? "1";
    const divided = name === "mean" && width !== "1" ? ` / size$${width}` : "";
    return ["row = 0;", everyUnit(width, `row += ${this.formula(argument)};`), `${this.read(target)} = row${divided};`];
  }

  gradients() {
    const { cell, adjoint } = this;
    const vectors = [...adjoint.vectors].map(([name, expression]) => {
      const { family, place } = cell.member(name);
      const at = `g$${family.name}[${place} * size$${family.rows} + j]`;
      return everyUnit(cell.vectors.get(name), `${at} += ${this.formula(expression)};`);
    });
    const matrices = [...adjoint.matrices].flatMap(([name, terms]) =>
      terms.map(
        ([delta, source]) => `addOuter(${this.matrix(name, "g")}, ${this.place(delta)}, ${this.place(source)});`,
      ),
    );
    return [...vectors, ...matrices];
  }

  width(name) {
    const known = this.values[name] ?? this.deltas[name] ?? this.cell.vectors.get(name);
    return known ?? this.cell.width(name.startsWith(FROM_NEXT) ? name.slice(FROM_NEXT.length) : name);
  }

  // The array of a value, and where its numbers of step t begin.
  place(name) {
    const { states, previous } = this.cell;
    const width = this.width(name);
    if (width === "1") return `${identifier(name)}, t`;
    if (name.startsWith(FROM_NEXT))
      return `${identifier(`${DELTA}${name.slice(FROM_NEXT.length)}${PREVIOUS}`)}, (t + 1) * size$${width}`;
    if (states.includes(name)) return `${identifier(name)}, (t + 1) * size$${width}`;
    const held = previous.includes(name) ? name.slice(0, -PREVIOUS.length) : name;
    return `${identifier(held)}, t * size$${width}`;
  }

  // The number of a value at unit j of step t.
  read(name) {
    const { cell } = this;
    if (cell.isConstant(name)) return literal(cell.constants[name]);
    if (cell.vectors.has(name)) {
      const { family, place } = cell.member(name);
      return `p$${family.name}[${place} * size$${family.rows} + j]`;
    }
    const [array, at] = this.place(name).split(/, (.*)/);
    return at === "t" ? `${array}[t]` : `${array}[${at} + j]`;
  }

  matrix(name, kind = "p") {
    const { family, place } = this.cell.member(name);
    const [rows, columns] = [`size$${family.rows}`, `size$${family.columns}`];
    return `${kind}$${family.name}, ${place} * ${rows} * ${columns}, ${rows}, ${columns}`;
  }

  formula(expression) {
    const { kind, parts, name } = expression;
    if (kind === "number") return literal(expression.value);
    if (kind === "symbol") return this.read(name);
    if (kind === "size") return expression.letter === "1" ? "1" : `size$${expression.letter}`;
    if (kind === "call") return `${name}(${parts.map((part) => this.formula(part)).join(", ")})`;
    if (kind === "sum") return parts.map((term) => this.factor(term)).join(" + ");
    const [above, below] = splitQuotient(expression);
    if (!same(below, ONE)) return `${this.factor(above)} / ${this.factor(below)}`;
    if (kind === "product") return parts.map((part) => this.factor(part)).join(" * ");
    const base = this.factor(parts[0]);
    return parts[0].kind === "symbol"
      ? Array(expression.exponent).fill(base).join(" * ")
      : `(${base}) ** ${expression.exponent}`;
  }

  factor(expression) {
    const text = this.formula(expression);
    return ["sum", "product", "power"].includes(expression.kind) ? `(${text})` : text;
  }
}

function everyUnit(width, text) {
  return width === "1" ? text : `for (let j = 0; j < size$${width}; j += 1) ${text}`;
}

// A literal that may follow any operator.
function literal(value) {
  return value < 0 ? `(${value})` : String(value);
}

// A name of JavaScript for a value; different names have different ones.
function identifier(name) {
  const text = name.replaceAll("′", "$$");
  return TABLES.taken.includes(text) || Object.hasOwn(TABLES.functions, text) ? `$${text}` : text;
}
