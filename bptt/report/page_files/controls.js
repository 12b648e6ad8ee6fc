// What the text is coloured by: the ways that the page has numbers for, and the choice of a unit.

function colourControls(page, store) {
  const ways = [
    ...(page.layers.length ? [["unit", say("a unit")]] : []),
    ...(page.sequences.some((sequence) => sequence.losses) ? [["loss", say("loss")]] : []),
    ...(page.attributions.length ? [["attribution", say("part in a loss")]] : []),
  ];
  if (!ways.length) return element("div");
  const way = tabs(say("Colour by"), ways, store.get().colour, (colour) => store.set({ colour }));
  store.watch(["colour"], ({ colour }) => colour && way.press(colour));
  const units = element("div", { class: "row" }, ...(page.layers.length ? unitControls(page, store) : []));
  const methods = [...new Set(page.attributions.map((attribution) => attribution.method))].map((m) => [m, m]);
  const method = chooser(say("Method"), methods, store.get().method, (chosen) => store.set({ method: chosen }));
  store.watch(["colour"], ({ colour }) => {
    method.hidden = colour !== "attribution";
  });
  const first = element(
    "div",
    { class: "row" },
    element("span", { class: "quiet" }, say("Colour by")),
    way.node,
    method,
  );
  return element("div", { class: "controls" }, first, units);
}

// Layer, value and unit: one select each; what a choice leaves without meaning is chosen anew.
function unitControls(page, store) {
  const layers = page.layers.map((layer, i) => [i, layer.name]);
  const choose = (changes) =>
    store.set({ ...soundChoice(page, { ...store.get(), ...changes }), colour: "unit" });
  const layer = chooser(say("Layer"), layers, store.get().layer, (i) => choose({ layer: i }));
  const value = chooser(say("Value"), [], 0, () => choose({ value: valueSelect.selectedIndex }));
  const unit = chooser(say("Unit"), [], 0, () => choose({ unit: unitsNow()[unitSelect.selectedIndex] }));
  const [layerSelect, valueSelect, unitSelect] = [layer, value, unit].map((field) =>
    field.querySelector("select"),
  );
  const unitsNow = () => page.layers[store.get().layer].values[store.get().value].units;
  store.watch(["layer", "value", "unit"], (view) => {
    const { values } = page.layers[view.layer];
    const held = Array.from(values.keys()).filter((i) => values[i].units.length);
    layerSelect.selectedIndex = view.layer;
    fillChoices(
      valueSelect,
      Array.from(values, (found, i) => [i, found.name]),
      view.value,
    );
    Array.from(valueSelect.options, (option, i) => (option.disabled = !held.includes(i)));
    fillChoices(
      unitSelect,
      Array.from(unitsNow(), (number) => [number, String(number)]),
      view.unit,
    );
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
