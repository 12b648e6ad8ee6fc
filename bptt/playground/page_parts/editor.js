// The cell that is written: its fields, what is wrong with it, its weights and its derivation, as it is typed.

const TYPING_PAUSE = 120;
const FIELDS = [
  ["output", "Output", "the first state"],
  ["widths", "Widths", "h=P, P half of H"],
  ["constants", "Constants", "epsilon=1e-5"],
  ["init", "Starts", "gain=1 b=0"],
];
const STAGES = { forward: "Forward", backward: "Backward", gradients: "Gradients" };

// `onchange` gets the cell, or null while the text is none; `sizes` are those of the network.
function createEditor(own, sizes, onchange) {
  const area = element("textarea", {
    id: "equations",
    rows: 7,
    spellcheck: "false",
    autocapitalize: "off",
    "aria-label": "Equations, one a line",
    "aria-describedby": "cell-said",
  });
  area.value = own.equations;
  const state = element("input", { type: "text", value: own.states, spellcheck: "false" });
  const inputs = { equations: area, states: state };
  const label = (words, input) => element("label", { class: "field" }, element("span", {}, words), input);
  const more = FIELDS.map(([field, words, example]) => {
    inputs[field] = element("input", { type: "text", value: own[field], placeholder: example, spellcheck: "false" });
    return label(words, inputs[field]);
  });
  const said = element("div", { id: "cell-said", role: "status" });
  const lines = element("div", { class: "lines", tabindex: 0, role: "region", "aria-label": "Derivation" });
  const details = element(
    "details",
    {},
    element("summary", {}, "Output, widths, constants, starts"),
    element("div", { class: "knobs" }, ...more),
  );
  details.open = FIELDS.some(([field]) => own[field]);
  let stage = "backward";
  let derived = null;
  const showStage = (wanted) => {
    stage = wanted;
    if (derived) lines.replaceChildren(linesTable(derived[stage]));
  };
  const stages = tabs("Part of the derivation", Object.entries(STAGES), stage, showStage);

  function read() {
    for (const field of Object.keys(inputs)) own[field] = inputs[field].value;
    let cell = null;
    try {
      cell = ownCell(own);
      const form = normalForm(cell);
      derived = new Notation(form).lines(adjointOf(form));
      showStage(stage);
      said.replaceChildren(weightsOf(cell, sizes()));
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      said.replaceChildren(faultOf(error, area));
    }
    area.setAttribute("aria-invalid", String(cell === null));
    lines.classList.toggle("stale", cell === null);
    document.documentElement.dataset.cell = cell ? "sound" : "broken";
    return cell;
  }
  const changed = afterPause(TYPING_PAUSE, () => onchange(read()));
  for (const input of Object.values(inputs)) input.addEventListener("input", changed);
  const choices = [[null, "a cell of the catalogue"], ...Object.keys(TABLES.catalogue).map((name) => [name, name])];
  const begin = chooser("Start from", choices, null, (name) => {
    if (name === null) return;
    for (const [field, text] of Object.entries(fieldsOf(TABLES.catalogue[name]))) inputs[field].value = text;
    details.open = FIELDS.some(([field]) => inputs[field].value);
    // So that the same cell can be taken again.
    begin.querySelector("select").selectedIndex = 0;
    onchange(read());
  });
  const fields = element("div", { class: "knobs" }, begin, label("States", state));
  return {
    node: element(
      "div",
      { class: "write" },
      element("div", {}, fields, area, said, details),
      element("div", {}, stages.node, lines),
    ),
    read,
  };
}

// A table of equations, aligned at their equals signs.
function linesTable(pairs) {
  const cellOf = (tree) => {
    const math = mathElement(["math", {}, [tree]]);
    return element("td", {}, math);
  };
  const row = ([left, right]) =>
    element("tr", {}, cellOf(mathOf(left)), cellOf(["mrow", {}, [["mo", {}, ["="]], mathOf(right)]]));
  return element("table", {}, element("tbody", {}, ...pairs.map(row)));
}

// Shows the fault at its place in the text.
function faultOf({ where, rule, got, cure, line, column }, area) {
  const place = line ? `Line ${line}${column ? `, column ${column}` : ""}` : where;
  const words = [element("p", {}, element("b", {}, `${place}: `), rule, got === null ? "" : `, got ${got}`)];
  if (line) {
    const lines = area.value.split(LINE_ENDS);
    const text = lines[line - 1] ?? "";
    // As wide as what is before the place: tabs and letters of every script.
    const before = element("span", { class: "before", "aria-hidden": "true" }, text.slice(0, (column ?? 1) - 1));
    const mark = element("mark", {}, "▲");
    const go = () => {
      const begin = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
      area.focus();
      area.setSelectionRange(begin + (column ?? 1) - 1, begin + text.length);
    };
    words.push(element("pre", {}, `${text}\n`, before, mark));
    words.push(element("button", { type: "button", onclick: go }, "Go there"));
  }
  if (cure) words.push(element("p", { class: "quiet" }, cure));
  return element("div", { class: "fault" }, ...words);
}

// How many weights the cell has, by family, and beside the LSTM.
function weightsOf(cell, sizes) {
  const formula = ({ members, rows, columns }) =>
    [...(members.length > 1 ? [members.length] : []), rows, ...(columns ? [columns] : [])].join("·");
  const total = cell.count(sizes);
  const share = total / catalogueCell("lstm").count(sizes);
  const parts = cell.families.map((family) => `${family.name} ${formula(family)} = ${familySize(family, sizes)}`);
  return element(
    "p",
    {},
    element("b", {}, `${total} weights`),
    ` at I = ${sizes.I}, H = ${sizes.H}: ${digits(share)} of the LSTM's`,
    element("span", { class: "quiet" }, ` (${parts.join("; ")})`),
  );
}
