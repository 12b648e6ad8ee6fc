// The page, put together.

const PAUSE = 120;
const TYPED = { maxlength: LONGEST, spellcheck: "false" };

async function start() {
  const recolour = [];
  wireTheme(() => recolour.forEach((call) => call()));
  if (!("DecompressionStream" in window)) return showInstead("This page needs a browser of 2023 or later.");
  await new Promise((ready) => document.addEventListener("DOMContentLoaded", ready));
  // After the first paint.
  await new Promise((ready) => requestAnimationFrame(() => setTimeout(ready)));
  let page = null;
  try {
    page = await readPayload(document.getElementById("data").textContent);
  } catch {
    return showInstead("The weights of this page are damaged. Copy the file again, or write it anew.");
  }
  const client = createClient();
  client.onfailure((words) => showInstead(`The model of this page stopped: ${words}.`));
  client.on("ready", ({ layers }) => draw(page, layers, client, recolour));
  client.send("open", { page });
}

function showInstead(words) {
  document.getElementById("page").replaceChildren(element("p", { role: "alert" }, words));
}

function draw(page, layers, client, recolour) {
  const state = checkedState(readLink(), page, layers);
  const readings = {};
  let reach = null;
  let numbers = null;
  let pointed = null;

  const area = element("textarea", { id: "text", "aria-label": "Text", rows: 4, ...TYPED });
  area.value = state.text;
  const bars = createBars("Likeliest next tokens");
  const barsTitle = element("h3", {});
  const about = element("p", { class: "readout", role: "status", "aria-live": "polite" });
  const strip = createStrip("token", "The text as the model reads it", point, select);
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
    barsTitle.textContent = isEnd ? "Next" : `Expected at token ${place}, ${quoted(actual)}`;
    const changed = edited && !edited.isOff ? edited.expected[place] : null;
    bars.show(changed ?? main.expected[place] ?? [], actual, changed ? main.expected[place] : null);
    const bits = main.losses.reduce((sum, loss) => sum + loss, 0) / Math.LN2;
    const rate = main.tokens.length ? digits(bits / main.tokens.length) : "–";
    about.textContent = isEnd
      ? `${main.tokens.length} ${page.vocabulary.unit}, ${rate} bits each`
      : `loss ${digits(main.losses[place])} nats, P = ${percent(Math.exp(-main.losses[place]))}`;
  }

  function colourStrip() {
    const { main, edited } = readings;
    if (!main) return;
    const { kind } = state.colour;
    const most = Math.log(page.vocabulary.tokens.length);
    let shares = main.losses.map?.((loss) => loss / most) ?? [];
    let words = Array.from(main.losses, (loss) => `loss ${digits(loss)} nats`);
    if (kind === "value" && numbers) {
      shares = sharesOf(numbers);
      words = Array.from(numbers, (number) => `${state.colour.value} = ${digits(number)}`);
    }
    if (kind === "change") {
      const differences = main.losses.map((loss, k) => (edited && !edited.isOff ? edited.losses[k] - loss : 0));
      shares = differences.map((difference) => difference / 2);
      words = Array.from(differences, (difference) => `loss changes by ${digits(difference)} nats`);
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
    chart.show(found, names);
    if (state.colour.kind === "reach") colourStrip();
  });
  client.on("map", map.show);
  client.on("step", (found) => {
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
  const spans = [32, 64, 128].map((span) => [span, `the last ${span}`]);
  let span = 32;
  let mapLayer = layers.length - 1;
  const drawMap = () => client.send("map", { which: looked(), layer: mapLayer, span });
  const layerChoices = layers.map(({ name }, k) => [k, name]);
  const colourFields = colourControls(state, layers, () => {
    askColour();
    lookCloser();
    keepLink();
  });
  const sections = [
    section(
      "text-section",
      "Text",
      "Type: after every key the model says what it expects next. Point at a token, or walk with the arrow keys, to see what it expected there.",
      area,
      colourFields.node,
      element("div", { class: "live" }, element("div", {}, strip.node, about), element("div", {}, barsTitle, bars.node)),
      sample,
    ),
    section(
      "reach",
      "How far back a loss reaches",
      "The norm of ∂Eₘ/∂netₙ, Eₘ the loss at the chosen token, for each step n before it; behind the text Eₘ is the loss of the likeliest token. Of a changed model they are its own.",
      chart.node,
      element(
        "div",
        { class: "knobs" },
        chooser("Layer of the picture", layerChoices, mapLayer, (chosen) => (mapLayer = chosen)),
        chooser("Tokens", spans, span, (chosen) => (span = chosen)),
        element("button", { type: "button", onclick: drawMap }, "Draw every loss and every step"),
      ),
      map.node,
    ),
    section(
      "changes",
      "Change the model",
      "Set or scale a gate, a state or one unit: the text is read again. Bars show the changed model, thin ones the model as it is; colour the text by “change of the loss”.",
      changes.node,
    ),
    section("pair", "Two texts", "A second text beside the first: which is more probable, and where they part.", pair.node),
    section(
      "step",
      "One unit, one step",
      "The equations of the chosen layer and unit at the chosen token, with their numbers; δ is that of the loss of the next token. Choose a unit of the value by a click, or with the arrow keys.",
      units.node,
      stepView.node,
    ),
    section("nearest", "Nearest states", "The tokens after which the output of the top layer was most like that at the chosen one (cosine).", nearestList),
  ];
  const facts = element("p", { class: "quiet" }, page.facts.join(" · "));
  document.getElementById("page").replaceChildren(element("h1", {}, page.title), facts, ...sections);
  document
    .getElementById("contents")
    .append(...sections.map((found) => element("a", { href: `#${found.id}`, onclick: jump }, found.querySelector("h2").textContent)));
  ask();
  if (state.second) client.send("text", { which: "second", text: state.second });
}

// The address holds the state of the page, not the place in it.
function jump(event) {
  event.preventDefault();
  document.getElementById(event.target.getAttribute("href").slice(1)).scrollIntoView({ behavior: "smooth" });
}

function colourControls(state, layers, onchange) {
  const kinds = [
    ["loss", "loss"],
    ["reach", "gradient of the chosen loss"],
    ["change", "change of the loss"],
    ["value", "a value of a layer"],
  ];
  const { colour } = state;
  const values = () => layers[colour.layer].values.map(({ name }) => [name, name]);
  const set = (name) => (value) => {
    colour[name] = value;
    if (name === "layer" && !layers[value].values.some((one) => one.name === colour.value))
      colour.value = layers[value].values[0].name;
    fillChoices(valueChooser.querySelector("select"), values(), colour.value);
    // Another value may have fewer units.
    choose(colour.unit);
  };
  const valueChooser = chooser("Value", values(), colour.value, set("value"));
  const unit = element("input", { type: "number", min: 0, value: colour.unit, "aria-label": "Unit" });
  const choose = (wanted) => {
    const { width } = layers[colour.layer].values.find(({ name }) => name === colour.value);
    colour.unit = Math.min(width - 1, Math.max(0, Math.round(wanted)));
    if (colour.unit !== wanted) unit.value = colour.unit;
    onchange();
  };
  unit.addEventListener("input", () => choose(Number(unit.value)));
  const node = element(
    "div",
    { class: "knobs" },
    chooser("Colour the text by", kinds, colour.kind, set("kind")),
    chooser(
      "Layer",
      layers.map(({ name }, k) => [k, name]),
      colour.layer,
      set("layer"),
    ),
    valueChooser,
    element("label", { class: "field" }, element("span", {}, "Unit"), unit),
  );
  return {
    node,
    choose(wanted) {
      unit.value = wanted;
      choose(wanted);
    },
  };
}

start();
