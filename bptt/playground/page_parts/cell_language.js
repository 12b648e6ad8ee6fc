// The language of cells, one equation a line, as bptt.cells.language reads it: with Python's grammar of expressions.

// A rule that a cell breaks: where, the rule, what came, the cure; `line` and `column` count from 1.
class CellError extends Error {
  constructor(where, rule, got = null, cure = "", place = {}) {
    super(`${where}: ${rule}${got === null ? "" : `, got ${got}`}${cure ? `. ${cure}` : ""}`);
    Object.assign(this, { where, rule, got, cure, ...place });
  }
}

const LINE_ENDS = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
// Python strips all of Unicode's white space from a line; within it, only these part words.
const OUTER_BLANKS = /^[\t-\r\x1c-\x1f\x85\p{Z}]+|[\t-\r\x1c-\x1f\x85\p{Z}]+$/gu;
const BLANK = /[ \t\f]*/uy;
// As many brackets are open at once as Python's tokenizer allows.
const MOST_BRACKETS = 200;
const DIGITS = "\\d(?:_?\\d)*";
const WORD_OF_LANGUAGE = /[\p{XIDS}_]\p{XIDC}*/uy;
const LITERAL = new RegExp(
  `0[xX](?:_?[\\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:(?:${DIGITS})?\\.${DIGITS}|${DIGITS}\\.?)(?:[eE][+-]?${DIGITS})?`,
  "uy",
);
const SIGNS = /\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*\/@%&|^~<>()=,.:[\]]/uy;
const QUOTED = /'[^'\\]*'|"[^"\\]*"/uy;
// How tightly operators bind; those that the language lacks are read, so that they can be named.
const BINDING = {
  or: 1, and: 2, "<": 4, ">": 4, "==": 4, ">=": 4, "<=": 4, "!=": 4, in: 4, is: 4, "|": 5, "^": 6, "&": 7,
  "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "//": 10, "%": 10, "@": 10,
};
const BINDING_IF = 0;
const BINDING_NOT = 3;
const UNARY = 11;
const POWER = 12;
const ATOM = 13;
const KEYWORDS = new Set(
  "as assert async await break class continue def del elif else except finally for from global if import lambda nonlocal not pass raise return try while with yield".split(
    " ",
  ),
);
const IS_EQUATION = "an equation is `name = expression`";

