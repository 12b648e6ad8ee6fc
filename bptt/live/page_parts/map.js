// ‖∂Eₘ/∂netₙ‖ of every pair: a row for each loss, a column for each step.

function createMap() {
  const canvas = element("canvas", {
    class: "live-map",
    role: "img",
    tabindex: 0,
    "aria-label": say(
      "Norms of ∂Eₘ/∂netₙ: a row for each loss, a column for each step; arrow keys read them",
    ),
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
  // The pair that was read last.
  let here = [0, 0];
  const read = (row, column) => {
    here = [row, column].map((place) => Math.min(size - 1, Math.max(0, place)));
    const norm = rows[here[0]]?.[here[1]];
    const words = `m = ${first + here[0]}, n = ${first + here[1]}`;
    readout.textContent = norm === undefined ? words : `${words}: ${digits(norm)}`;
  };
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const at = (offset, whole) => Math.floor((offset / whole) * size);
    read(at(offsetY, canvas.clientHeight), at(offsetX, canvas.clientWidth));
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    read(here[0] + moves[event.key][0], here[1] + moves[event.key][1]);
  });
  return {
    node,
    clear() {
      node.hidden = true;
    },
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
