// A chart of lines: read by pointer, by arrow keys, by its legend, or as a table.

const MARGIN = { left: 64, right: 14, top: 10, bottom: 44 };
const STEPS_BY_KEY = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity,
};
const DASHES = ["", "8 4", "10 3 3 3", "4 3"];

/* plan: { label, xName, yName, height, log, within, xWord, lines }: `within` are heights that the scale includes,
   `xWord` says a place x in words. A line: { name, colour, dash, xs, ys, lower, upper, ring, shown, quiet }: xs
   ascend, `colour` is a number of the palette, `lower` and `upper` make a band, `ring` is a place x; a quiet line
   has no name in the legend, and comes and goes with the line before it. */
function chart(plan) {
  const state = { plan, at: null, width: 0 };
  const drawing = shape("svg", { tabindex: 0, role: "img", "aria-label": plan.label, class: "chart" });
  const legend = element("div", { class: "legend" });
  const readout = element("p", { class: "readout", "aria-live": "polite" });
  const table = tableOf(
    say("Numbers as a table"),
    () => tableHead(state.plan),
    () => tableRows(state.plan),
  );
  const frame = element("figure", { class: "chart-frame" }, drawing, legend, readout, table);

  const read = (at) => {
    state.at = at;
    moveCursor(drawing, state);
    state.plan.lines.forEach((line, i) => {
      const number = legend.querySelector(`[data-line="${i}"] .number`);
      if (number) number.textContent = at === null ? "" : digits(lineAt(line, at));
    });
    const words = at === null ? "" : state.plan.xWord(at);
    // Written anew, it would be read aloud again.
    if (readout.textContent !== words) readout.textContent = words;
  };
  const draw = () => {
    state.width = frame.clientWidth;
    if (state.width > 0) drawChart(drawing, state);
    read(state.at);
  };
  drawing.addEventListener("pointermove", (event) => read(nearestPlace(state, event.offsetX)));
  drawing.addEventListener("pointerleave", () => read(null));
  drawing.addEventListener("keydown", (event) => {
    const step = STEPS_BY_KEY[event.key];
    if (!step) return;
    event.preventDefault();
    read(placeAfter(state, step));
  });
  new ResizeObserver(() => frame.clientWidth !== state.width && draw()).observe(frame);

  const show = (next) => {
    state.plan = next;
    drawing.setAttribute("aria-label", next.label);
    legend.replaceChildren(
      ...next.lines.map((line, i) => legendItem(line, i, next.lines, draw)).filter(Boolean),
    );
    legend.hidden = next.lines.length < 2;
    table.open = false;
    table.querySelector("div")?.remove();
    draw();
  };
  show(plan);
  // For lines whose numbers have changed; an open table stays as it is, so that it can be read.
  const redraw = () => {
    if (!table.open) table.querySelector("div")?.remove();
    draw();
  };
  return { node: frame, show, redraw };
}

function legendItem(line, index, lines, draw) {
  if (line.quiet) return null;
  const sample = shape("svg", { width: 26, height: 10, "aria-hidden": "true" }, stroke(line, "M1 5H25"));
  const press = () => {
    line.shown = !line.shown;
    for (let i = index + 1; lines[i]?.quiet; i += 1) lines[i].shown = line.shown;
    button.setAttribute("aria-pressed", String(line.shown));
    draw();
  };
  const words = [sample, element("span", {}, line.name), element("span", { class: "number" })];
  const attributes = {
    type: "button",
    "data-line": index,
    "aria-pressed": String(line.shown),
    onclick: press,
  };
  const button = element("button", attributes, ...words);
  return button;
}

function stroke(line, path) {
  const dash = { "stroke-dasharray": line.quiet ? "0.1 4" : DASHES[line.dash % DASHES.length] };
  return shape("path", { d: path, class: `line tone-${line.colour} ${line.quiet ? "quiet" : ""}`, ...dash });
}

