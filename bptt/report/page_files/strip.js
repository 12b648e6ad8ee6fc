// One unit through time: each of its values as a small line, one below the other.

const STRIP_HEIGHT = 46;
const SPANS = [80, 320, Infinity];

function stripPanel(page, store) {
  const heading = element("h3", {});
  const rows = element("div", { class: "strips", tabindex: 0 });
  const ends = element("p", { class: "strip-ends quiet" });
  const spans = SPANS.map((width) => [width, width === Infinity ? say("all steps") : say("{} steps", width)]);
  const span = chooser(say("Window"), spans, SPANS[0], (width) => store.set({ window: width }));
  const draw = (view) => {
    const layer = page.layers[view.layer];
    const steps = page.sequences[layer.sequence].tokens.length;
    const at = layer.sequence === view.sequence ? view.step : null;
    const [from, to] = windowAbout(at ?? 0, view.window, steps);
    heading.textContent = say("{}, unit {}", layer.name, view.unit);
    rows.setAttribute("aria-label", say("Values of unit {} over the steps {} to {}", view.unit, from, to - 1));
    const held = layer.values
      .map((value) => [value, seriesOf(value, view.unit)])
      .filter(([, series]) => series);
    rows.replaceChildren(
      ...held.map(([value, series]) => stripRow(value, series.subarray(from, to), from, at)),
    );
    ends.replaceChildren(...[from, to - 1].map((step) => element("span", {}, say("step {}", step))));
  };
  store.watch(["layer", "unit", "sequence", "step", "window"], draw);
  new ResizeObserver(() => draw(store.get())).observe(ends);
  rows.addEventListener("click", (event) => {
    const svg = event.target.closest("svg");
    if (!svg) return;
    const [from, count] = [Number(svg.dataset.from), Number(svg.dataset.count)];
    const share = event.offsetX / svg.clientWidth;
    const { sequence } = page.layers[store.get().layer];
    store.set({ sequence, step: from + Math.min(count - 1, Math.max(0, Math.round(share * (count - 1)))) });
  });
  rows.addEventListener("keydown", (event) => {
    const view = store.get();
    const { sequence } = page.layers[view.layer];
    const step = view.step + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? NaN);
    if (sequence !== view.sequence || !(step in page.sequences[sequence].tokens)) return;
    event.preventDefault();
    store.set({ step });
  });
  return element("div", { class: "strip" }, element("div", { class: "row" }, heading, span), rows, ends);
}

function windowAbout(step, width, steps) {
  if (width >= steps) return [0, steps];
  const from = Math.min(steps - width, Math.max(0, step - Math.floor(width / 2)));
  return [from, from + width];
}

function stripRow(value, series, from, at) {
  const width = 400;
  const [low, high] = value.kind === "gate" ? [0, 1] : aboutZero(series);
  const x = (i) => (series.length > 1 ? (i / (series.length - 1)) * width : width / 2);
  const y = (number) => STRIP_HEIGHT - 3 - ((number - low) / (high - low)) * (STRIP_HEIGHT - 6);
  const level = value.kind === "gate" ? 0.5 : 0;
  const now = at === null ? NaN : series[at - from];
  const still = { "vector-effect": "non-scaling-stroke" };
  const view = {
    viewBox: `0 0 ${width} ${STRIP_HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  };
  const drawing = shape(
    "svg",
    { ...view, height: STRIP_HEIGHT, "data-from": from, "data-count": series.length },
    shape("line", { class: "grid", x1: 0, x2: width, y1: y(level), y2: y(level), ...still }),
    shape("path", {
      class: `line tone-${value.kind === "gate" ? 1 : 0}`,
      d: linePath(Array.from(series.keys()), series, x, y),
      ...still,
    }),
  );
  if (at !== null) {
    drawing.append(
      shape("line", {
        class: "cursor",
        x1: x(at - from),
        x2: x(at - from),
        y1: 0,
        y2: STRIP_HEIGHT,
        ...still,
      }),
    );
  }
  const range = element("span", { class: "quiet" }, low < 0 ? `±${digits(high)}` : say("0 to 1"));
  const words = element("div", { class: "strip-words" }, element("b", {}, value.name), range);
  const number = element(
    "span",
    { class: "number", "data-value": value.name },
    at === null ? "" : digits(now),
  );
  return element("div", { class: "strip-row" }, words, drawing, number);
}

function aboutZero(series) {
  const size = series.reduce((most, number) => (Math.abs(number) > most ? Math.abs(number) : most), 0) || 1;
  return [-size, size];
}
