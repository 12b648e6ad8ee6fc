// Units that follow a pattern: all units of the page are ranked by how well they tell what is inside a match.

const BEST = 12;

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
  return found
    .filter(({ score }) => !Number.isNaN(score))
    .sort((a, b) => b.score - a.score)
    .slice(0, BEST);
}

function searchPanel(page, store) {
  const input = element("input", { type: "search", id: "pattern", spellcheck: "false", autocomplete: "off" });
  input.placeholder = say('a regular expression, as "[^"]*"');
  const counts = element("span");
  const measured = element("span");
  const said = element("p", { class: "said", role: "status" }, counts, measured);
  const results = element("ol", { class: "hits", "aria-label": say("Units that follow the pattern") });
  const matcher = createMatcher();
  const list = (hits) => results.replaceChildren(...hits.map((hit) => hitItem(page, store, hit)));
  const texts = page.sequences.map((sequence) => sequence.texts ?? sequence.tokens);
  // Marks the matches; `use` gets the masks, or null if there is nothing to rank by.
  const mark = async (use = () => {}) => {
    counts.textContent = measured.textContent = "";
    const found = await matcher(texts, input.value);
    // Another pattern has been asked for in the meantime.
    if (!found) return;
    counts.textContent = found.said ?? countWords(found.masks);
    store.set({ masks: found.masks });
    use(found.masks);
  };
  const search = () => mark((masks) => list(masks ? rankUnits(page, masks) : []));
  input.addEventListener("input", afterPause(200, search));
  const properties = page.properties.map((property) => {
    const take = () => {
      input.value = property.pattern;
      mark();
      measured.textContent = measuredWords(property);
      list(
        property.hits
          .map((hit) => measuredHit(page, property, hit))
          .filter(({ layer, value }) => layer >= 0 && value >= 0),
      );
    };
    return element("button", { type: "button", onclick: take }, property.name);
  });
  return element(
    "div",
    { class: "search" },
    element(
      "label",
      { class: "field", for: "pattern" },
      element("span", {}, say("Find units that follow a pattern")),
      input,
    ),
    element("div", { class: "chips", role: "group", "aria-label": say("Properties") }, ...properties),
    said,
    results,
  );
}

function countWords(masks) {
  if (!masks) return "";
  const inside = masks.reduce((sum, mask) => sum + mask.reduce((a, b) => a + b, 0), 0);
  const all = masks.reduce((sum, mask) => sum + mask.length, 0);
  return say("{} of {} tokens are inside a match (underlined).", inside, all);
}

// How the hits of a property were found before the page was written.
function measuredWords({ measure, held_out: heldOut }) {
  const correlation =
    measure === "position"
      ? " Numbers: Spearman's correlation with the position in the match."
      : " Numbers: Spearman's correlation with the length of the match.";
  const half = " Units were chosen on the first half of the text, and measured on the second.";
  return (measure === "inside" ? "" : say(correlation)) + (heldOut ? say(half) : "");
}

function measuredHit(page, { measure }, { layer: name, value: valueName, unit, score }) {
  const layer = page.layers.findIndex((found) => found.name === name);
  const value = layer < 0 ? -1 : page.layers[layer].values.findIndex((found) => found.name === valueName);
  if (measure === "inside")
    return { layer, value, unit, score: Math.max(score, 1 - score), high: score >= 0.5 };
  return { layer, value, unit, score: Math.abs(score), side: say(score > 0 ? "rises with it" : "falls with it") };
}

function hitItem(page, store, { layer, value, unit, score, high, side }) {
  const found = page.layers[layer];
  const words = say("{} · {} · unit {}", found.name, found.values[value].name, unit);
  const choose = () => store.set({ layer, value, unit, colour: "unit" });
  const number = element("span", { class: "number" }, score.toFixed(3));
  const button = element("button", { type: "button", onclick: choose }, words, number);
  return element(
    "li",
    {},
    button,
    element("span", { class: "quiet" }, side ?? say(high ? "high inside" : "low inside")),
  );
}
