// A cell from its text: what its equations name, and the rules that they keep, as in bptt.cells.

const PREVIOUS = "_prev";

class Cell {
  // `given`: name, equations (a text), states, output, inputs, widths, constants, init, as Cell.define has them.
  constructor({ name, equations, states = [], output = "", inputs = ["x"], widths = {}, constants = {}, init = {} }) {
    this.where = `cell ${quotedText(name)}`;
    this.equations = parseEquations(this.where, equations);
    if (!this.equations.length) throw new CellError(this.where, "a cell has at least one equation", "none");
    const last = this.equations.at(-1).target;
    Object.assign(this, { name, states, inputs, widths, constants, init });
    this.output = output || (states[0] ?? last);
    this.targets = [...new Set(this.equations.map(({ target }) => target))];
    this.previous = states.map((state) => state + PREVIOUS);
    this.values = new Set([...inputs, ...Object.keys(constants), ...this.targets, ...this.previous]);
    this.scalars = new Set();
    for (const { target, expression } of this.equations)
      if (isScalar(expression, new Set([...this.scalars, ...Object.keys(constants)]))) this.scalars.add(target);
    checkCell(this);
  }

  // The letter of a value's width: "I" for the input, "1" for a value over a row, else "H".
  width(name) {
    const base = name.endsWith(PREVIOUS) ? name.slice(0, -PREVIOUS.length) : name;
    if (this.scalars.has(base)) return "1";
    if (Object.hasOwn(this.widths, base)) return this.widths[base];
    return this.inputs.includes(base) ? "I" : "H";
  }

  // The letter of a parameter's rows: those of the value that it is named after.
  rows(parameter) {
    const letter = this.width(valueOf(parameter, this.targets));
    if (letter !== "1") return letter;
    const cure = "Name it after the vector that it multiplies";
    throw new CellError(this.where, "a parameter is named after a vector", parameter, cure, this.find(parameter));
  }

  isConstant(name) {
    return Object.hasOwn(this.constants, name);
  }

  // Where a name first occurs as a word: in one equation, or in all; on the right, or as the target.
  find(name, equation = null, isTarget = false) {
    const word = new RegExp(`(?<!\\p{XIDC})${name}(?!\\p{XIDC})`, "u");
    for (const { text, line, begin } of equation ? [equation] : this.equations) {
      const from = isTarget ? 0 : text.indexOf("=") + 1;
      const at = name ? text.slice(from).normalize("NFKC").search(word) : -1;
      if (at >= 0) return { line, column: begin + from + at + 1 };
    }
    return equation ? { line: equation.line, column: equation.begin + 1 } : {};
  }

  // The family and the place in it of a parameter.
  member(parameter) {
    const family = this.families.find(({ members }) => members.includes(parameter));
    return { family, place: family.members.indexOf(parameter) };
  }

  // Gates that a state is carried through: 1 if it is kept where the gate is open, -1 where it is shut.
  forgetGates() {
    const found = {};
    const expressions = new Map(this.equations.map(({ target, expression }) => [target, expression]));
    const isGate = (target) => {
      const { kind, name } = expressions.get(target);
      return kind === "call" && TABLES.functions[name].isGate;
    };
    const gates = this.targets.filter(isGate);
    for (const state of this.states) {
      const previous = symbolOf(state + PREVIOUS);
      const whole = expressions.get(state);
      for (const term of whole.kind === "sum" ? whole.parts : [whole]) {
        if (term.kind !== "product" || !term.parts.some((part) => same(part, previous))) continue;
        const factor = multiply(...term.parts.filter((part) => !same(part, previous)));
        for (const gate of gates) {
          if (same(factor, symbolOf(gate))) found[gate] = 1;
          else if (same(factor, subtracted(ONE, symbolOf(gate)))) found[gate] = -1;
        }
      }
    }
    return found;
  }

  count(sizes) {
    return this.families.reduce((sum, family) => sum + familySize(family, sizes), 0);
  }
}

// The longest target that a parameter's name ends with, "" if none.
function valueOf(name, targets) {
  const fits = targets.filter((target) => name.endsWith(`_${target}`) && name.length > target.length + 1);
  return fits.reduce((longest, target) => (target.length > longest.length ? target : longest), "");
}

function familySize({ members, rows, columns }, sizes) {
  return members.length * sizes[rows] * (columns === null ? 1 : sizes[columns]);
}

// The names that an expression reads, those of matrices among them, in reading order.
function parameterNames(expression) {
  return [...walk(expression)]
    .filter(({ kind }) => ["symbol", "map"].includes(kind))
    .map((each) => each.matrix ?? each.name);
}

// The letters of the widths of the vectors that make an expression.
function lettersOf(cell, expression) {
  if (expression.kind === "symbol") {
    if (cell.isConstant(expression.name)) return new Set();
    const letter = cell.values.has(expression.name) ? cell.width(expression.name) : cell.rows(expression.name);
    return new Set(letter === "1" ? [] : [letter]);
  }
  if (expression.kind === "map") return new Set([cell.rows(expression.matrix)]);
  if (expression.kind === "row") return new Set();
  return new Set(expression.parts.flatMap((part) => [...lettersOf(cell, part)]));
}

// Each matrix with the letters of its rows and columns.
function findMatrices(cell) {
  const found = new Map();
  for (const equation of cell.equations)
    for (const { kind, matrix, parts } of walk(equation.expression)) {
      if (kind !== "map") continue;
      const place = cell.find(matrix, equation);
      const columns = [...lettersOf(cell, parts[0])];
      if (columns.length !== 1)
        throw new CellError(cell.where, `the vector right of ${matrix} @ has one width`, toText(parts[0]), "", place);
      const shape = [cell.rows(matrix), columns[0]];
      const known = found.get(matrix) ?? shape;
      if (known.join() !== shape.join()) throw new CellError(cell.where, "a matrix has one shape", matrix, "", place);
      found.set(matrix, shape);
    }
  return found;
}

// Each vector parameter with the letter of its width.
function findVectors(cell, matrices) {
  const names = new Set(cell.equations.flatMap(({ expression }) => symbolsOf(expression)));
  const found = new Map();
  const vectors = [...names].filter((name) => !cell.values.has(name));
  for (const name of vectors)
    if (matrices.has(name)) {
      const rule = "a parameter is a matrix (left of @) or a vector, not both";
      throw new CellError(cell.where, rule, name, "", cell.find(name));
    }
  for (const name of vectors) found.set(name, cell.rows(name));
  return found;
}

// Parameters of one shape stacked, in the order in which the equations name them: { name, members, rows, columns }.
function findFamilies(cell, matrices, vectors) {
  const shapes = new Map(matrices);
  for (const [name, letter] of vectors) shapes.set(name, [letter, null]);
  const order = new Set(cell.equations.flatMap(({ expression }) => parameterNames(expression)));
  const stacks = new Map();
  for (const name of order) {
    if (!shapes.has(name)) continue;
    const family = name.slice(0, -valueOf(name, cell.targets).length - 1);
    stacks.set(family, [...(stacks.get(family) ?? []), name]);
  }
  return [...stacks].map(([name, members]) => {
    const shape = shapes.get(members[0]);
    if (members.some((member) => shapes.get(member).join() !== shape.join())) {
      const place = cell.find(members.find((member) => shapes.get(member).join() !== shape.join()));
      throw new CellError(cell.where, "the parameters of a family have one shape", members.join(", "), "", place);
    }
    const rank = (member) => cell.targets.indexOf(valueOf(member, cell.targets));
    return { name, members: members.sort((a, b) => rank(a) - rank(b)), rows: shape[0], columns: shape[1] };
  });
}
