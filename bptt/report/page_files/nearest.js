// Where else the layer was in nearly the same state.

const NEIGHBOURS = 6;
// The steps about a step resemble it because little has changed: they are no finds.
const APART = 10;
const SHARE_APART = 1 / 16;
const CONTEXT = 12;

function nearestPanel(page, store) {
  const list = element("ol", { class: "hits", "aria-label": say("Nearest states") });
  const said = element("p", { class: "quiet" });
  store.watch(["layer", "value", "sequence", "step"], (view) => {
    const layer = page.layers[view.layer];
    const value = layer.values[view.value];
    list.replaceChildren();
    if (layer.sequence !== view.sequence || value.units.length === 0) {
      said.textContent = say(
        "{} reads the {}: select a token there.",
        layer.name,
        page.sequences[layer.sequence].name,
      );
      return;
    }
    const { tokens, texts } = page.sequences[view.sequence];
    const words = tokens.map((token, step) => texts?.[step] || token);
    said.textContent = say(
      "By the distance over {} units of {}, at least {} steps apart.",
      value.units.length,
      value.name,
      apartIn(tokens.length),
    );
    const jump = (step) => store.set({ sequence: view.sequence, step });
    list.append(
      ...nearestSteps(value, tokens.length, view.step).map(({ step, distance }) =>
        element(
          "li",
          {},
          element(
            "button",
            { type: "button", class: "context", onclick: () => jump(step) },
            ...contextOf(words, step),
          ),
          element("span", { class: "quiet number" }, say("step {}", step)),
        ),
      ),
    );
  });
  const heading = element("h3", {}, say("Nearest states"));
  return element("div", { class: "nearest" }, heading, said, list);
}

// Less in a text so short that there would be none.
function apartIn(steps) {
  return Math.max(1, Math.min(APART, Math.floor(steps * SHARE_APART)));
}

// Euclidean distance, nearest first, every two of them apart.
function nearestSteps(value, steps, from) {
  const squares = new Float64Array(steps);
  value.units.forEach((unit, row) => {
    const scale = (value.high[row] - value.low[row]) / 254;
    const start = row * steps;
    for (let step = 0; step < steps; step += 1) {
      squares[step] += ((value.levels[start + step] - value.levels[start + from]) * scale) ** 2;
    }
  });
  const taken = [from];
  const order = Array.from(squares.keys()).sort((a, b) => squares[a] - squares[b]);
  for (const step of order) {
    if (taken.length > NEIGHBOURS) break;
    if (taken.every((other) => Math.abs(other - step) >= apartIn(steps))) taken.push(step);
  }
  return taken.slice(1).map((step) => ({ step, distance: Math.sqrt(squares[step]) }));
}

function contextOf(words, step) {
  const part = (from, to) => words.slice(Math.max(0, from), to).map(visible).join("");
  return [
    part(step - CONTEXT, step),
    element("mark", {}, visible(words[step])),
    part(step + 1, step + CONTEXT),
  ];
}
