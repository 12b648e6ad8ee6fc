// The page of a model that answers a whole input. `own` says what a job shows of it:
//   lead, lossWords   words for the text, and for the loss that is followed back
//   answersAt(reading, place)   the answers as bars, the likeliest first
//   rightAt(reading, place)     the names of those that are answered
//   title(reading, place), about(reading, place)   words above and below
//   notes(reading)    a note for each token
//   changeAt(main, edited)   for each token how much a change of the model changes the answer

function drawExamples(page, layers, client, recolour, own) {
  const kinds = [
    ["parts", say("part in the loss")],
    ["reach", say("gradient of the chosen loss")],
    ["change", say("change by what you changed")],
    ["value", say("a value of a layer")],
  ];
  const state = checkedState(readLink(), page, layers, kinds);
  const names = layers.map(({ name }) => name);
  const readings = {};
  let [followed, numbers, pointed] = [null, null, null];

  const area = element("textarea", { id: "text", "aria-label": say("Input"), rows: 4, ...TYPED });
  area.value = state.text;
  const bars = createBars(say("Answers"), (number) => {
    state.choice = number === state.choice ? null : number;
    showAnswers();
    lookCloser();
    keepLink();
  });
  const barsTitle = element("h3", {});
  const about = element("p", { class: "readout", role: "status", "aria-live": "polite" });
  const strip = createStrip("token", say("The input as the model reads it"), point, select);
  const chart = createReachChart();
  const map = createMap();
  const stepView = createStep();
  const units = createUnits((unit) => colourFields.choose(unit));
  const changes = createChanges(layers, state.edits, () => {
    client.send("edits", { edits: state.edits });
    keepLink();
  });
  const keepLink = afterPause(300, () => writeLink(state));
  const lookCloser = afterPause(PAUSE, askDetails);

  function ask() {
    client.send("text", { which: "main", text: state.text });
    client.send("edits", { edits: state.edits });
  }

  // The step that is looked at: the pointed or the selected one, else the last.
  function placeNow() {
    const last = (readings.main?.tokens.length ?? 0) - 1;
    return Math.min(last, pointed ?? state.place ?? last);
  }

  function point(place) {
    if (place === pointed) return;
    pointed = place;
    showAnswers();
    lookCloser();
  }

  function select(place) {
    state.place = place;
    strip.select(place);
    showAnswers();
    lookCloser();
    keepLink();
  }

  function isChanged() {
    return readings.edited && !readings.edited.isOff;
  }

  function showAnswers() {
    const { main, edited } = readings;
    if (!main) return;
    const place = placeNow();
    const shown = isChanged() ? edited : main;
    barsTitle.textContent = own.title(shown, place);
    const before = isChanged() ? own.answersAt(main, place) : null;
    bars.show(own.answersAt(shown, place), own.rightAt(shown, place), before, state.choice);
    about.textContent = own.about(shown, place);
  }

  function colourStrip() {
    const { main, edited } = readings;
    if (!main) return;
    const { kind, layer, value } = state.colour;
    let [shares, words] = [[], []];
    if (kind === "parts" && followed) {
      shares = sharesOf(followed.parts, false);
      words = Array.from(followed.parts, (part) => say("part in the loss: {} nats", digits(part)));
    }
    if (kind === "reach" && followed) {
      const norms = Array.from(followed.norms[layer]);
      shares = decadeShares(norms);
      words = norms.map((norm) => `‖∂E/∂net‖ = ${digits(norm)}`);
    }
    if (kind === "value" && numbers) {
      shares = sharesOf(numbers);
      words = Array.from(numbers, (number) => `${value} = ${digits(number)}`);
    }
    if (kind === "change" && isChanged()) {
      shares = own.changeAt(main, edited);
      words = shares.map((share) => say("P of the answer changes by {}", digits(share)));
    }
    strip.colour(shares, words);
  }

  // Gradients are those of the changed model, where something was changed.
  const looked = () => (state.edits.length ? "edited" : "main");

  // What takes longer than a key.
  function askDetails() {
    const place = placeNow();
    if (place < 0) return;
    const { layer, value, unit } = state.colour;
    // Of a selected step the loss stays, while the pointer goes through the others.
    const loss = Math.min(readings.main.tokens.length - 1, state.place ?? place);
    const chosen = { which: looked(), loss, choice: state.choice };
    client.send("reach", chosen);
    client.send("step", { ...chosen, place, layer, value, unit });
  }

  function askColour() {
    const { kind, layer, value, unit } = state.colour;
    if (kind === "value") client.send("colour", { which: looked(), layer, value, unit });
    else colourStrip();
  }

  const fresh = new Set();
  let frame = null;
  client.on("read", ({ which, ...found }) => {
    readings[which] = found.isOff ? { isOff: true } : found;
    // The bars at once, the rest once a frame.
    showAnswers();
    fresh.add(which);
    frame ??= requestAnimationFrame(showRest);
  });
  function showRest() {
    frame = null;
    fresh.clear();
    const shown = isChanged() ? readings.edited : readings.main;
    strip.show(readings.main.tokens, own.notes(shown));
    if (!readings.main.tokens.length) clear();
    strip.select(state.place);
    askColour();
    lookCloser();
    document.documentElement.dataset.read = readings.main.tokens.length;
  }
  // An empty input has no steps to look at.
  function clear() {
    followed = numbers = null;
    [chart, map, units, stepView].forEach((each) => each.clear());
  }
  client.on("colour", (found) => {
    numbers = found.numbers;
    colourStrip();
  });
  client.on("reach", (found) => {
    followed = found;
    const last = found.parts.length - 1;
    if (last < 0) return;
    const of = own.lossSaid(readings[found.which], found.chosen.loss, found.chosen.choice);
    const said = say("E = {} nats: {}", digits(found.loss), of);
    const words = [say("step {}", 0), say("step n = {}", last)];
    chart.show({ first: 0, norms: found.norms, names, words, said });
    if (["parts", "reach"].includes(state.colour.kind)) colourStrip();
  });
  client.on("map", map.show);
  client.on("step", (found) => {
    if (!readings.main.tokens.length) return;
    units.show(found.value, found.units, found.unit);
    stepView.show(found);
  });
  area.addEventListener("input", () => {
    state.text = area.value;
    state.place = null;
    ask();
    keepLink();
  });
  recolour.push(colourStrip);

  let [span, mapLayer] = [32, layers.length - 1];
  const spans = [32, 64, 128].map((each) => [each, say("the last {}", each)]);
  const drawMap = () => client.send("map", { which: looked(), layer: mapLayer, span, choice: state.choice });
  const colourFields = colourControls(state, layers, kinds, () => {
    askColour();
    lookCloser();
    keepLink();
  });
  showSections(page, [
    section(
      "text-section",
      say("Input"),
      own.lead,
      area,
      colourFields.node,
      element(
        "div",
        { class: "live" },
        element("div", {}, strip.node, about),
        element("div", {}, barsTitle, bars.node),
      ),
    ),
    section(
      "reach",
      say("Steps that carry the answer"),
      own.lossWords,
      chart.node,
      element(
        "div",
        { class: "knobs" },
        chooser(
          say("Layer of the picture"),
          layers.map(({ name }, k) => [k, name]),
          mapLayer,
          (chosen) => (mapLayer = chosen),
        ),
        chooser(say("Steps"), spans, span, (chosen) => (span = chosen)),
        element("button", { type: "button", onclick: drawMap }, say("Draw every loss and every step")),
      ),
      element("p", { class: "quiet" }, own.mapWords),
      map.node,
    ),
    section(
      "changes",
      say("Change the model"),
      say(
        "Set or scale a gate, a state or one unit: the input is read again. Bars show the changed model, thin ones the model as it is.",
      ),
      changes.node,
    ),
    stepSection(units, stepView, say("δ is that of the chosen loss.")),
  ]);
  ask();
}

// What a reader should know of an input that was not read as it was typed.
function remarksOn({ unknown, left }) {
  const found = unknown ? [say("{} unknown to the model", unknown)] : [];
  return left ? [...found, say("{} not read", left)] : found;
}
