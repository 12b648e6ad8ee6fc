// Drawing the text on.

function createSampling(options, onsample) {
  const field = (label, name, attributes) => {
    const input = element("input", { type: "number", "aria-label": label, value: options[name], ...attributes });
    input.addEventListener("input", () => (options[name] = Number(input.value)));
    return element("label", { class: "field" }, element("span", {}, label), input);
  };
  return element(
    "div",
    { class: "knobs" },
    field("Temperature", "temperature", { min: 0, max: 5, step: 0.1 }),
    field("Top p", "topP", { min: 0, max: 1, step: 0.05 }),
    field("Tokens", "count", { min: 1, max: 2000 }),
    field("Seed", "seed", { min: 0 }),
    element("button", { type: "button", onclick: onsample }, "Continue the text"),
  );
}
