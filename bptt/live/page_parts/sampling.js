// The text continued by a sample of the model.

function createSampling(options, onsample) {
  const field = (label, name, attributes) => {
    const input = element("input", { type: "number", "aria-label": label, value: options[name], ...attributes });
    input.addEventListener("input", () => (options[name] = Number(input.value)));
    return element("label", { class: "field" }, element("span", {}, label), input);
  };
  return element(
    "div",
    { class: "knobs" },
    field(say("Temperature"), "temperature", { min: 0, max: 5, step: 0.1 }),
    field(say("Top p"), "topP", { min: 0, max: 1, step: 0.05 }),
    field(say("Tokens"), "count", { min: 1, max: 2000 }),
    field(say("Seed"), "seed", { min: 0 }),
    element("button", { type: "button", onclick: onsample }, say("Continue the text")),
  );
}
