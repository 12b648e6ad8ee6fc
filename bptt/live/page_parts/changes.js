// What the reader changes in the model: a value of a layer scaled or set, for one unit or all, for some steps.

// Beyond it sums and gradients overflow.
const LARGEST_CHANGE = 1e6;

function createChanges(layers, edits, onchange) {
  const list = element("ul", { class: "edits", "aria-label": say("Changes") });
  const number = (label, value, attributes = {}) => {
    const input = element("input", { type: "number", value, "aria-label": label, ...attributes });
    return { input, node: element("label", { class: "field" }, element("span", {}, label), input) };
  };
  let [layer, value, action] = [0, layers[0].values[0].name, "set"];
  const values = () => layers[layer].values.map(({ name }) => [name, name]);
  const valueChooser = chooser(say("Value"), values(), value, (chosen) => (value = chosen));
  const layerChooser = chooser(
    say("Layer"),
    layers.map(({ name }, k) => [k, name]),
    0,
    (chosen) => {
      layer = chosen;
      value = layers[layer].values[0].name;
      fillChoices(valueChooser.querySelector("select"), values(), value);
    },
  );
  const actions = [
    ["set", say("set to")],
    ["scale", say("multiply by")],
  ];
  const actionChooser = chooser(say("Action"), actions, action, (chosen) => (action = chosen));
  const amount = number(say("Number"), 0, { step: "any" });
  const unit = number(say("Unit (empty: all)"), "", { min: 0 });
  const from = number(say("From token"), 0, { min: 0 });
  const to = number(say("To token (empty: the end)"), "", { min: 0 });
  const whole = (input) => (input.value === "" ? null : Math.max(0, Math.round(Number(input.value))));
  const add = () => {
    const width = layers[layer].values.find(({ name }) => name === value).width;
    const chosen = whole(unit.input);
    if (chosen !== null && chosen >= width) return unit.input.setCustomValidity(say("{} to {}", 0, width - 1));
    const factor = Math.min(LARGEST_CHANGE, Math.max(-LARGEST_CHANGE, Number(amount.input.value)));
    const [scale, shift] = action === "set" ? [0, factor] : [factor, 0];
    edits.push({
      layer,
      value,
      unit: chosen,
      scale,
      shift,
      from: whole(from.input) ?? 0,
      to: whole(to.input),
    });
    show();
    onchange();
  };
  unit.input.addEventListener("input", () => unit.input.setCustomValidity(""));
  const words = (edit) => {
    const what = `${layers[edit.layer].name}: ${edit.value}${edit.unit === null ? "" : `[${edit.unit}]`}`;
    const how = edit.scale === 0 ? `= ${edit.shift}` : `× ${edit.scale}`;
    const end = edit.to ?? say("the end");
    const when = edit.from === 0 && edit.to === null ? "" : say(", tokens {} to {}", edit.from, end);
    return `${what} ${how}${when}`;
  };
  const show = () =>
    list.replaceChildren(
      ...edits.map((edit, k) => {
        const remove = () => {
          edits.splice(k, 1);
          show();
          onchange();
        };
        const label = say("Remove {}", words(edit));
        return element(
          "li",
          {},
          element("span", {}, words(edit)),
          element("button", { type: "button", "aria-label": label, onclick: remove }, say("Remove")),
        );
      }),
    );
  show();
  const fields = [layerChooser, valueChooser, unit.node, actionChooser, amount.node, from.node, to.node];
  const button = element("button", { type: "button", onclick: add }, say("Change"));
  return { node: element("div", {}, element("div", { class: "knobs" }, ...fields, button), list) };
}
