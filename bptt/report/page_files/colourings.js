/* The ways to colour the text. Each gives, for the sequence of a number, the `shares` between -1 and 1 that are
   colours, and the `numbers` behind them, null if there are none; a legend; its name; and what is to be said. */

// The share of numbers that colours tell apart: a few outliers would leave all others pale.
const TOLD_APART = 0.98;
const BEYOND = "Beyond the ends of the scale the colour stays the same.";

const COLOURINGS = { unit: byUnit, loss: byLoss, attribution: byPart };

function byUnit(page, view) {
  const layer = page.layers[view.layer];
  const value = layer?.values[view.value];
  const series = value ? seriesOf(value, view.unit) : null;
  if (!series) return uncoloured(page, say("This page holds no units."));
  const gate = value.kind === "gate";
  const limit = gate ? 0.5 : usualSize([series]);
  const middle = gate ? 0.5 : 0;
  return {
    name: say("{}, {} of unit {}", layer.name, value.name, view.unit),
    numbers: (number) => (number === layer.sequence ? series : null),
    shares: (number) =>
      number === layer.sequence ? series.map((x) => (x - middle) / limit) : allMissing(page, number),
    legend: () => diverging(middle - limit, middle, middle + limit),
    said: series.some((x) => Math.abs(x - middle) > limit) ? say(BEYOND) : "",
  };
}

function usualSize(rows) {
  const sizes = rows.flatMap((row) => Array.from(row, Math.abs)).filter(Number.isFinite);
  sizes.sort((a, b) => a - b);
  return sizes[Math.ceil(TOLD_APART * sizes.length) - 1] || sizes.at(-1) || 1;
}

function byLoss(page) {
  const losses = page.sequences.map((sequence) => sequence.losses);
  const limit = usualSize(losses.filter(Boolean));
  return {
    name: "",
    numbers: () => null,
    shares: (number) => (losses[number] ? losses[number].map((x) => x / limit) : allMissing(page, number)),
    legend: () => {
      const colours = divergingColours();
      return [colourLegend([colours(0), colours(1)], say("{} nats", 0), say("{} nats", digits(limit)))];
    },
    said: `${say("Each token by the loss of the step that reads it.")} ${say(BEYOND)}`,
  };
}

function byPart(page, view) {
  const found = page.attributions.filter((a) => a.method === view.method && a.of === view.sequence);
  if (!found.length)
    return uncoloured(page, say("No loss of the {} was taken apart.", page.sequences[view.sequence].name));
  const row = nearestRow(found[0].rows, view.step);
  const parts = new Map();
  for (const attribution of found) {
    const steps = page.sequences[attribution.sequence].tokens.length;
    parts.set(attribution.sequence, partsOf(attribution, row, steps));
  }
  const limit = Math.max(...[...parts.values()].map((numbers) => aboutZero(numbers)[1]));
  const step = found[0].rows[row];
  const nearest =
    step === view.step
      ? "Part of each token in the loss of step {}."
      : "Part of each token in the loss of step {} (the nearest to the selected token that was taken apart).";
  const missing = (number) => allMissing(page, number);
  return {
    name: say("part in the loss of step {}", step),
    numbers: (number) => parts.get(number) ?? null,
    shares: (number) => parts.get(number)?.map((x) => x / limit) ?? missing(number),
    legend: () => diverging(-limit, 0, limit, "{} nats"),
    said: say(nearest, step),
  };
}

function uncoloured(page, said) {
  return {
    name: "",
    numbers: () => null,
    shares: (number) => allMissing(page, number),
    legend: () => [],
    said,
  };
}

function allMissing(page, number) {
  return new Float64Array(page.sequences[number].tokens.length).fill(NaN);
}

function diverging(low, middle, high, words = "{}") {
  const colours = divergingColours();
  return [
    colourLegend([-1, -0.5, 0, 0.5, 1].map(colours), ...[low, middle, high].map((x) => say(words, digits(x)))),
  ];
}

function nearestRow(rows, step) {
  return rows.reduce((best, at, row) => (Math.abs(at - step) < Math.abs(rows[best] - step) ? row : best), 0);
}
