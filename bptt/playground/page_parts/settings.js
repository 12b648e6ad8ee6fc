// What can be chosen on the page: bounds and usual values; and the cells that are trained.

// What is usual for each problem; a change of the problem sets it. On a short text more updates learn it by heart.
const USUAL = {
  adding: { steps: 30, updates: 2000 },
  copying: { steps: 20, updates: 2000 },
  text: { steps: 40, updates: 500 },
};
const [SHORTEST_TEXT, LONGEST_TEXT] = [3, 200000];
// [name, words, least, most, step]. The first ones build a network anew, the others change while it trains.
const NUMBERS = [
  ["steps", "Steps", 6, 200, 1],
  ["letters", "Letters to copy", 1, 10, 1],
  ["hidden", "Units", 1, 128, 1],
  ["batch", "Batch", 1, 128, 1],
  ["forgetBias", "Forget bias", -10, 10, "any"],
  ["seed", "Seed", 0, 999999, 1],
];
const LIVE_NUMBERS = [
  ["rate", "Learning rate", 0, 1, "any"],
  ["clip", "Largest gradient norm", 0, 1000000, "any"],
  ["updates", "Updates", 25, 1000000, 25],
];
const OWN_CELL = "own";
const NO_CELL = "none";

const USUAL_OWN = {
  equations:
    "f = sigmoid(W_f @ x + R_f @ h_prev + b_f)\nn = tanh(W_n @ x + R_n @ (f * h_prev) + b_n)\nh = f * h_prev + (1 - f) * n",
  states: "h",
  output: "",
  widths: "",
  constants: "",
  init: "",
};

// A cell of the catalogue, or one that Python has put here, as the fields of the page.
function fieldsOf(record) {
  const pairs = (found) =>
    Object.entries(found)
      .map(([name, value]) => `${name}=${value}`)
      .join(" ");
  return {
    equations: record.equations.join("\n"),
    states: record.states.join(" "),
    output: record.output === record.states[0] ? "" : record.output,
    widths: pairs(record.widths),
    constants: pairs(record.constants),
    init: pairs(record.init),
  };
}

function usualSettings() {
  return {
    first: "elman-tanh",
    second: "lstm",
    isOwnTrained: true,
    own: OWN ? fieldsOf(OWN) : { ...USUAL_OWN },
    problem: "adding",
    ...USUAL.adding,
    letters: 3,
    hidden: 24,
    batch: 16,
    forgetBias: 1,
    seed: 1,
    rate: 0.01,
    clip: 1,
    text: EXAMPLE,
  };
}

// The own cell from the fields of the page. Throws a CellError.
function ownCell({ equations, states, output, widths, constants, init }) {
  const words = (text) => text.split(/[\s,]+/).filter(Boolean);
  const pairs = (text, field, read) =>
    Object.fromEntries(
      words(text).map((pair) => {
        const [name, value, ...more] = pair.split("=");
        if (!name || !value || more.length) throw new CellError(field, "written as name=value", quotedText(pair));
        return [name, read(value)];
      }),
    );
  return new Cell({
    name: OWN_CELL,
    equations,
    states: words(states),
    output: output.trim(),
    widths: pairs(widths, "widths", String),
    constants: pairs(constants, "constants", Number),
    init: pairs(init, "starts", Number),
  });
}

function catalogueCell(name) {
  const record = TABLES.catalogue[name];
  return new Cell({ ...record, equations: record.equations.join("\n") });
}

// The problem as the settings have it: copying needs room for its letters.
function problemOf(settings) {
  return PROBLEMS[settings.problem](roomy(settings));
}

function roomy(settings) {
  const least = settings.problem === "copying" ? 2 * settings.letters + 1 : 2;
  const text = settings.text.length >= SHORTEST_TEXT ? settings.text : EXAMPLE;
  return { ...settings, text, steps: Math.max(settings.steps, least) };
}

function sizesOf(settings) {
  const half = Math.max(1, Math.floor(settings.hidden / 2));
  return { I: problemOf(settings).inputSize, H: settings.hidden, P: half, G: half, V: half, D: half };
}