// Text in quotes, as Python's repr: what cannot be seen is written as a number.
function quotedText(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const numbered = (character) => {
    const code = character.codePointAt(0);
    const [letter, length] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${letter}${code.toString(16).padStart(length, "0")}`;
  };
  const escaped = text
    .replace(/\\/g, "\\\\")
    .replace(/[\t\n\r]/g, (found) => ({ "\t": "\\t", "\n": "\\n", "\r": "\\r" })[found])
    .replace(/(?! )[\p{C}\p{Z}]/gu, numbered)
    .replaceAll(quote, quote === "'" ? "\\'" : quote);
  return `${quote}${escaped}${quote}`;
}

// Equations { target, expression, text, line, begin }; `begin` is the number of characters before the text.
function parseEquations(where, text) {
  const lines = text.split(LINE_ENDS).map((whole, k) => {
    const code = whole.split("#")[0];
    const text = code.replace(OUTER_BLANKS, "");
    return { text, begin: code.indexOf(text), line: k + 1 };
  });
  const filled = lines.filter((each) => each.text);
  const { mostEquations, largestCell } = TABLES.limits;
  if (filled.length > mostEquations)
    throw new CellError(where, `a cell has at most ${mostEquations} equations`, filled.length);
  const count = filled.reduce((sum, each) => sum + [...each.text].length, 0);
  if (count > largestCell) {
    const rule = `the equations of a cell have at most ${largestCell} characters together`;
    throw new CellError(where, rule, count, "Give values that occur often a name of their own");
  }
  return filled.map((line) => ({ ...line, ...readEquation(`${where}, line ${line.line}`, line) }));
}

function readEquation(where, line) {
  const { longestEquation, deepestEquation, largestPower } = TABLES.limits;
  const count = [...line.text].length;
  const fail = (rule, got, cure, at = 0) => {
    throw new CellError(where, rule, got, cure, { line: line.line, column: line.begin + at + 1 });
  };
  if (count > longestEquation) fail(`an equation has at most ${longestEquation} characters`, count);
  const tree = readLine(line.text, (at) => fail(IS_EQUATION, quotedText(line.text), "", at));
  if (heightOf(tree.value) + 1 >= deepestEquation) {
    const cure = "Give a part of it a name in an equation of its own";
    fail(`an equation nests at most ${deepestEquation} operations`, quotedText(line.text), cure);
  }
  const expression = expressionOf(tree.value, fail);
  const isBounded = ({ kind, value, exponent }) =>
    kind === "number" ? Number.isFinite(value) : kind !== "power" || Math.abs(exponent) <= largestPower;
  if (![...walk(expression)].every(isBounded)) {
    const rule = `numbers are finite, and powers at most ${largestPower}`;
    fail(rule, quotedText(unparsed(tree.value)), "", tree.value.at);
  }
  return { target: tree.target, expression };
}

// The syntax tree of a line; `fail` is called with the place where it is no equation.
function readLine(text, fail) {
  const tokens = tokensOf(text, fail);
  let next = 0;
  const peek = () => tokens[next];
  const take = (sign) => (peek().sign === sign ? tokens[next++] : null);
  const expect = (sign) => take(sign) ?? fail(peek().at);
  // An expression of Python that the language lacks, in `pieces`: texts, and trees with what binds them at least.
  const lacking = (at, ...pieces) => {
    const parts = pieces.filter((piece) => typeof piece !== "string").map(([part]) => part);
    return { kind: "other", pieces, parts, at };
  };
  const prefixed = (head, least) => {
    const { at } = tokens[next++];
    return lacking(at, head, [binary(least), least]);
  };
  const argument = () => (peek().sign === "*" ? prefixed("*", BINDING["|"]) : expression());
  const namedArgument = () => {
    if (peek().kind !== "name" || tokens[next + 1].sign !== "=") return argument();
    const { name, at } = tokens[next];
    next += 2;
    return { ...lacking(at, `${name}=`, [expression(), 1]), isNamed: true };
  };
  const separated = (close, item) => {
    const parts = [];
    while (!take(close)) {
      parts.push(item());
      if (!take(",") && peek().sign !== close) fail(peek().at);
    }
    return parts;
  };
  const listed = (parts) => parts.flatMap((part, k) => [k ? ", " : "", [part, 1]]);
  const bracketed = (at, parts, isTuple) => {
    const [open, close] = isTuple ? ["(", parts.length === 1 ? ",)" : ")"] : "[]";
    return lacking(at, open, ...listed(parts), close);
  };
  const expression = () => {
    const found = binary(1);
    if (!take("if")) return found;
    const test = binary(1);
    expect("else");
    const pieces = [[found, 1], " if ", [test, 1], " else ", [expression(), BINDING_IF]];
    return { ...lacking(found.at, ...pieces), binding: BINDING_IF };
  };
  // Between the brackets behind a value: an expression, or a stretch such as 1:2.
  const stretch = () => {
    const { at } = peek();
    const pieces = [];
    for (;;) {
      if (![":", ",", "]"].includes(peek().sign)) pieces.push([argument(), 1]);
      if (!take(":")) return pieces.length === 1 && pieces[0] !== ":" ? pieces[0][0] : lacking(at, ...pieces);
      pieces.push(":");
    }
  };
  const binary = (least) => {
    let left = least <= BINDING_NOT && peek().sign === "not" ? prefixed("not ", BINDING_NOT) : unary();
    for (;;) {
      const { sign } = peek();
      const binding = BINDING[sign] ?? 0;
      if (binding < least || !binding) return left;
      next += 1;
      left = { kind: "binary", sign, parts: [left, binary(binding + 1)], at: left.at };
    }
  };
  const unary = () => {
    const { sign, at } = peek();
    if (!["+", "-", "~"].includes(sign)) return raised();
    next += 1;
    return { kind: "unary", sign, parts: [unary()], at };
  };
  const raised = () => {
    const base = called();
    return take("**") ? { kind: "binary", sign: "**", parts: [base, unary()], at: base.at } : base;
  };
  const called = () => {
    let found = atom();
    for (;;) {
      const { at } = found;
      if (take("(")) {
        const parts = separated(")", namedArgument);
        found = parts.some(({ isNamed }) => isNamed)
          ? lacking(at, [found, ATOM], "(", ...listed(parts), ")")
          : { kind: "called", head: found, parts, at };
      } else if (take("[")) {
        const parts = separated("]", stretch);
        if (!parts.length) fail(tokens[next - 1].at);
        found = lacking(at, [found, ATOM], "[", ...listed(parts), "]");
      } else if (take(".")) {
        if (peek().kind !== "name") fail(peek().at);
        found = lacking(at, [found, ATOM], `.${tokens[next++].name}`);
      } else return found;
    }
  };
  const atom = () => {
    const token = tokens[next];
    if (take("(")) {
      if (take(")")) return lacking(token.at, "()");
      const inner = argument();
      if (take(")")) return inner;
      expect(",");
      return bracketed(token.at, [inner, ...separated(")", argument)], true);
    }
    if (take("[")) return bracketed(token.at, separated("]", argument), false);
    if (!token.kind) fail(token.at);
    next += 1;
    return { ...token, parts: [] };
  };
  const target = tokens[0].kind === "name" ? tokens[0].name : fail(tokens[0].at);
  next = 1;
  expect("=");
  const first = argument();
  const others = take(",") ? separated("end", argument) : null;
  const value = others ? bracketed(first.at, [first, ...others], true) : first;
  if (!others && peek().sign !== "end") fail(peek().at);
  return { target, value };
}

function tokensOf(text, fail) {
  const found = [];
  let at = 0;
  let depth = 0;
  const match = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? "";
  };
  for (;;) {
    at += match(BLANK).length;
    if (at === text.length) return [...found, { sign: "end", at }];
    const [word, literal, quoted, sign] = [WORD_OF_LANGUAGE, LITERAL, QUOTED, SIGNS].map(match);
    if (word) found.push(wordToken(word.normalize("NFKC"), at));
    else if (literal) {
      // As Python has it: a name may not follow a number at once, and whole numbers do not begin with 0.
      if (/^0_?\d*[1-9]\d*$/.test(literal) || /^[\p{XIDC}]/u.test(text.slice(at + literal.length))) fail(at);
      const isWhole = !/[.eE]/.test(literal) || /^0[xX]/.test(literal);
      found.push({ kind: "literal", value: Number(literal.replaceAll("_", "")), isWhole, at });
    } else if (quoted) found.push({ kind: "other", pieces: [quotedText(quoted.slice(1, -1))], at });
    else if (sign) {
      depth += "([".includes(sign) - ")]".includes(sign);
      if (depth > MOST_BRACKETS) fail(at);
      found.push({ sign, at });
    } else fail(at);
    at += (word || literal || quoted || sign).length;
  }
}

function wordToken(name, at) {
  if (Object.hasOwn(BINDING, name) || KEYWORDS.has(name)) return { sign: name, at };
  if (["True", "False", "None"].includes(name)) return { kind: "other", pieces: [name], at };
  return { kind: "name", name, at };
}

// How many levels there are below a node of Python's syntax tree, in which a name has one below it.
function heightOf(tree) {
  if (tree.kind === "name") return 1;
  const below = [...(tree.kind === "called" ? [tree.head] : []), ...tree.parts].map(heightOf);
  return tree.kind === "literal" ? 0 : 1 + Math.max(0, ...below);
}

function expressionOf(tree, fail) {
  const { kind, sign, parts } = tree;
  const read = (part) => expressionOf(part, fail);
  if (kind === "name") return symbolOf(tree.name);
  if (kind === "literal") return numberOf(tree.value, tree.isWhole && Math.abs(tree.value) < 2 ** 53);
  if (kind === "unary" && sign === "-") return negate(read(parts[0]));
  if (kind === "called" && tree.head.kind === "name") return callFrom(tree, parts.map(read), fail);
  const [left, right] = parts;
  if (kind === "binary") {
    if (sign === "@" && left.kind === "name") return mapOf(left.name, read(right));
    const [negative, exponent] = right.kind === "unary" && right.sign === "-" ? [-1, right.parts[0]] : [1, right];
    if (sign === "**" && exponent.kind === "literal" && exponent.isWhole)
      return power(read(left), negative * exponent.value);
    if (sign === "+") return add(read(left), read(right));
    if (sign === "-") return subtracted(read(left), read(right));
    if (sign === "*") return multiply(read(left), read(right));
    if (sign === "/") return divided(read(left), read(right));
  }
  const rule = "an expression is made of names, numbers, + - * / @, whole powers and calls of known functions";
  const cure = "A linear map is written `W_h @ vector`, within a product in brackets: `2 * (W_h @ x)`";
  return fail(rule, quotedText(unparsed(tree)), cure, tree.at);
}

function subtracted(left, right) {
  return add(left, negate(right));
}

function divided(left, right) {
  return multiply(left, power(right, -1));
}

function callFrom({ head, at }, parts, fail) {
  const { functions, rowFunctions } = TABLES;
  if (Object.hasOwn(rowFunctions, head.name) && parts.length === 1) return rowCallOf(head.name, parts[0]);
  if (Object.hasOwn(functions, head.name) && parts.length === functions[head.name].arguments.length)
    return callOf(head.name, parts);
  const known = [...Object.keys(functions), ...Object.keys(rowFunctions)].join(", ");
  return fail("unknown function or number of arguments", `${head.name}() of ${parts.length}`, `Known: ${known}`, at);
}

// The text of a syntax tree, with the parentheses that it needs.
function unparsed(tree) {
  const { kind, sign, parts } = tree;
  const inside = (part, least) => (bindingOf(part) < least ? `(${unparsed(part)})` : unparsed(part));
  if (kind === "name") return tree.name;
  if (kind === "literal") return Number.isFinite(tree.value) ? numberText(tree) : "1e309";
  if (kind === "unary") return `${sign}${inside(parts[0], UNARY)}`;
  if (kind === "called") return `${inside(tree.head, ATOM)}(${parts.map(unparsed).join(", ")})`;
  if (kind === "other")
    return tree.pieces.map((piece) => (typeof piece === "string" ? piece : inside(...piece))).join("");
  const binding = bindingOf(tree);
  const [left, right] = sign === "**" ? [ATOM, POWER] : [binding, binding + 1];
  return `${inside(parts[0], left)} ${sign} ${inside(parts[1], right)}`;
}

function bindingOf({ kind, sign, binding }) {
  if (binding !== undefined) return binding;
  if (kind === "binary") return sign === "**" ? POWER : BINDING[sign];
  return kind === "unary" ? UNARY : ATOM;
}
