// The rules of the language of cells that no single equation shows, in the order and words of bptt.cells.rules.

const NAME = /^[\p{XIDS}_]\p{XIDC}*$/u;

function checkCell(cell) {
  const { where, constants, init, widths } = cell;
  const fail = (rule, got, cure = "", place = {}) => {
    throw new CellError(where, rule, got, cure, place);
  };
  checkNames(cell, fail);
  if (new Set(cell.states).size < cell.states.length) fail("a state is named once", cell.states.join(" "));
  checkEquations(cell);
  for (const [name, value] of [...Object.entries(constants), ...Object.entries(init)])
    if (!Number.isFinite(value)) fail(`${name} is a finite number`, value);
  const among = (rule, names, known) => {
    const wrong = names.find((name) => !known.includes(name));
    if (wrong !== undefined) fail(rule, quotedText(wrong), `There are: ${known.join(", ") || "none"}`);
  };
  among("states and output are targets of equations", [...cell.states, cell.output], cell.targets);
  among("widths are those of inputs and targets", Object.keys(widths), [...cell.inputs, ...cell.targets]);
  among("a width is the letter of a size", Object.values(widths), TABLES.widths);
  const row = [...cell.states, cell.output].find((name) => cell.width(name) === "1");
  if (row !== undefined)
    fail("states and output are vectors, not values over a row", quotedText(row), "", cell.find(row, null, true));
  checkWidths(cell);
  // Last, because the families follow from equations and widths.
  cell.matrices = findMatrices(cell);
  cell.vectors = findVectors(cell, cell.matrices);
  cell.families = findFamilies(cell, cell.matrices, cell.vectors);
  among(
    "init names families of parameters",
    Object.keys(init),
    cell.families.map(({ name }) => name),
  );
}

function checkNames(cell, fail) {
  const { longestName } = TABLES.limits;
  const parameters = cell.equations.flatMap(({ expression }) => parameterNames(expression));
  const names = [...cell.inputs, ...cell.states, ...Object.keys(cell.constants), ...cell.targets, ...parameters];
  for (const name of names)
    if (!NAME.test(name) || [...name].length > longestName) {
      const rule = `a name in equations is one of Python, of at most ${longestName} characters`;
      const got = `${quotedText(name.slice(0, longestName))} of ${[...name].length}`;
      fail(rule, got, "", NAME.test(name) ? cell.find(name, null, cell.targets.includes(name)) : {});
    }
}

// What the rules of an equation call when it breaks one; `name` is where: on its right side, or its target.
function failerOf(cell, number) {
  const equation = cell.equations[number];
  return (rule, got, cure = "", name = "", isTarget = false) => {
    const place = cell.find(name, equation, isTarget);
    throw new CellError(`${cell.where}, equation ${number + 1}`, rule, got, cure, place);
  };
}

function checkEquations(cell) {
  const known = new Set();
  const failWhole = (rule, got, cure = "") => {
    throw new CellError(cell.where, rule, got, cure);
  };
  for (const name of [...cell.inputs, ...Object.keys(cell.constants)]) defineName(failWhole, name, known);
  for (const name of cell.previous) known.add(name);
  const numbers = new Map(Object.entries(cell.constants));
  cell.equations.forEach((equation, number) => {
    const fail = failerOf(cell, number);
    checkReads(fail, cell, equation, known);
    const value = constantValue(equation.expression, numbers, (part) =>
      fail("an expression of numbers has a finite value", toText(part)),
    );
    if (value !== null) numbers.set(equation.target, value);
    defineName(fail, equation.target, known);
  });
}

function defineName(fail, name, known) {
  if (known.has(name)) fail("a name is defined once", quotedText(name), "", name, true);
  checkFree(fail, name, true);
  known.add(name);
}

function checkFree(fail, name, isTarget = false) {
  const { reserved, prefixes, suffixes } = TABLES;
  const isTaken = reserved.includes(name) || prefixes.some((each) => name.startsWith(each));
  if (!isTaken && !suffixes.some((each) => name.endsWith(each))) return;
  const rule = "functions, sizes (T, B, I, H, …) and δ…, loss_…, next_…, …_prev, …_rows are reserved";
  fail(rule, quotedText(name), "Choose another name", name, isTarget);
}

function checkReads(fail, cell, { expression }, known) {
  const { targets } = cell;
  for (const name of symbolsOf(expression)) {
    if (targets.includes(name) && !known.has(name)) {
      const cure = `For the value of the step before, list ${quotedText(name)} in states and write ${name}${PREVIOUS}`;
      fail("an equation uses values defined above it", quotedText(name), cure, name);
    }
    if (!known.has(name)) checkParameter(fail, name, cell);
  }
  for (const { kind, matrix } of walk(expression)) {
    if (kind !== "map") continue;
    if (known.has(matrix) || targets.includes(matrix))
      fail("left of @ is a parameter, not a value", quotedText(matrix), "", matrix);
    checkParameter(fail, matrix, cell);
  }
}

function checkParameter(fail, name, cell) {
  const value = name.endsWith(PREVIOUS) ? name.slice(0, -PREVIOUS.length) : name;
  if (value !== name && cell.targets.includes(value))
    fail("only a state has a value before", quotedText(name), `List ${quotedText(value)} in states`, name);
  if (!valueOf(name, cell.targets)) {
    const rule = "unknown name: a parameter is written FAMILY_VALUE, as W_h or b_h, VALUE being a target";
    const values = [...cell.inputs, ...cell.equations.map(({ target }) => target), ...cell.previous].join(", ");
    fail(rule, quotedText(name), `Values: ${values}`, name);
  }
  checkFree(fail, name);
}

function checkWidths(cell) {
  const cure = "A matrix brings a vector to another width: W_h @ x";
  cell.equations.forEach(({ target, expression }, number) => {
    const fail = failerOf(cell, number);
    const found = [...lettersOf(cell, expression)].sort();
    const declared = [cell.width(target)].filter((letter) => letter !== "1");
    if (found.join() !== declared.join()) {
      const letters = [...new Set([...found, ...declared])].sort().join(", ");
      fail("the vectors of an equation have the width of its target", letters, cure);
    }
    for (const part of walk(expression))
      if (part.kind === "row" && lettersOf(cell, part.parts[0]).size > 1)
        fail(`the vectors of a ${part.name} have one width`, toText(part), cure, part.name);
  });
}

// The value of an expression of numbers alone, or null; `fail` gets the innermost part whose value is not finite.
function constantValue(expression, constants, fail) {
  const { kind, name, parts } = expression;
  const values = parts.map((part) => constantValue(part, constants, fail));
  let value = null;
  if (kind === "number") value = expression.value;
  else if (kind === "symbol") value = constants.get(name) ?? null;
  else if (["sum", "product", "power", "call"].includes(kind) && !values.includes(null)) {
    if (kind === "sum") value = values.reduce((sum, each) => sum + each, 0);
    if (kind === "product") value = values.reduce((product, each) => product * each, 1);
    if (kind === "power") value = values[0] ** expression.exponent;
    if (kind === "call") value = CALLS[name](...values);
  }
  if (value !== null && !Number.isFinite(value)) fail(expression);
  return value;
}
