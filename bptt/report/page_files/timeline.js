// A sequence in time: the axis of its seconds, and the pictures, marks and bars on it.

// Pixels of the canvas of a row; of a picture without rows; of a named row, and of a height of bars.
const ROW_WIDTH = 1200;
const BAND_PIXELS = 96;
const NAMED_PIXELS = 15;
const [BAR_PIXELS, LEAST_BARS, MOST_BARS] = [7, 90, 260];

// The time of the example that a step is in; null if steps have none.
function timelineAt({ timelines }, step) {
  return timelines.find(({ first, seconds }) => step >= first && step < first + seconds.length - 1) ?? null;
}

// The steps from `from` to before `to` as an axis: places are seconds, or steps without a time; shares are of its length.
function axisOf(timeline, from, to) {
  const place = (step) => (timeline ? timeline.seconds[step - timeline.first] : step);
  const [low, high] = [place(from), place(to)];
  const share = (at) => (at - low) / (high - low);
  return {
    ...{ from, to, low, high, share },
    middle: (step) => share((place(step) + place(step + 1)) / 2),
    placeAt: (part) => low + part * (high - low),
    stepAt(at) {
      let step = from;
      while (step < to - 1 && place(step + 1) <= at) step += 1;
      return step;
    },
  };
}

// The rows of a time, above those of values; `shares` colour the bars.
function timelineRows(timeline, axis, shares, at) {
  return [
    ...timeline.bands.map((band) => bandRow(band, timeline.seconds.at(-1), axis)),
    ...timeline.marks.map((row) => markRow(row, axis)),
    ...(timeline.bars ? [barRow(timeline.bars, timeline.first, axis, shares, at)] : []),
  ];
}

// `names` are [share of the height from the top, text].
function timedRow(name, extent, drawn, names) {
  drawn.dataset.axis = "";
  const words = element("div", { class: "strip-words" }, element("b", {}, name), element("span", { class: "extent" }, extent));
  const labels = names.map(([top, text]) => {
    const label = element("span", {}, spaced(text));
    label.style.top = `${100 * top}%`;
    return label;
  });
  return element("div", { class: "strip-row timed" }, words, drawn, element("span", { class: "row-names" }, ...labels));
}

function rowCanvas(name, height) {
  const canvas = element("canvas", { class: "timed-picture", width: ROW_WIDTH, height, role: "img", "aria-label": name });
  canvas.style.height = `${height}px`;
  return canvas;
}

function bandRow(band, seconds, axis) {
  const { name, extent, rows, width, height } = band;
  const canvas = rowCanvas(name, rows.length ? NAMED_PIXELS * rows.length : BAND_PIXELS);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = !rows.length;
  const column = (place) => (place / seconds) * width;
  const [left, right] = [column(axis.low), column(axis.high)];
  context.drawImage(bandCanvas(band), left, 0, right - left, height, 0, 0, canvas.width, canvas.height);
  return timedRow(name, extent, canvas, rows.map((row, i) => [(i + 0.5) / rows.length, row]));
}

// Levels as a canvas, from the colour of the paper to that of the ink, or to blue in named rows.
function bandCanvas({ rows, width, height, levels }) {
  const [paper, ink] = ["paper", rows.length ? "blue" : "ink"].map(themeColour);
  const colours = Array.from({ length: 256 }, (_, level) => mix(paper, ink, level / 255));
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  levels.forEach((level, i) => image.data.set([...colours[level], 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

function markRow({ name, marks }, axis) {
  const shown = marks.filter(([start, end]) => end > axis.low && start < axis.high);
  const spans = shown.map(([start, end, text]) => {
    const title = `${spaced(text)} ${say("{} to {}", start.toFixed(2), say("{} s", end.toFixed(2)))}`;
    const span = element("span", { class: "mark", title }, spaced(text));
    const [left, right] = [start, end].map((place) => Math.min(1, Math.max(0, axis.share(place))));
    span.style.left = `${100 * left}%`;
    span.style.width = `${100 * (right - left)}%`;
    return span;
  });
  return timedRow(name, "", element("div", { class: "marks" }, ...spans), []);
}

function barRow({ name, bars, lines }, first, axis, shares, at) {
  const heights = [...bars, ...lines.map(([height]) => [0, 0, height])].map(([, , height]) => height);
  const [low, high] = heights.length ? extent([heights]) : [0, 0];
  const rows = high - low + 1;
  const canvas = rowCanvas(name, Math.min(MOST_BARS, Math.max(LEAST_BARS, BAR_PIXELS * rows)));
  const context = canvas.getContext("2d");
  const tall = canvas.height / rows;
  const top = (height) => (high - height) * tall;
  const [quiet, faint, ink] = ["quiet", "faint", "ink"].map((colour) => css(themeColour(colour)));
  context.fillStyle = faint;
  for (const [height] of lines) context.fillRect(0, top(height) + tall / 2, canvas.width, 1);
  const colours = divergingColours();
  for (const [start, end, height, step] of bars) {
    const [left, right] = [start, end].map((place) => axis.share(place) * canvas.width);
    if (right < 0 || left > canvas.width) continue;
    const box = [left, top(height) + tall * 0.08, Math.max(2, right - left - 1), tall * 0.84];
    const share = shares[first + step];
    context.fillStyle = Number.isFinite(share) ? colours(share) : faint;
    context.fillRect(...box);
    context.lineWidth = first + step === at ? 3 : 0.5;
    context.strokeStyle = first + step === at ? ink : quiet;
    context.strokeRect(...box);
  }
  return timedRow(name, "", canvas, lines.map(([height, text]) => [(top(height) + tall / 2) / canvas.height, text]));
}
