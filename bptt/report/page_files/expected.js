// The likeliest answers at the step that is pointed at, each with a bar as long as its probability.

const EXPECTED = { next: "Likeliest next tokens", tag: "Likeliest tags", label: "Likeliest labels" };

// Null if the page has none.
function expectedPanel(page) {
  const first = page.sequences.find(({ expected }) => expected)?.expected;
  if (!first) return null;
  const title = say(EXPECTED[first.predicted] ?? "Likeliest answers");
  const list = element("ol", { class: "expected", "aria-label": title });
  // A line for each, and one for the right answer, so that nothing below moves.
  list.style.minHeight = `${1.5 * (first.width + 1)}em`;
  return {
    node: element("div", {}, element("h3", {}, title), list),
    tell({ sequence, step }) {
      const { expected } = page.sequences[sequence];
      list.replaceChildren(...(expected ? expectedRows(expected, step).map(expectedRow) : []));
    },
  };
}

// The likeliest first; the right answer last if it is not among them.
function expectedRows(expected, step) {
  const { names, width, answers, probabilities, targets, targetProbabilities, ranks } = expected;
  const target = targets[step] ?? -1;
  const rows = [];
  for (let place = step * width; place < (step + 1) * width; place += 1) {
    const answer = answers[place] ?? -1;
    if (answer < 0) continue;
    const rank = rows.length + 1;
    rows.push({ name: names[answer], share: probabilities[place], rank, right: answer === target });
  }
  if (target < 0 || rows.some(({ right }) => right)) return rows;
  return [...rows, { name: names[target], share: targetProbabilities[step], rank: ranks[step], right: true }];
}

function expectedRow({ name, share, rank, right }) {
  const bar = element("span", { class: "bar" });
  bar.style.width = `${100 * share}%`;
  return element(
    "li",
    { class: right ? "right" : null, title: right ? say("the right answer") : null },
    element("span", { class: "quiet" }, `${rank}.`),
    element("span", { class: "name" }, visible(name).replace(/ /g, "␣")),
    element("span", {}, bar),
    element("span", { class: "number" }, digits(share)),
  );
}
