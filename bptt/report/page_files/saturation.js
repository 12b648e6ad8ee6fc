// How often each gate's units are shut or open (Karpathy, Johnson & Fei-Fei 2015, figure 3), and dead units.

const PANEL = { size: 250, left: 40, bottom: 36, top: 8, right: 12 };

function gatesSection(page, store, tones) {
  if (!page.saturations.length && !page.dead.length) return null;
  const gates = [...new Set(page.saturations.map((saturation) => saturation.gate))];
  const panels = gates.map((gate) =>
    gatePanel(
      page,
      store,
      tones,
      gate,
      page.saturations.filter((saturation) => saturation.gate === gate),
    ),
  );
  const layers = [...new Set(page.saturations.map((saturation) => saturation.layer))];
  const key = layers.map((layer) =>
    element(
      "span",
      {},
      shape("svg", { width: 12, height: 12, "aria-hidden": "true" }, circle(6, 6, tones(layer))),
      layer,
    ),
  );
  const dead = page.dead.map(({ layer, units, count }) =>
    element(
      "li",
      {},
      element("b", {}, say("{}: {} of {} units never leave zero. ", layer, units.length, count)),
      units.join(", "),
    ),
  );
  const lead = gates.length
    ? say(
        "Each circle is a unit: right, the share of steps at which its gate is open (above 0.9); up, shut " +
          "(below 0.1). A unit near the line is always one or the other; near the corner it is neither.",
      )
    : "";
  return section(
    "gates",
    say("Gates"),
    lead,
    element("div", { class: "legend still" }, ...key),
    element("div", { class: "panels" }, ...panels),
    ...(dead.length ? [element("h3", {}, say("Dead units")), element("ul", { class: "plain" }, ...dead)] : []),
  );
}

function circle(cx, cy, tone) {
  return shape("circle", { cx, cy, r: 4, class: `unit tone-${tone}` });
}

function gatePanel(page, store, tones, gate, saturations) {
  const inner = PANEL.size - PANEL.left - PANEL.right;
  const x = (share) => PANEL.left + share * inner;
  const y = (share) => PANEL.top + (1 - share) * inner;
  const height = PANEL.top + inner + PANEL.bottom;
  const units = saturations.flatMap(({ layer, left, right }) =>
    Array.from(left, (shut, unit) => ({ layer, unit, shut, open: right[unit] })),
  );
  const circles = units.map(({ layer, shut, open }) => circle(x(open), y(shut), tones(layer)));
  const drawing = shape(
    "svg",
    { viewBox: `0 0 ${PANEL.size} ${height}`, class: "chart", tabindex: 0, role: "img" },
    shape("path", { class: "axis", fill: "none", d: `M${x(0)} ${y(1)}V${y(0)}H${x(1)}` }),
    shape("path", { class: "grid", d: `M${x(0)} ${y(1)}L${x(1)} ${y(0)}` }),
    ...[0, 0.5, 1].flatMap((share) => [
      shape("text", { x: x(share), y: y(0) + 15, class: "tick middle" }, String(share)),
      shape("text", { x: x(0) - 6, y: y(share) + 4, class: "tick end" }, String(share)),
    ]),
    shape("text", { x: x(0.5), y: height - 5, class: "axis-name middle" }, say("share of steps open")),
    shape(
      "text",
      { transform: `translate(10 ${y(0.5)}) rotate(-90)`, class: "axis-name middle" },
      say("share of steps shut"),
    ),
    ...circles,
  );
  drawing.setAttribute("aria-label", say("Saturation of gate {}: arrow keys walk through its units", gate));
  const readout = element("p", { class: "readout", "aria-live": "polite" });
  let at = -1;
  const read = (next) => {
    circles[at]?.classList.remove("chosen");
    at = next;
    if (at < 0) return (readout.textContent = "");
    circles[at].classList.add("chosen");
    drawing.append(circles[at]);
    const { layer, unit, shut, open } = units[at];
    readout.textContent = say("{}, unit {}: open {}, shut {}", layer, unit, percent(open), percent(shut));
  };
  const choose = () => at >= 0 && chooseUnit(page, store, gate, units[at]);
  circles.forEach((mark, i) => mark.addEventListener("pointerover", () => read(i)));
  drawing.addEventListener("click", choose);
  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter") choose();
    else if (step) read(Math.min(units.length - 1, Math.max(0, at + step)));
    else return;
    event.preventDefault();
  });
  const head = () => [say("unit"), say("open"), say("shut")];
  const rows = () =>
    units.map(({ layer, unit, open, shut }) => [`${layer}, ${unit}`, percent(open), percent(shut)]);
  const table = tableOf(say("As a table"), head, rows);
  return element("figure", { class: "panel" }, element("h3", {}, say("gate {}", gate)), drawing, readout, table);
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

// Colours the text by that unit's gate, if the page holds it.
function chooseUnit(page, store, gate, { layer, unit }) {
  const l = page.layers.findIndex(({ name }) => name === layer);
  const v = l < 0 ? -1 : page.layers[l].values.findIndex(({ name }) => name === gate);
  if (v < 0 || !page.layers[l].values[v].units.includes(unit)) return;
  store.set({ layer: l, value: v, unit, colour: "unit" });
}
