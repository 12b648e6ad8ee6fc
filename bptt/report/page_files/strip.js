// One unit through time: each of its values as a small line, one below the other.

const STRIP_HEIGHT = 46;
const SPANS = [80, 320, Infinity];
// Norms are drawn on a logarithmic scale that ends this many decades below the largest.
const DECADES_IN_STRIP = 6;

function stripPanel(page, store) {
  const heading = element("h3", {});
  const player = soundPlayer(page, store);
  const rows = element("div", { class: "strips", tabindex: 0 });
  const ends = element("p", { class: "strip-ends quiet" });
  const spans = SPANS.map((width) => [width, width === Infinity ? say("all steps") : say("{} steps", width)]);
  const span = chooser(say("Window"), spans, store.get().window, (width) => store.set({ window: width }));
  let axis = null;
  const draw = (view) => {
    const layer = page.layers[view.layer];
    const sequence = page.sequences[layer.sequence];
    const at = layer.sequence === view.sequence ? view.step : null;
    const timeline = timelineAt(sequence, at ?? 0);
    const first = timeline?.first ?? 0;
    const steps = timeline ? timeline.seconds.length - 1 : sequence.tokens.length;
    const [from, to] = windowAbout((at ?? 0) - first, view.window, steps).map((step) => first + step);
    axis = axisOf(timeline, from, to);
    heading.textContent = say("{}, unit {}", layer.name, view.unit);
    rows.setAttribute("aria-label", say("Values of unit {} over the steps {} to {}", view.unit, from, to - 1));
    const held = layer.values
      .map((value) => [value, seriesOf(value, view.unit)])
      .filter(([, series]) => series);
    const { pictures } = sequence;
    const shares = timeline?.bars ? COLOURINGS[view.colour](page, view).shares(layer.sequence) : [];
    rows.replaceChildren(
      ...(timeline ? [...timelineRows(timeline, axis, shares, at), player.over] : []),
      ...(pictures ? [pictureRow(pictures, from, to, at)] : []),
      ...held.map(([value, series]) => valueRow(value, series.subarray(from, to), axis, at)),
      ...gradientRows(page, layer, axis, at),
    );
    const words = timeline
      ? [axis.low, axis.high].map((place) => say("{} s", place.toFixed(2)))
      : [from, to - 1].map((step) => say("step {}", step));
    ends.replaceChildren(...words.map((text) => element("span", {}, text)));
    player.show(timeline, layer.sequence, axis, at);
  };
  store.watch(["layer", "value", "unit", "sequence", "step", "window", "colour", "method", "theme"], draw);
  new ResizeObserver(() => draw(store.get())).observe(ends);
  rows.addEventListener("click", (event) => {
    const box = event.target.closest("[data-axis]")?.getBoundingClientRect();
    if (!box) return;
    const place = axis.placeAt((event.clientX - box.left) / box.width);
    const { sequence } = page.layers[store.get().layer];
    store.set({ sequence, step: axis.stepAt(place) });
    player.seek(place);
  });
  rows.addEventListener("keydown", (event) => {
    const view = store.get();
    const { sequence } = page.layers[view.layer];
    const step = view.step + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? NaN);
    if (sequence !== view.sequence || !(step in page.sequences[sequence].tokens)) return;
    event.preventDefault();
    store.set({ step });
  });
  return element("div", { class: "strip" }, element("div", { class: "row" }, heading, span), player.node, rows, ends);
}

function windowAbout(step, width, steps) {
  if (width >= steps) return [0, steps];
  const from = Math.min(steps - width, Math.max(0, step - Math.floor(width / 2)));
  return [from, from + width];
}

function valueRow(value, series, axis, at) {
  const gate = value.kind === "gate";
  const ends = gate ? [0, 1] : aboutZero(series);
  const range = gate ? say("0 to 1") : `±${digits(ends[1])}`;
  const number = at === null ? "" : digits(series[at - axis.from]);
  return stripRow({ name: value.name, range, series, ends, level: gate ? 0.5 : 0, tone: gate ? 1 : 0, number }, axis, at);
}

// The pictures of the steps, over the same axis as the values.
function pictureRow(pictures, from, to, at) {
  const width = 800;
  const band = pictureBand(pictures, from, to, width);
  band.dataset.axis = "";
  const large = at === null ? null : largePicture(pictures, at);
  const words = element("div", { class: "strip-words" }, element("b", {}, say("Pictures")));
  const row = element("div", { class: "strip-row" }, words, band, element("span", {}));
  return element("div", {}, ...(large ? [large] : []), row);
}

// How much the loss of the selected step, or the nearest one that is known, depends on what the layer computed at each
// step, on a logarithmic scale; no row where that is not known.
function gradientRows(page, layer, axis, at) {
  const { from, to } = axis;
  const map = page.maps.find((found) => found.layer === layer.name);
  const { pictures, timelines } = page.sequences[layer.sequence];
  if (!map || !(pictures || timelines.length)) return [];
  const row = at !== null && map.of === layer.sequence ? nearestRow(map.rows, at) : map.rows.length - 1;
  const norms = new Float64Array(to - from).fill(NaN);
  map.columns.forEach((step, column) => {
    // Where steps were left out of the map, those up to the next one have the norm of this one.
    norms.fill(normAt(map, row, column), Math.max(0, step - from), Math.max(0, (map.columns[column + 1] ?? step + 1) - from));
  });
  const positive = Array.from(norms).filter((norm) => norm > 0);
  if (!positive.length) return [];
  const most = Math.log10(Math.max(...positive));
  const least = Math.max(Math.log10(Math.min(...positive)), most - DECADES_IN_STRIP);
  const series = norms.map((norm) => (norm > 0 ? Math.max(least, Math.log10(norm)) : NaN));
  const ends = [least, most > least ? most : least + 1];
  const range = say("{} to {}", digits(10 ** least), digits(10 ** most));
  const number = at === null ? "" : digits(norms[at - from]);
  return [stripRow({ name: "‖∂E/∂net‖", range, series, ends, level: least, tone: 2, number }, axis, at)];
}

// A line through the middles of the steps; `level` is the height of the line behind it.
function stripRow({ name, range, series, ends: [low, high], level, tone, number }, axis, at) {
  const width = 400;
  const x = (i) => axis.middle(axis.from + i) * width;
  const y = (value) => STRIP_HEIGHT - 3 - ((value - low) / (high - low)) * (STRIP_HEIGHT - 6);
  const still = { "vector-effect": "non-scaling-stroke" };
  const view = {
    viewBox: `0 0 ${width} ${STRIP_HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  };
  const drawing = shape(
    "svg",
    { ...view, height: STRIP_HEIGHT, "data-axis": true },
    shape("line", { class: "grid", x1: 0, x2: width, y1: y(level), y2: y(level), ...still }),
    shape("path", { class: `line tone-${tone}`, d: linePath(Array.from(series.keys()), series, x, y), ...still }),
  );
  if (at !== null) {
    const line = { class: "cursor", x1: x(at - axis.from), x2: x(at - axis.from), y1: 0, y2: STRIP_HEIGHT };
    drawing.append(shape("line", { ...line, ...still }));
  }
  const words = element(
    "div",
    { class: "strip-words" },
    element("b", {}, name),
    element("span", { class: "quiet" }, range),
  );
  return element("div", { class: "strip-row" }, words, drawing, element("span", { class: "number", "data-value": name }, number));
}

function aboutZero(series) {
  const size = series.reduce((most, number) => (Math.abs(number) > most ? Math.abs(number) : most), 0) || 1;
  return [-size, size];
}
