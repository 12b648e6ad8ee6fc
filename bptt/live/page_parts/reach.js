// How far a loss reaches: ‖∂Eₘ/∂netₙ‖ over the steps of a text, a line for each layer.

const CHART = { width: 640, height: 176, left: 46, bottom: 24, top: 8 };

function createReachChart() {
  const picture = shape("svg", {
    class: "reach-chart",
    preserveAspectRatio: "xMinYMid",
    viewBox: `0 0 ${CHART.width} ${CHART.height}`,
    role: "img",
    "aria-label": say("Norm of the gradient by step, for each layer"),
  });
  const readout = element("p", { class: "readout", role: "status" });
  const legend = element("p", { class: "chart-legend quiet" });
  return {
    node: element("div", {}, picture, legend, readout),
    clear() {
      [picture, legend].forEach((each) => each.replaceChildren());
      readout.textContent = "";
    },
    // Norms of steps from `first` on by layer; the loss is that at `place`, and `words` say what the ends are.
    show({ first, norms, names, words, said }) {
      const last = first + norms[0].length - 1;
      const all = norms.flatMap((row) => Array.from(row)).filter((norm) => norm > 0);
      const high = Math.ceil(Math.log10(Math.max(1e-30, ...all)) + 0.01);
      const low = Math.max(Math.floor(Math.log10(Math.min(1, ...all))), high - 12);
      const x = (n) =>
        CHART.left + ((n - first) / Math.max(1, last - first)) * (CHART.width - CHART.left - 8);
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
      const ends = [first, last].map((n, k) =>
        shape("text", { class: `tick ${k ? "end" : ""}`, x: x(n), y: CHART.height - 6 }, words[k]),
      );
      norms.forEach((row, number) => {
        const points = Array.from(row, (norm, k) => `${x(first + k).toFixed(1)},${y(norm).toFixed(1)}`);
        parts.push(
          shape("polyline", { class: `line tone-${number % TONES}`, points: points.join(" "), fill: "none" }),
        );
      });
      picture.replaceChildren(...parts, ...ends);
      const layers = names.map((name, number) => element("span", { class: `tone-${number % TONES}` }, name));
      legend.replaceChildren(...layers);
      readout.textContent = said;
    },
  };
}
