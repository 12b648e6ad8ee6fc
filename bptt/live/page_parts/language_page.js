// The page of a language model.

function draw(page, layers, client, recolour) {
  const kinds = [
    ["loss", say("loss")],
    ["reach", say("gradient of the chosen loss")],
    ["change", say("change of the loss")],
    ["value", say("a value of a layer")],
  ];
  const state = checkedState(readLink(), page, layers, kinds);
  const readings = {};
  let reach = null;
  let numbers = null;
  let pointed = null;

  const area = element("textarea", { id: "text", "aria-label": say("Text"), rows: 4, ...TYPED });
  area.value = state.text;
  const bars = createBars(say("Likeliest next tokens"));
  const barsTitle = element("h3", {});
  const about = element("p", { class: "readout", role: "status", "aria-live": "polite" });
  const strip = createStrip("token", say("The text as the model reads it"), point, select);
  const unitNames = { characters: say("characters"), words: say("words"), tokens: say("tokens") };
  const names = layers.map(({ name }) => name);
  const chart = createReachChart();
  const map = createMap();
  const stepView = createStep();
  const units = createUnits((unit) => colourFields.choose(unit));
  const pair = createPair((text) => {
    state.second = text;
    client.send("text", { which: "second", text });
    keepLink();
  });
  pair.area.value = state.second;
  const nearestList = element("ol", { class: "hits" });
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

  // The place that is looked at: the pointed or the selected token, else the end of the text.
  function placeNow() {
    const count = readings.main?.tokens.length ?? 0;
    return Math.min(count, pointed ?? state.place ?? count);
  }

  function point(place) {
    if (place === pointed) return;
    pointed = place;
    showBars();
    lookCloser();
  }

  function select(place) {
    state.place = place;
    strip.select(place);
    showBars();
    lookCloser();
    keepLink();
  }

  function showBars() {
    const { main, edited } = readings;
    if (!main) return;
    const place = placeNow();
    const actual = main.tokens[place] ?? null;
    const isEnd = place === main.tokens.length;
    barsTitle.textContent = isEnd ? say("Next") : say("Expected at token {}, {}", place, quoted(actual));
    const changed = edited && !edited.isOff ? edited.expected[place] : null;
    bars.show(changed ?? main.expected[place] ?? [], [actual], changed ? main.expected[place] : null);
    const bits = main.losses.reduce((sum, loss) => sum + loss, 0) / Math.LN2;
    const rate = main.tokens.length ? digits(bits / main.tokens.length) : "–";
    const whole = [say("{} {}, {} bits each", main.tokens.length, unitNames[page.vocabulary.unit], rate)];
    if (main.unknown) whole.push(say("{} unknown to the model", main.unknown));
    about.textContent = isEnd
      ? whole.join("; ")
      : say("loss {} nats, P = {}", digits(main.losses[place]), percent(Math.exp(-main.losses[place])));
  }

  function colourStrip() {
    const { main, edited } = readings;
    if (!main) return;
    const { kind } = state.colour;
    const most = Math.log(page.vocabulary.tokens.length);
    let shares = main.losses.map?.((loss) => loss / most) ?? [];
    let words = Array.from(main.losses, (loss) => say("loss {} nats", digits(loss)));
    if (kind === "value" && numbers) {
      shares = sharesOf(numbers);
      words = Array.from(numbers, (number) => `${state.colour.value} = ${digits(number)}`);
    }
    if (kind === "change") {
      const differences = main.losses.map((loss, k) => (edited && !edited.isOff ? edited.losses[k] - loss : 0));
      shares = differences.map((difference) => difference / 2);
      words = Array.from(differences, (difference) => say("loss changes by {} nats", digits(difference)));
    }
    if (kind === "reach" && reach) {
      const { layer } = state.colour;
      const norms = main.tokens.map((_, k) => (k < reach.place ? (reach.norms[layer][k + 1 - reach.first] ?? 0) : NaN));
      shares = decadeShares(norms);
      words = norms.map((norm) => (norm > 0 ? `‖∂E/∂net‖ = ${digits(norm)}` : ""));
    }
    strip.colour(shares, words);
  }

  // Gradients are those of the changed model, where something was changed.
  function looked() {
    return state.edits.length ? "edited" : "main";
  }

  // What takes longer than a key.
  function askDetails() {
    if (!readings.main) return;
    const place = placeNow();
    client.send("reach", { which: looked(), place });
    const { layer, value, unit } = state.colour;
    const count = readings.main.tokens.length;
    if (!count) return;
    const shown = Math.min(count - 1, place);
    client.send("step", { which: "main", layer, value, unit, place: shown, loss: Math.min(count, shown + 1) });
    client.send("nearest", { which: "main", place: shown });
  }

  function askColour() {
    const { kind, layer, value, unit } = state.colour;
    if (kind === "value") client.send("colour", { which: "main", layer, value, unit });
    else colourStrip();
  }

  client.on("read", (found) => {
    const { which, since } = found;
    const known = readings[which] ?? { tokens: [], losses: [], expected: [] };
    const joined = (name) => [...known[name].slice(0, since), ...found[name]];
    readings[which] = {
      isOff: found.isOff,
      unknown: found.unknown,
      tokens: joined("tokens"),
      losses: joined("losses"),
      expected: joined("expected"),
    };
    // The bars at once, the rest once a frame.
    if (which !== "second") showBars();
    fresh.add(which);
    frame ??= requestAnimationFrame(showRest);
  });
  const fresh = new Set();
  let frame = null;
  function showRest() {
    frame = null;
    if (fresh.has("main")) {
      strip.show(readings.main.tokens);
      if (!readings.main.tokens.length) [map, units, stepView].forEach((each) => each.clear());
      if (!readings.main.tokens.length) nearestList.replaceChildren();
      strip.select(state.place);
    }
    if (fresh.has("main") || fresh.has("edited")) {
      askColour();
      lookCloser();
    }
    fresh.clear();
    pair.show(readings.main, readings.second);
    document.documentElement.dataset.read = readings.main.tokens.length;
  }
  client.on("colour", (found) => {
    numbers = found.numbers;
    colourStrip();
  });
  client.on("reach", (found) => {
    reach = found;
    const lag = found.place - found.first;
    const said = found.norms.map((row, number) =>
      say("{} {} at lag 0, {} at lag {}", names[number], digits(row.at(-1)), digits(row[0]), lag),
    );
    const words = [String(found.first), say("step n = m = {}", found.place)];
    chart.show({ ...found, names, words, said: `m = ${found.place}: ${said.join("; ")}` });
    if (state.colour.kind === "reach") colourStrip();
  });
  client.on("map", map.show);
  client.on("step", (found) => {
    if (!readings.main.tokens.length) return;
    units.show(found.value, found.units, found.unit);
    stepView.show(found);
  });
  client.on("nearest", ({ found }) => {
    const { tokens } = readings.main;
    nearestList.replaceChildren(
      ...found.map(({ place, cosine }) => {
        const before = tokens.slice(Math.max(0, place - 24), place).map(visible).join("");
        const here = element("mark", {}, visible(tokens[place] ?? ""));
        const after = tokens.slice(place + 1, place + 8).map(visible).join("");
        const go = element("button", { type: "button", onclick: () => select(place) }, String(place));
        return element("li", {}, go, element("span", { class: "context" }, before, here, after), ` ${digits(cosine)}`);
      }),
    );
  });
  client.on("sampled", ({ text }) => {
    area.value = state.text = (state.text + text).slice(0, LONGEST);
    ask();
    keepLink();
  });
  area.addEventListener("input", () => {
    state.text = area.value;
    state.place = null;
    ask();
    keepLink();
  });
  recolour.push(colourStrip);

  const sample = createSampling(state.sampling, () => {
    const { count, seed, temperature, topP } = state.sampling;
    client.send("sample", { count: Math.min(2000, count), seed, options: { temperature, topP } });
    state.sampling.seed += 1;
  });
  const spans = [32, 64, 128].map((span) => [span, say("the last {}", span)]);
  let span = 32;
  let mapLayer = layers.length - 1;
  const drawMap = () => client.send("map", { which: looked(), layer: mapLayer, span });
  const layerChoices = layers.map(({ name }, k) => [k, name]);
  const colourFields = colourControls(state, layers, kinds, () => {
    askColour();
    lookCloser();
    keepLink();
  });
  const sections = [
    section(
      "text-section",
      say("Text"),
      say(
        "Type: after every key the model says what it expects next. Point at a token, or walk with the arrow keys, to see what it expected there.",
      ),
      area,
      colourFields.node,
      element("div", { class: "live" }, element("div", {}, strip.node, about), element("div", {}, barsTitle, bars.node)),
      sample,
    ),
    section(
      "reach",
      say("How far back a loss reaches"),
      say(
        "The norm of ∂Eₘ/∂netₙ, Eₘ the loss at the chosen token, for each step n before it; behind the text Eₘ is the loss of the likeliest token. Of a changed model they are its own.",
      ),
      chart.node,
      element(
        "div",
        { class: "knobs" },
        chooser(say("Layer of the picture"), layerChoices, mapLayer, (chosen) => (mapLayer = chosen)),
        chooser(say("Tokens"), spans, span, (chosen) => (span = chosen)),
        element("button", { type: "button", onclick: drawMap }, say("Draw every loss and every step")),
      ),
      map.node,
    ),
    section(
      "changes",
      say("Change the model"),
      say(
        "Set or scale a gate, a state or one unit: the text is read again. Bars show the changed model, thin ones the model as it is; colour the text by “change of the loss”.",
      ),
      changes.node,
    ),
    section(
      "pair",
      say("Two texts"),
      say("A second text beside the first: which is more probable, and where they part."),
      pair.node,
    ),
    stepSection(units, stepView, say("δ is that of the loss of the next token.")),
    section(
      "nearest",
      say("Nearest states"),
      say("The tokens after which the output of the top layer was most like that at the chosen one (cosine)."),
      nearestList,
    ),
  ];
  showSections(page, sections);
  ask();
  if (state.second) client.send("text", { which: "second", text: state.second });
}
