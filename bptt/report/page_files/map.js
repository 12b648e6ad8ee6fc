// How much each loss depends on each step: a picture, a row of which is drawn beside it.

// Norms that are more decades than these below the largest, or below 1, have the darkest colour.
const DECADES_IN_MAP = 12;
// A side of no more cells than these has a number at each.
const FEW_CELLS = 12;

function mapSection(page) {
  if (!page.maps.length) return null;
  const state = { map: null, row: 0, column: 0 };
  const canvas = element("canvas", { tabindex: 0, role: "img", "aria-describedby": "map-readout" });
  const cross = element("div", { class: "cross" });
  const axisBelow = element("div", { class: "map-ticks below" });
  const axisLeft = element("div", { class: "map-ticks left" });
  const legend = element("div", { class: "legend-host" });
  const readout = element("p", {
    class: "readout",
    id: "map-readout",
    role: "status",
    "aria-live": "polite",
  });
  const holder = element("div", { class: "map" }, canvas, cross);
  const profile = chart(profilePlan(page, page.maps[0], 0));
  const said = element("p", { class: "quiet" });
  const tell = (row, column) => {
    readout.textContent = cellWords(page, state.map, row, column);
  };
  const select = (row, column) => {
    const changed = row !== state.row;
    Object.assign(state, { row, column });
    const { rows, columns } = state.map;
    cross.style.left = `${(100 * column) / columns.length}%`;
    cross.style.width = `${100 / columns.length}%`;
    cross.style.top = `${(100 * row) / rows.length}%`;
    cross.style.height = `${100 / rows.length}%`;
    tell(row, column);
    if (changed) profile.show(profilePlan(page, state.map, row));
  };
  const show = (map) => {
    state.map = map;
    canvas.setAttribute("aria-label", say("Norms of {}: arrow keys move the selected cell", map.layer));
    const [low, high] = decadesOf(map);
    paintMap(canvas, map, low, high);
    holder.classList.toggle("row", map.rows.length === 1);
    const ramp = [0, 0.25, 0.5, 0.75, 1].map((share) => css(viridis(share)));
    legend.replaceChildren(
      colourLegend(ramp, digits(10 ** low), digits(10 ** ((low + high) / 2)), digits(10 ** high)),
    );
    axisBelow.replaceChildren(...mapTicks(map.columns, "left"));
    axisLeft.replaceChildren(...mapTicks(map.rows, "top"));
    said.textContent =
      map.every > 1 ? say("To stay below 3 MB one in {} of its rows and columns is shown.", map.every) : "";
    state.row = -1;
    const row = map.rows.length - 1;
    select(
      row,
      Math.max(
        0,
        Array.from(map.columns).findLastIndex((step) => step <= map.rows[row]),
      ),
    );
  };
  wireMap(canvas, state, tell, select);
  const choices = page.maps.map((map) => [map, mapName(page, map)]);
  const choice = tabs(say("Layer"), choices, page.maps[0], show);
  show(page.maps[0]);
  const picture = element(
    "div",
    { class: "map-frame" },
    axisLeft,
    holder,
    axisBelow,
  );
  return section(
    "map",
    say("Every loss and every step"),
    say(
      "Each row is a loss Eₘ, each column a step n: the colour is the norm of ∂Eₘ/∂netₙ, how much that loss depends " +
        "on what the layer computed then. Select a row to draw it.",
    ),
    ...(page.maps.length > 1 ? [choice.node] : []),
    element("div", { class: "two" }, element("div", {}, legend, picture, readout, said), profile.node),
  );
}

function wireMap(canvas, state, tell, select) {
  const cellOf = (event) => {
    const place = (offset, size, count) =>
      Math.min(count - 1, Math.max(0, Math.floor((offset / size) * count)));
    return [
      place(event.offsetY, canvas.clientHeight, state.map.rows.length),
      place(event.offsetX, canvas.clientWidth, state.map.columns.length),
    ];
  };
  canvas.addEventListener("pointermove", (event) => tell(...cellOf(event)));
  canvas.addEventListener("pointerleave", () => tell(state.row, state.column));
  canvas.addEventListener("click", (event) => select(...cellOf(event)));
  canvas.addEventListener("keydown", (event) => {
    const far = event.shiftKey ? 10 : 1;
    const moves = { ArrowUp: [-far, 0], ArrowDown: [far, 0], ArrowLeft: [0, -far], ArrowRight: [0, far] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [down, right] = moves[event.key];
    const kept = (place, count) => Math.min(count - 1, Math.max(0, place));
    select(
      kept(state.row + down, state.map.rows.length),
      kept(state.column + right, state.map.columns.length),
    );
  });
}

function mapName(page, map) {
  return page.sequences.length > 1
    ? say("{} (losses of the {})", map.layer, page.sequences[map.of].name)
    : map.layer;
}

function decadesOf(map) {
  return [Math.max(map.low, Math.min(map.high, 0) - DECADES_IN_MAP), map.high];
}

// One pixel a cell; the browser makes them larger. Zeros and gaps stay clear.
function paintMap(canvas, map, low, high) {
  [canvas.width, canvas.height] = [map.columns.length, map.rows.length];
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const span = high - low || 1;
  map.levels.forEach((level, i) => {
    if (level === 0 || level === MISSING_WORD) return;
    const decade = map.low + ((level - 1) / 65533) * (map.high - map.low);
    image.data.set([...viridis((decade - low) / span), 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

function mapTicks(steps, side) {
  const count = steps.length;
  const some = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * (count - 1)));
  const places = count > FEW_CELLS ? some : Array.from(steps.keys());
  return places.map((place) => {
    const tick = element("span", {}, String(steps[place]));
    tick.style[side] = `${(100 * (place + 0.5)) / count}%`;
    return tick;
  });
}

function cellWords(page, map, row, column) {
  const [m, n] = [map.rows[row], map.columns[column]];
  const token = (sequence, step) => quoted(page.sequences[sequence].tokens[step] ?? "");
  const lag = map.of === map.sequence ? say(", lag {}", m - n) : "";
  const places = [`m = ${m} ${token(map.of, m)}`, `n = ${n} ${token(map.sequence, n)}${lag}`];
  return say("loss at {}, step {}: norm {}", ...places, digits(normAt(map, row, column)));
}

function profilePlan(page, map, row) {
  const m = map.rows[row];
  const ys = Array.from(map.columns.keys(), (column) => normAt(map, row, column));
  const xs = Array.from(map.columns);
  const tokens = page.sequences[map.sequence].tokens;
  return {
    label: say("Norm of the gradient of the loss at step {} by step", m),
    xName: say("step n"),
    yName: say("norm for the loss at m = {}", m),
    height: 360,
    log: true,
    xWord: (step) => `${say("step {}", step)} ${quoted(tokens[step] ?? "")}: ${digits(ys[xs.indexOf(step)])}`,
    lines: [{ name: map.layer, colour: 0, dash: 0, xs, ys, shown: true }],
  };
}
