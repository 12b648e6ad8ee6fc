// What is seen of a cell in training: a card with its state and its T x T picture, and the curves of all cells.

// Ratios below this power of ten have the darkest colour.
const DECADES = 6;
// Milliseconds between a report and the next drawing of the curves.
const REDRAW = 100;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function createCard(slot) {
  const title = element("span");
  const status = element("p", { class: "readout" });
  const readout = element("p", { class: "readout quiet", id: `readout-${slot}` });
  const says = element("p", { class: "says" });
  const canvas = element("canvas", { tabindex: 0, role: "img", "aria-describedby": `readout-${slot}` });
  const node = element(
    "article",
    { class: `tone-${slot}`, "data-slot": slot, hidden: true },
    element("h3", {}, element("i", { "aria-hidden": "true" }), title),
    status,
    canvas,
    readout,
    says,
  );
  let map = [];
  let chosen = null;
  // Read aloud when somebody moves, not whenever the numbers do.
  const tell = ([m, n], isMoved = true) => {
    chosen = [m, n];
    readout.setAttribute("aria-live", isMoved ? "polite" : "off");
    const norm = map[m]?.[n];
    const ratio = norm === undefined ? "" : `: ${digits(norm)}, ${digits(norm / map[m][m])} of that at lag 0`;
    readout.textContent = ratio ? `loss at ${m + 1}, step ${n + 1}, lag ${m - n}${ratio}` : "";
  };
  const cellOf = ({ offsetX, offsetY }) => {
    const at = (offset, size) => Math.min(map.length - 1, Math.max(0, Math.floor((offset / size) * map.length)));
    return [at(offsetY, canvas.clientHeight), at(offsetX, canvas.clientWidth)];
  };
  canvas.addEventListener("pointermove", (event) => tell(cellOf(event)));
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in MOVES) || !map.length) return;
    event.preventDefault();
    const last = map.length - 1;
    const [down, right] = MOVES[event.key].map((step) => step * (event.shiftKey ? 10 : 1));
    const [m, n] = chosen ?? [last, last];
    const row = Math.min(last, Math.max(0, m + down));
    tell([row, Math.min(row, Math.max(0, n + right))]);
  });
  return {
    node,
    show(name) {
      node.hidden = name === null;
      delete node.dataset.stopped;
      title.textContent = name ?? "";
      status.textContent = "computing the first losses";
      node.setAttribute("aria-label", name ?? "");
      canvas.setAttribute(
        "aria-label",
        `Gradients of ${name}: a row for each loss, a column for each step; arrow keys read them`,
      );
    },
    fail(words) {
      status.textContent = `stopped: ${words.replace("Uncaught Error: ", "")}`;
      node.dataset.stopped = "";
    },
    update(found, updates) {
      map = found.map;
      paintGradients(canvas, map);
      if (chosen)
        tell(
          chosen.map((place) => Math.min(place, map.length - 1)),
          false,
        );
      const loss = found.points.at(-1)[1];
      const speed = found.speed ? `, ${digits(found.speed)} updates/s` : "";
      status.textContent = `update ${found.updates} of ${updates}: loss ${digits(loss)}${speed}; ${found.weights} weights with the output`;
      says.textContent = found.words;
      node.dataset.updates = found.updates;
      node.dataset.loss = loss;
    },
  };
}

// One pixel a cell: the norm as a share of that at lag 0 of its row. Zeros and what is ahead stay clear.
function paintGradients(canvas, map) {
  canvas.width = canvas.height = map.length;
  const context = canvas.getContext("2d");
  const image = context.createImageData(map.length, map.length);
  map.forEach((row, m) =>
    row.forEach((norm, n) => {
      const share = 1 + Math.log10(norm / row[m]) / DECADES;
      if (norm > 0 && row[m] > 0) image.data.set([...viridis(Math.max(0, share)), 255], 4 * (m * map.length + n));
    }),
  );
  context.putImageData(image, 0, 0);
}

function gradientLegend() {
  const ramp = [0, 0.25, 0.5, 0.75, 1].map((share) => css(viridis(share)));
  return colourLegend(ramp, `1e−${DECADES}`, `1e−${DECADES / 2}`, "1, as at lag 0");
}

// Two charts that move: the held-out loss by update, and the gradient by lag.
function createCurves() {
  const kinds = [
    {
      label: "Held-out loss by update",
      xName: "update",
      yName: "loss",
      xWord: (update) => `update ${update}`,
      read: ({ points }) => [points.map(([update]) => update), points.map(([, loss]) => loss)],
    },
    {
      label: "Median norm of the gradient by lag, on a logarithmic scale",
      xName: "lag k (steps back from the loss)",
      yName: "‖∂E/∂net‖, 1 at lag 0",
      xWord: (lag) => `lag ${lag}`,
      read: ({ byLag }) => [[...byLag.keys()], [...byLag]],
    },
  ];
  const baseline = { name: "baseline", colour: 5, dash: 1, xs: [], ys: [], shown: true };
  const charts = kinds.map((kind, number) => {
    const plan = { ...kind, height: 320, log: true, lines: [] };
    return { ...kind, plan, lines: new Map(), baseline: number ? null : baseline, chart: chart(plan) };
  });
  // The cells report one after the other: their lines are drawn together.
  let waiting = null;
  const redraw = () => {
    waiting = null;
    for (const each of charts) each.chart.redraw();
  };
  const arrange = (each) => {
    const lines = [...each.lines.entries()].sort(([a], [b]) => a - b).map(([, line]) => line);
    each.plan.lines = [...lines, ...(each.baseline && lines.length ? [each.baseline] : [])];
    each.chart.show(each.plan);
  };
  return {
    nodes: charts.map((each) => each.chart.node),
    // A slot gets a name, or is empty.
    name(slot, name) {
      for (const each of charts) {
        each.lines.delete(slot);
        if (name !== null) each.lines.set(slot, { name, colour: slot, dash: 0, xs: [], ys: [], shown: true });
        arrange(each);
      }
    },
    update(slot, found) {
      for (const each of charts) {
        const line = each.lines.get(slot);
        [line.xs, line.ys] = each.read(found);
      }
      const last = Math.max(...charts[0].plan.lines.flatMap((line) => line.xs.at(-1) ?? 0));
      // Squared errors go down by powers of ten, nats do not.
      charts[0].plan.log = found.isNumber;
      baseline.xs = [0, last];
      baseline.ys = [found.baseline, found.baseline];
      waiting ??= setTimeout(redraw, REDRAW);
    },
  };
}
