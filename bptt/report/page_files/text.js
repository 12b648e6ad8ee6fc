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
  const expected = expectedPanel(page);
  const tell = (view) => {
    readout.textContent = tokenWords(page, view, colouring);
    expected?.tell(view);
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
  const strips = element("div", {}, ...beside);
  const timed = page.sequences.some(({ timelines }) => timelines.length);
  const wide = timed || page.sequences.some(({ pictures }) => pictures);
  const lead = "Select a token with a click or the arrow keys; point at one to read its numbers.";
  return section(
    "text",
    timed ? say("Through time") : say("Text"),
    say(timed ? "Click on the axis to go to a moment: sound, text and gradient follow." : lead),
    colourControls(page, store),
    element(
      "div",
      { class: wide ? "beside stacked" : "beside" },
      ...(timed ? [strips] : []),
      element(
        "div",
        {},
        legend,
        said,
        ...texts,
        readout,
        ...(expected ? [expected.node] : []),
        ...(page.layers.length ? [searchPanel(page, store)] : []),
      ),
      ...(timed ? [] : [strips]),
    ),
    ...(page.layers.length ? [element("p", { class: "quiet", id: "held" }, heldWords(page))] : []),
  );
}

function tokenWords(page, { sequence, step }, colouring) {
  const { tokens, losses, notes } = page.sequences[sequence];
  if (!(step in tokens)) return "";
  const words = [`${say("step {}", step)} ${quoted(tokens[step])}`];
  const numbers = colouring.numbers(sequence);
  if (numbers) words.push(`${colouring.name} = ${digits(numbers[step])}`);
  if (losses && !Number.isNaN(losses[step])) words.push(say("loss {} nats", digits(losses[step])));
  if (notes?.[step]) words.push(notes[step]);
  return words.join(" · ");
}

// What the page holds, and what was left out to keep it small.
function heldWords(page) {
  const whole = page.layers.every(({ values }) =>
    values.every((value) => value.units.length === value.width),
  );
  if (whole) return say("This page holds every unit of every value, in 8 bits a number.");
  return (
    say(
      "To stay small this page holds a part of the units: those that follow a property and those that move most, " +
        "in 8 bits a number. ",
    ) + page.layers.map(heldOfLayer).join(" ")
  );
}

// As "layer 1: i, f, g, o 71 of 256; c 256 of 256."
function heldOfLayer({ name, values }) {
  const counts = new Map();
  for (const value of values) {
    const held = say("{} of {}", value.units.length, value.width);
    counts.set(held, [...(counts.get(held) ?? []), value.name]);
  }
  return `${name}: ${Array.from(counts, ([held, names]) => `${names.join(", ")} ${held}`).join("; ")}.`;
}
