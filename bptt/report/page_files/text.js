// The text, coloured: by a unit, by the loss, or by the part that each token plays in one loss.

function textSection(page, store) {
  if (!page.sequences.length) return null;
  const readout = element("p", { class: "readout", role: "status", "aria-live": "polite" });
  const legend = element("div", { class: "legend-host" });
  const said = element("p", { class: "quiet" });
  let colouring = null;
  const boxes = page.sequences.map((sequence, number) => {
    const point = (step) => tell(step === null ? store.get() : { ...store.get(), sequence: number, step });
    return tokenBox(sequence, number, point, (step) => store.set({ sequence: number, step }));
  });
  const tell = (view) => {
    readout.textContent = tokenWords(page, view, colouring);
  };
  const paint = (view) => {
    colouring = COLOURINGS[view.colour](page, view);
    boxes.forEach((box, number) => box.colour(colouring.shares(number)));
    legend.replaceChildren(...colouring.legend());
    said.textContent = colouring.said ?? "";
  };
  store.watch(["colour", "layer", "value", "unit", "sequence", "step", "method", "theme"], (view) => {
    paint(view);
    tell(view);
  });
  store.watch(["sequence", "step"], ({ sequence, step }) =>
    boxes.forEach((box, number) => box.select(number === sequence ? step : null)),
  );
  store.watch(["masks"], ({ masks }) => boxes.forEach((box, number) => box.mark(masks?.[number] ?? [])));
  const texts = page.sequences.flatMap((sequence, number) => [
    ...(page.sequences.length > 1 ? [element("h3", {}, sequence.name)] : []),
    boxes[number].node,
  ]);
  const beside = page.layers.length ? [stripPanel(page, store), nearestPanel(page, store)] : [];
  return section(
    "text",
    "Text",
    "Select a token with a click or the arrow keys; point at one to read its numbers.",
    colourControls(page, store),
    element(
      "div",
      { class: "beside" },
      element("div", {}, legend, said, ...texts, readout, ...(page.layers.length ? [searchPanel(page, store)] : [])),
      element("div", {}, ...beside),
    ),
    ...(page.layers.length ? [element("p", { class: "quiet", id: "held" }, heldWords(page))] : []),
  );
}

function colourControls(page, store) {
  const ways = [
    ...(page.layers.length ? [["unit", "a unit"]] : []),
    ...(page.sequences.some((sequence) => sequence.losses) ? [["loss", "loss"]] : []),
    ...(page.attributions.length ? [["attribution", "part in a loss"]] : []),
  ];
  if (!ways.length) return element("div");
  const way = tabs("Colour by", ways, store.get().colour, (colour) => store.set({ colour }));
  store.watch(["colour"], ({ colour }) => colour && way.press(colour));
  const units = element("div", { class: "row" }, ...(page.layers.length ? unitControls(page, store) : []));
  const methods = [...new Set(page.attributions.map((attribution) => attribution.method))].map((m) => [m, m]);
  const method = chooser("Method", methods, store.get().method, (chosen) => store.set({ method: chosen }));
  store.watch(["colour"], ({ colour }) => {
    method.hidden = colour !== "attribution";
  });
  const first = element("div", { class: "row" }, element("span", { class: "quiet" }, "Colour by"), way.node, method);
  return element("div", { class: "controls" }, first, units);
}

// Layer, value and unit: one select each; what a choice leaves without meaning is chosen anew.
function unitControls(page, store) {
  const layers = page.layers.map((layer, i) => [i, layer.name]);
  const choose = (changes) => store.set({ ...soundChoice(page, { ...store.get(), ...changes }), colour: "unit" });
  const layer = chooser("Layer", layers, store.get().layer, (i) => choose({ layer: i }));
  const value = chooser("Value", [], 0, () => choose({ value: valueSelect.selectedIndex }));
  const unit = chooser("Unit", [], 0, () => choose({ unit: unitsNow()[unitSelect.selectedIndex] }));
  const [layerSelect, valueSelect, unitSelect] = [layer, value, unit].map((field) => field.querySelector("select"));
  const unitsNow = () => page.layers[store.get().layer].values[store.get().value].units;
  store.watch(["layer", "value", "unit"], (view) => {
    const { values } = page.layers[view.layer];
    const held = Array.from(values.keys()).filter((i) => values[i].units.length);
    layerSelect.selectedIndex = view.layer;
    fillChoices(valueSelect, Array.from(values, (found, i) => [i, found.name]), view.value);
    Array.from(valueSelect.options, (option, i) => (option.disabled = !held.includes(i)));
    fillChoices(unitSelect, Array.from(unitsNow(), (number) => [number, String(number)]), view.unit);
  });
  return [layer, value, unit];
}

