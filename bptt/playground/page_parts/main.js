// The page, put together.

const LINK_PAUSE = 300;
const PROBLEM_NAMES = [
  ["adding", "adding: the sum of two marked numbers"],
  ["copying", "copying: letters after a wait"],
  ["text", "text: the next character"],
];
const SLOTS = [0, 1, 2];
const OWN_SLOT = 2;

function start() {
  wireTheme(() => {});
  const settings = readAddress();
  const keepLink = afterPause(LINK_PAUSE, () => writeAddress(settings));
  const live = element("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const cards = SLOTS.map(createCard);
  const curves = createCurves();
  // The last report of each cell in training, null before the first.
  const progress = new Map();
  const announce = (words) => (live.textContent = words);
  const trainer = createTrainer(
    (slot, found) => {
      progress.set(slot, found);
      cards[slot].update(found, settings.updates);
      curves.update(slot, found);
      finish();
    },
    (slot, words) => {
      progress.delete(slot);
      cards[slot].fail(words);
      finish();
    },
  );
  // When every cell that still trains is done.
  function finish() {
    if (!trainer.isRunning() || ![...progress.values()].every((found) => found?.isDone)) return;
    run(false);
    announce(summary());
  }
  const names = () => [settings.first, settings.second, settings.isOwnTrained && written ? OWN_CELL : NO_CELL];
  const summary = () =>
    [...progress]
      .filter(([, found]) => found)
      .map(
        ([slot, { updates, points }]) => `${names()[slot]}: loss ${digits(points.at(-1)[1])} after ${updates} updates`,
      )
      .join("; ");

  let written = null;
  const editor = createEditor(
    settings.own,
    () => sizesOf(settings),
    (cell) => {
      keepLink();
      if (!cell) return;
      written = cell;
      open(OWN_SLOT);
    },
  );
  written = editor.read();

  function open(slot) {
    const name = names()[slot];
    const cell = name === NO_CELL ? null : name === OWN_CELL ? written : catalogueCell(name);
    progress.delete(slot);
    if (cell) progress.set(slot, null);
    cards[slot].show(cell && name);
    curves.name(slot, cell && name);
    trainer.open(slot, cell, roomy(settings));
    go.disabled = !progress.size;
    finish();
  }

  function openAll() {
    settings.steps = roomy(settings).steps;
    document.getElementById("steps").value = settings.steps;
    editor.read();
    SLOTS.forEach(open);
    keepLink();
  }

  const go = element("button", { type: "button", class: "go", onclick: () => run(!trainer.isRunning()) });
  function run(wanted) {
    trainer.run(wanted);
    go.textContent = wanted ? "Pause" : "Train";
    document.documentElement.dataset.running = wanted;
  }
  run(false);
  go.addEventListener("click", () => announce(trainer.isRunning() ? "training" : `paused; ${summary()}`));

  const numberField = ([name, words, least, most, step], onset) => {
    const input = element("input", { type: "number", id: name, min: least, max: most, step, value: settings[name] });
    input.addEventListener("change", () => {
      const value = input.value === "" ? settings[name] : Number(input.value);
      const whole = step === "any" ? value : Math.round(value);
      settings[name] = Math.min(most, Math.max(least, whole));
      input.value = settings[name];
      onset();
    });
    return element("label", { class: "field" }, element("span", {}, words), input);
  };
  const numbers = NUMBERS.map((each) => numberField(each, openAll));
  const changing = LIVE_NUMBERS.map((each) =>
    numberField(each, () => {
      const { rate, clip, updates } = settings;
      trainer.set({ rate, clip, updates });
      keepLink();
    }),
  );
  const cellChoices = [[NO_CELL, "none"], ...Object.keys(TABLES.catalogue).map((name) => [name, name])];
  const cellChooser = (words, field, slot) =>
    chooser(words, cellChoices, settings[field], (chosen) => {
      settings[field] = chosen;
      open(slot);
      keepLink();
    });
  const ownBox = element("input", { type: "checkbox", id: "own-trained" });
  ownBox.checked = settings.isOwnTrained;
  ownBox.addEventListener("change", () => {
    settings.isOwnTrained = ownBox.checked;
    open(OWN_SLOT);
    keepLink();
  });
  const area = element("textarea", {
    id: "text",
    rows: 6,
    maxlength: LONGEST_TEXT,
    spellcheck: "false",
    "aria-label": "Text to learn",
  });
  area.value = settings.text;
  const textSaid = element("p", { class: "quiet", role: "status" });
  area.addEventListener(
    "input",
    afterPause(2 * LINK_PAUSE, () => {
      settings.text = area.value;
      showProblem();
      openAll();
    }),
  );
  const showProblem = () => {
    area.hidden = textSaid.hidden = settings.problem !== "text";
    const { length } = settings.text;
    const short = `A text has at least ${SHORTEST_TEXT} characters: the example is learned.`;
    const long = length < LONGEST_TEXT ? "" : `The first ${LONGEST_TEXT} characters are learned.`;
    textSaid.textContent = length < SHORTEST_TEXT ? short : long;
    numbers[1].hidden = settings.problem !== "copying";
  };
  const problem = chooser("Problem", PROBLEM_NAMES, settings.problem, (chosen) => {
    settings.problem = chosen;
    Object.assign(settings, USUAL[chosen]);
    document.getElementById("updates").value = settings.updates;
    showProblem();
    openAll();
  });
  showProblem();
  const restart = element("button", { type: "button", onclick: openAll }, "Start again");
  const sections = [
    section(
      "write",
      "Write a cell",
      "One equation a line: W_h @ x is a matrix times a vector, everything else is element by element. A parameter is named FAMILY_VALUE; h_prev is the state h one step before. The derivation and the weights follow as you type, and the cell is trained below.",
      editor.node,
    ),
    section(
      "train",
      "Train it",
      "Each cell with a linear output, from the same seed on the same examples, by Adam. Learning rate and largest norm can be changed while it trains.",
      element("div", { class: "knobs" }, problem, ...numbers),
      area,
      textSaid,
      element(
        "div",
        { class: "knobs" },
        cellChooser("First cell", "first", 0),
        cellChooser("Second cell", "second", 1),
        element("label", { class: "field" }, ownBox, element("span", {}, "the cell above")),
      ),
      element("div", { class: "knobs" }, go, restart, ...changing),
      live,
      element("div", { class: "two" }, ...curves.nodes),
    ),
    section(
      "gradients",
      "Every loss and every step",
      "The norm of ∂Eₘ/∂netₙ: a row for each loss Eₘ, a column for each step n before it, of one held-out example, as a share of that at lag 0 of its row. Of the adding problem Eₘ is the loss if the sum were asked at step m.",
      gradientLegend(),
      element("div", { class: "cards" }, ...cards.map(({ node }) => node)),
    ),
  ];
  document.getElementById("page").replaceChildren(element("h1", {}, document.title), ...sections);
  const jump = (found) => (event) => {
    // The address holds the state of the page, not the place in it.
    event.preventDefault();
    found.scrollIntoView();
  };
  const links = sections.map((found) =>
    element("a", { href: `#${found.id}`, onclick: jump(found) }, found.querySelector("h2").textContent),
  );
  document.getElementById("contents").append(...links);
  SLOTS.forEach(open);
}

document.addEventListener("DOMContentLoaded", start);
