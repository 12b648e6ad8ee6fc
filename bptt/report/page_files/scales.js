// From numbers to places: ranges, ticks and paths.

// What is smaller than this share of the largest, or of 1, is not drawn on a logarithmic scale.
const SMALLEST_SHARE = 1e-16;

function extent(rows) {
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) {
    for (const number of row) {
      if (!Number.isFinite(number)) continue;
      low = Math.min(low, number);
      high = Math.max(high, number);
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

function heightExtent(lines, plan) {
  const rows = lines.flatMap((line) => [line.ys, ...(line.lower ? [line.lower, line.upper] : [])]);
  if (!plan.log) {
    const [low, high] = extent([...rows, plan.within ?? []]);
    return low < high ? [low, high] : [low - 0.5, high + 0.5];
  }
  // A bound may lie far above what is measured: it does not set the scale, it runs out of the picture.
  const measured = lines.filter((line) => !line.quiet).flatMap((line) => [line.ys, line.upper ?? []]);
  const positive = (row) => Array.from(row).filter((number) => number > 0);
  const [low, high] = extent((measured.length ? measured : rows).map(positive));
  return [Math.max(low, Math.min(high, 1) * SMALLEST_SHARE) / 1.5, high * 3];
}

// Of a curve that fades away on a logarithmic scale, the part that is in the picture.
function seenPlaces(line, plan, lowest) {
  return plan.log ? line.xs.filter((_, i) => !line.quiet && line.ys[i] >= lowest) : line.xs;
}

function scaleOf([low, high], log, length) {
  const of = log ? Math.log10 : (number) => number;
  const [from, to] = [of(low), of(high)];
  const place = (number) => ((of(number) - from) / (to - from || 1)) * length;
  return { place, ticks: log ? decades(from, to) : roundTicks(from, to, length) };
}

function decades(from, to) {
  const step = Math.max(1, Math.ceil((to - from) / 7));
  const first = Math.ceil(from / step) * step;
  return Array.from(
    { length: Math.max(0, Math.floor((to - first) / step) + 1) },
    (_, i) => 10 ** (first + i * step),
  );
}

function roundTicks(from, to, length) {
  const rough = (to - from || 1) / Math.max(2, Math.min(8, length / 60));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => power * factor >= rough);
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step - first + 1e-9) + 1 }, (_, i) => (first + i) * step);
}

function linePath(xs, ys, x, y) {
  let pen = "M";
  let path = "";
  for (let i = 0; i < xs.length; i += 1) {
    const height = y(ys[i]);
    if (Number.isFinite(height)) {
      path += `${pen}${x(xs[i]).toFixed(1)} ${Math.max(-1e4, Math.min(1e4, height)).toFixed(1)}`;
      pen = "L";
    } else pen = "M";
  }
  return path;
}

function bandPath(line, x, y) {
  const sound = Array.from(line.xs.keys()).filter((i) =>
    Number.isFinite(y(line.lower[i]) + y(line.upper[i])),
  );
  const take = (row) => sound.map((i) => row[i]);
  const over = linePath(take(line.xs), take(line.upper), x, y);
  const under = linePath(take(line.xs).reverse(), take(line.lower).reverse(), x, y);
  return over ? `${over}${under.replace("M", "L")}Z` : "";
}

function tickWord(tick, log) {
  if (log) {
    const power = Math.round(Math.log10(tick));
    return power >= -2 && power <= 3 ? digits(10 ** power) : `1e${power}`.replace("-", "−");
  }
  return String(Number(tick.toPrecision(6))).replace("-", "−");
}