// The nearest choice of which the page holds the numbers.
function soundChoice(page, { layer, value, unit }) {
  const { values } = page.layers[layer];
  const held = (i) => values[i] && values[i].units.length > 0;
  const kept = held(value) ? value : Math.max(0, Array.from(values.keys()).findIndex(held));
  const units = Array.from(values[kept].units);
  return { layer, value: kept, unit: units.includes(unit) ? unit : (units[0] ?? 0) };
}

const COLOURINGS = { unit: byUnit, loss: byLoss, attribution: byPart };

function byUnit(page, view) {
  const layer = page.layers[view.layer];
  const value = layer?.values[view.value];
  const series = value ? seriesOf(value, view.unit) : null;
  if (!series) return uncoloured(page, "This page holds no units.");
  const gate = value.kind === "gate";
  const limit = gate ? 0.5 : aboutZero(series)[1];
  const middle = gate ? 0.5 : 0;
  return {
    name: `${layer.name}, ${value.name} of unit ${view.unit}`,
    numbers: (number) => (number === layer.sequence ? series : null),
    shares: (number) =>
      number === layer.sequence ? series.map((x) => (x - middle) / limit) : allMissing(page, number),
    legend: () => diverging(middle - limit, middle, middle + limit),
  };
}

function byLoss(page) {
  const losses = page.sequences.map((sequence) => sequence.losses);
  const limit = extent(losses.filter(Boolean))[1];
  return {
    name: "",
    numbers: () => null,
    shares: (number) => (losses[number] ? losses[number].map((x) => x / limit) : allMissing(page, number)),
    legend: () => {
      const colours = divergingColours();
      return [colourLegend([colours(0), colours(1)], "0 nats", `${digits(limit)} nats`)];
    },
    said: "Each token by the loss of the step that reads it.",
  };
}

function byPart(page, view) {
  const found = page.attributions.filter((a) => a.method === view.method && a.of === view.sequence);
  if (!found.length) return uncoloured(page, `No loss of the ${page.sequences[view.sequence].name} was taken apart.`);
  const row = nearestRow(found[0].rows, view.step);
  const parts = new Map();
  for (const attribution of found) {
    const steps = page.sequences[attribution.sequence].tokens.length;
    parts.set(attribution.sequence, partsOf(attribution, row, steps));
  }
  const limit = Math.max(...[...parts.values()].map((numbers) => aboutZero(numbers)[1]));
  const step = found[0].rows[row];
  const other = step === view.step ? "" : " (the nearest to the selected token that was taken apart)";
  const missing = (number) => allMissing(page, number);
  return {
    name: `part in the loss of step ${step}`,
    numbers: (number) => parts.get(number) ?? null,
    shares: (number) => parts.get(number)?.map((x) => x / limit) ?? missing(number),
    legend: () => diverging(-limit, 0, limit, " nats"),
    said: `Part of each token in the loss of step ${step}${other}.`,
  };
}

function uncoloured(page, said) {
  return { name: "", numbers: () => null, shares: (number) => allMissing(page, number), legend: () => [], said };
}

function allMissing(page, number) {
  return new Float64Array(page.sequences[number].tokens.length).fill(NaN);
}

function diverging(low, middle, high, unit = "") {
  const colours = divergingColours();
  return [colourLegend([-1, -0.5, 0, 0.5, 1].map(colours), ...[low, middle, high].map((x) => digits(x) + unit))];
}

function nearestRow(rows, step) {
  return rows.reduce((best, at, row) => (Math.abs(at - step) < Math.abs(rows[best] - step) ? row : best), 0);
}

function tokenWords(page, { sequence, step }, colouring) {
  const { tokens, losses } = page.sequences[sequence];
  if (!(step in tokens)) return "";
  const words = [`step ${step} ${quoted(tokens[step])}`];
  const numbers = colouring.numbers(sequence);
  if (numbers) words.push(`${colouring.name} = ${digits(numbers[step])}`);
  if (losses && !Number.isNaN(losses[step])) words.push(`loss ${digits(losses[step])} nats`);
  return words.join(" · ");
}

// What the page holds, and what was left out to keep it small.
function heldWords(page) {
  const whole = page.layers.every(({ values }) => values.every((value) => value.units.length === value.width));
  if (whole) return "This page holds every unit of every value, in 8 bits a number.";
  return (
    "To stay below 3 MB this page holds a part of the units: those that follow a property and those that move most, " +
    `in 8 bits a number. ${page.layers.map(heldOfLayer).join(" ")}`
  );
}

// As "layer 1: i, f, g, o 71 of 256; c 256 of 256."
function heldOfLayer({ name, values }) {
  const counts = new Map();
  for (const value of values) {
    const held = `${value.units.length} of ${value.width}`;
    counts.set(held, [...(counts.get(held) ?? []), value.name]);
  }
  return `${name}: ${Array.from(counts, ([held, names]) => `${names.join(", ")} ${held}`).join("; ")}.`;
}
