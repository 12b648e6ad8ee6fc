// What the text is coloured by: one of `kinds`, and of "value" which unit of which value of which layer.

function colourControls(state, layers, kinds, onchange) {
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
  const valueChooser = chooser(say("Value"), values(), colour.value, set("value"));
  const unit = element("input", { type: "number", min: 0, value: colour.unit, "aria-label": say("Unit") });
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
    chooser(say("Colour the text by"), kinds, colour.kind, set("kind")),
    chooser(
      say("Layer"),
      layers.map(({ name }, k) => [k, name]),
      colour.layer,
      set("layer"),
    ),
    valueChooser,
    element("label", { class: "field" }, element("span", {}, say("Unit")), unit),
  );
  return {
    node,
    choose(wanted) {
      unit.value = wanted;
      choose(wanted);
    },
  };
}
