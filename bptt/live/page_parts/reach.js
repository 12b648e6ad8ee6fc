// How far back a loss reaches: ‖∂Eₘ/∂netₙ‖ over the text before it, and every pair of steps.

const CHART = { width: 640, height: 176, left: 46, bottom: 24, top: 8 };

function createReachChart() {
  const picture = shape("svg", {
    class: "reach-chart",
    viewBox: `0 0 ${CHART.width} ${CHART.height}`,
    role: "img",
    "aria-label": "Norm of the gradient by step, for each layer",
  });
  const readout = element("p", { class: "readout", role: "status" });
  return {
    node: element("div", {}, picture, readout),
    show({ place, first, norms }, names) {
      const all = norms.flatMap((row) => Array.from(row)).filter((norm) => norm > 0);
      const high = Math.ceil(Math.log10(Math.max(1e-30, ...all)) + 0.01);
      const low = Math.max(Math.floor(Math.log10(Math.min(1, ...all))), high - 12);
      const x = (n) =>
        CHART.left + ((n - first) / Math.max(1, place - first)) * (CHART.width - CHART.left - 8);
      const y = (norm) => {
        const share = (Math.log10(Math.max(norm, 10 ** low)) - low) / Math.max(1, high - low);
        return CHART.height - CHART.bottom - share * (CHART.height - CHART.bottom - CHART.top);
      };
      const parts = [];
      for (const decade of [low, Math.round((low + high) / 2), high]) {
        const height = y(10 ** decade);
        parts.push(
          shape("line", { class: "grid", x1: CHART.left, x2: CHART.width - 8, y1: height, y2: height }),
          shape("text", { class: "tick end", x: CHART.left - 6, y: height + 4 }, `1e${decade}`),
        );
      }
      const words = [first, place].map((n, k) =>
        shape(
          "text",
          { class: `tick ${k ? "end" : ""}`, x: x(n), y: CHART.height - 6 },
          k ? `step n = m = ${n}` : `${n}`,
        ),
      );
      norms.forEach((row, number) => {
        const points = Array.from(row, (norm, k) => `${x(first + k).toFixed(1)},${y(norm).toFixed(1)}`);
        parts.push(
          shape("polyline", { class: `line tone-${number % TONES}`, points: points.join(" "), fill: "none" }),
        );
      });
      picture.replaceChildren(...parts, ...words);
      const shares = norms.map((row, number) => `${names[number]} ${digits(row.at(-1))} at lag 0, ${digits(row[0])} at lag ${place - first}`);
      readout.textContent = `m = ${place}: ${shares.join("; ")}`;
    },
  };
}

function createMap() {
  const canvas = element("canvas", {
    class: "live-map",
    role: "img",
    tabindex: 0,
    "aria-label": "Norms of ∂Eₘ/∂netₙ: a row for each loss, a column for each step",
  });
  const readout = element("p", { class: "readout", role: "status" });
  const node = element("div", { hidden: true }, canvas, readout);
  let rows = [];
  let first = 0;
  let size = 0;
  const paint = () => {
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    const image = context.createImageData(size, size);
    const largest = rows.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0);
    rows.forEach((row, r) =>
      row.forEach((norm, c) => {
        if (!(norm > 0) || c >= size) return;
        const share = Math.max(0, 1 + Math.log10(norm / largest) / DECADES);
        image.data.set([...viridis(share), 255], 4 * (r * size + c));
      }),
    );
    context.putImageData(image, 0, 0);
  };
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const at = (offset, whole) => Math.min(size - 1, Math.floor((offset / whole) * size));
    const [row, column] = [at(offsetY, canvas.clientHeight), at(offsetX, canvas.clientWidth)];
    const norm = rows[row]?.[column];
    readout.textContent =
      norm === undefined ? "" : `m = ${first + row}, n = ${first + column}: ${digits(norm)}`;
  });
  return {
    node,
    show(found) {
      node.hidden = false;
      if (found.m === found.first) rows = [];
      [first, size] = [found.first, found.count - found.first];
      rows[found.m - found.first] = Array.from(found.norms);
      if (found.m === found.count - 1 || found.m % 8 === 0) paint();
      canvas.dataset.rows = rows.length;
    },
  };
}
