// Units that follow a pattern: all units of the page are ranked by how well they tell what is inside a match.

const BEST = 12;

// 1 for the tokens that a match touches. Throws a SyntaxError if the pattern is none.
function insideOf(tokens, pattern) {
  // Python writes its flags in front.
  const [, flags, rest] = /^(?:\(\?([ims]+)\))?([^]*)$/.exec(pattern);
  const inside = new Uint8Array(tokens.length);
  const ends = [];
  tokens.reduce((length, token) => (ends.push(length + token.length), length + token.length), 0);
  for (const match of tokens.join("").matchAll(new RegExp(rest, `gu${flags ?? ""}`))) {
    const [from, to] = [match.index, match.index + match[0].length];
    for (let step = firstAfter(ends, from); step < ends.length && ends[step] - tokens[step].length < to; step += 1) {
      inside[step] = 1;
    }
  }
  return inside;
}

// The first token that ends after a place of the text.
function firstAfter(ends, place) {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > place) high = middle;
    else low = middle + 1;
  }
  return low;
}

/* Area under the ROC curve: the chance that the unit is higher at a step inside than at one outside, ties
   counting half (Hanley & McNeil 1982). NaN if there are no two sides. */
function areaUnderCurve(levels, inside) {
  const counts = [new Uint32Array(255), new Uint32Array(255)];
  levels.forEach((level, step) => {
    if (level !== MISSING_BYTE) counts[inside[step]][level] += 1;
  });
  let [below, pairs, ones] = [0, 0, 0];
  for (let level = 0; level < 255; level += 1) {
    pairs += counts[1][level] * (below + counts[0][level] / 2);
    below += counts[0][level];
    ones += counts[1][level];
  }
  return pairs / (ones * below);
}

// The best units for one mask a sequence: [{ layer, value, unit, score, high }], high if they rise inside.
function rankUnits(page, masks) {
  const found = page.layers.flatMap((layer, l) =>
    layer.values.flatMap((value, v) =>
      Array.from(value.units, (unit, row) => {
        const steps = masks[layer.sequence].length;
        const levels = value.levels.subarray(row * steps, (row + 1) * steps);
        const area = areaUnderCurve(levels, masks[layer.sequence]);
        return { layer: l, value: v, unit, score: Math.max(area, 1 - area), high: area >= 0.5 };
      }),
    ),
  );
  return found.filter(({ score }) => !Number.isNaN(score)).sort((a, b) => b.score - a.score).slice(0, BEST);
}

function searchPanel(page, store) {
  const input = element("input", { type: "search", id: "pattern", spellcheck: "false", autocomplete: "off" });
  input.placeholder = "a regular expression, as \"[^\"]*\"";
  const said = element("p", { class: "said", role: "status" });
  const results = element("ol", { class: "hits", "aria-label": "Units that follow the pattern" });
  const search = () => {
    results.replaceChildren();
    const masks = masksOf(page, input.value, said);
    store.set({ masks });
    if (!masks) return;
    results.append(...rankUnits(page, masks).map((hit) => hitItem(page, store, hit)));
  };
  input.addEventListener("input", afterPause(200, search));
  const properties = page.properties.map((property) => {
    const take = () => {
      input.value = property.pattern;
      search();
    };
    return element("button", { type: "button", onclick: take }, property.name);
  });
  return element(
    "div",
    { class: "search" },
    element("label", { class: "field", for: "pattern" }, element("span", {}, "Find units that follow a pattern"), input),
    element("div", { class: "chips", role: "group", "aria-label": "Properties" }, ...properties),
    said,
    results,
  );
}

// What a pattern marks in each sequence; null, and why, if there is nothing to rank by.
function masksOf(page, pattern, said) {
  said.textContent = "";
  if (!pattern) return null;
  try {
    const masks = page.sequences.map(({ tokens }) => insideOf(tokens, pattern));
    const inside = masks.reduce((sum, mask) => sum + mask.reduce((a, b) => a + b, 0), 0);
    const all = masks.reduce((sum, mask) => sum + mask.length, 0);
    said.textContent = `${inside} of ${all} tokens are inside a match (underlined).`;
    return masks;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    said.textContent = `Not a pattern: ${error.message.replace(/^Invalid regular expression: /, "")}`;
    return null;
  }
}

function hitItem(page, store, { layer, value, unit, score, high }) {
  const found = page.layers[layer];
  const words = `${found.name} · ${found.values[value].name} · unit ${unit}`;
  const choose = () => store.set({ layer, value, unit, colour: "unit" });
  const side = high ? "high inside" : "low inside";
  return element(
    "li",
    {},
    element("button", { type: "button", onclick: choose }, words, element("span", { class: "number" }, score.toFixed(3))),
    element("span", { class: "quiet" }, side),
  );
}