function drawChart(drawing, state) {
  const { plan, width } = state;
  const lines = plan.lines.filter((line) => line.shown);
  const inner = {
    width: width - MARGIN.left - MARGIN.right,
    height: plan.height - MARGIN.top - MARGIN.bottom,
  };
  const heights = heightExtent(lines, plan);
  const xs = scaleOf(
    extent(plan.lines.map((line) => seenPlaces(line, plan, heights[0]))),
    false,
    inner.width,
  );
  const ys = scaleOf(heights, plan.log, inner.height);
  const x = (number) => MARGIN.left + xs.place(number);
  const y = (number) => MARGIN.top + inner.height - ys.place(number);
  Object.assign(state, { x, lines, inner });
  drawing.setAttribute("width", width);
  drawing.setAttribute("height", plan.height);
  const clip = shape("svg", { x: MARGIN.left, y: MARGIN.top, width: inner.width, height: inner.height });
  const moved = shape("g", { transform: `translate(${-MARGIN.left} ${-MARGIN.top})` });
  for (const line of lines) {
    if (line.lower)
      moved.append(shape("path", { d: bandPath(line, x, y), class: `band tone-${line.colour}` }));
    moved.append(stroke(line, linePath(line.xs, line.ys, x, y)));
    // Where nothing at all is left, a logarithmic scale has no place for the ring.
    const [cx, cy] = [x(line.ring), y(lineAt(line, line.ring))];
    if (Number.isFinite(cy))
      moved.append(shape("circle", { cx, cy, r: 5, class: `ring tone-${line.colour}` }));
  }
  clip.append(moved);
  drawing.replaceChildren(...axes(plan, xs, ys, x, y, inner), clip, shape("line", { class: "cursor" }));
}

function axes(plan, xs, ys, x, y, inner) {
  const bottom = MARGIN.top + inner.height;
  const across = ys.ticks.flatMap((tick) => [
    shape("line", {
      class: "grid",
      x1: MARGIN.left,
      x2: MARGIN.left + inner.width,
      y1: y(tick),
      y2: y(tick),
    }),
    shape("text", { x: MARGIN.left - 7, y: y(tick) + 4, class: "tick end" }, tickWord(tick, plan.log)),
  ]);
  // Steps, lags and exponents are counted.
  const along = xs.ticks.filter(Number.isInteger).map((tick) =>
    shape("text", { x: x(tick), y: bottom + 17, class: "tick middle" }, tickWord(tick, false)),
  );
  const turn = `translate(11 ${MARGIN.top + inner.height / 2}) rotate(-90)`;
  return [
    ...across,
    ...along,
    shape("line", { class: "axis", x1: MARGIN.left, x2: MARGIN.left + inner.width, y1: bottom, y2: bottom }),
    shape(
      "text",
      { x: MARGIN.left + inner.width / 2, y: plan.height - 6, class: "axis-name middle" },
      plan.xName,
    ),
    shape("text", { transform: turn, class: "axis-name middle" }, plan.yName),
  ];
}

function lineAt(line, at) {
  const place = line.xs.indexOf(at);
  return place < 0 ? NaN : line.ys[place];
}

function placesOf(state) {
  return [...new Set((state.lines ?? []).flatMap((line) => Array.from(line.xs)))].sort((a, b) => a - b);
}

function nearestPlace(state, offset) {
  const places = placesOf(state);
  if (!places.length) return null;
  return places.reduce((best, at) =>
    Math.abs(state.x(at) - offset) < Math.abs(state.x(best) - offset) ? at : best,
  );
}

function placeAfter(state, step) {
  const places = placesOf(state);
  const now = state.at === null ? (step > 0 ? -1 : places.length) : places.indexOf(state.at);
  return places[Math.min(places.length - 1, Math.max(0, now + step))] ?? null;
}

function moveCursor(drawing, state) {
  const cursor = drawing.querySelector(".cursor");
  if (!cursor) return;
  const ends = state.at === null ? {} : { x1: state.x(state.at), x2: state.x(state.at) };
  Object.entries({ ...ends, y1: MARGIN.top, y2: state.plan.height - MARGIN.bottom }).forEach(
    ([name, value]) => cursor.setAttribute(name, value),
  );
  cursor.toggleAttribute("hidden", state.at === null);
}

function tableHead(plan) {
  return [plan.xName, ...plan.lines.map((line) => line.name)];
}

function tableRows(plan) {
  const places = placesOf({ lines: plan.lines });
  return places.map((at) => [digits(at), ...plan.lines.map((line) => digits(lineAt(line, at)))]);
}
