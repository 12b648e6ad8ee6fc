// How the gradient fades, or grows, with the lag.

const SHOWN_AT_FIRST = 8;

function flowSection(page, tones) {
  if (!page.flows.length) return null;
  const quantities = [...new Set(page.flows.map((flow) => flow.quantity))];
  const few = page.flows.length <= SHOWN_AT_FIRST;
  const alone = page.flows.every((flow) => flow.layer === page.flows[0].layer);
  // A colour for each layer and a dash for each quantity; of a single layer, a colour for each quantity.
  const paint = ({ layer, quantity }) => {
    const place = quantities.indexOf(quantity);
    return alone ? { colour: place % TONES, dash: 0 } : { colour: tones(layer), dash: place };
  };
  const main = (flow) => few || quantities.indexOf(flow.quantity) === 0;
  const plan = {
    label: say("Norm of the gradient by lag, on a logarithmic scale"),
    xName: say("lag k (steps back)"),
    yName: say("norm of the gradient"),
    height: 380,
    log: true,
    xWord: (lag) => say("lag {}", lag),
    lines: page.flows.flatMap((flow) => flowLines(flow, paint(flow), main(flow))),
  };
  const memory = page.flows.map((flow) =>
    element("li", {}, `${flow.layer}, ${flow.quantity}: `, element("b", {}, memoryWords(flow))),
  );
  const bounded = page.flows.some((flow) => flow.bound);
  return section(
    "flow",
    say("Gradient through time"),
    say(
      "How much the loss still depends on what happened k steps before it: median, and the middle half as a band.",
    ) +
      (bounded ? say(" Thin dots: the bound.") : "") +
      say(" A ring marks where a tenth is left. The names below switch lines on and off."),
    chart(plan).node,
    element(
      "details",
      {},
      element("summary", {}, say("Effective memory")),
      element("ul", { class: "plain" }, ...memory),
    ),
  );
}

function flowLines(flow, { colour, dash }, shown) {
  const xs = Array.from(flow.median.keys()).filter((lag) => !Number.isNaN(flow.median[lag]));
  const take = (row) => xs.map((lag) => row[lag]);
  const name = `${flow.layer}, ${flow.quantity}`;
  const common = { colour, xs, shown };
  const line = {
    ...common,
    name,
    dash,
    ys: take(flow.median),
    lower: take(flow.lower),
    upper: take(flow.upper),
    ring: flow.memory,
  };
  if (!flow.bound) return [line];
  return [line, { ...common, name: say("{}, bound", name), quiet: true, ys: take(flow.bound) }];
}

function memoryWords(flow) {
  return flow.memory === null
    ? say("more than a tenth is left at every lag")
    : say("a tenth is left at lag {}", flow.memory);
}
