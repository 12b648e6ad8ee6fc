// Answers as bars; below each, where something was changed, what it was without that.

// Rarer answers are left out, but for the first few; where an answer is to be chosen, for as many as are seen at once.
const LEAST_SHOWN = 0.0005;
const [FIRST, TO_CHOOSE_FROM] = [3, 24];

// With `onchoose` the names are buttons, which give the number of an answer.
function createBars(label, onchoose = null) {
  const list = element("ol", { class: "expected", "aria-label": label });
  const named = ({ name, number }, chosen) => {
    if (!onchoose) return element("span", { class: "name" }, spaced(name));
    const press = {
      type: "button",
      "aria-pressed": String(number === chosen),
      onclick: () => onchoose(number),
    };
    return element("button", { class: "name", ...press }, name);
  };
  return {
    node: list,
    // Answers are { name, probability, number }; names in `right` are marked, and the number `chosen`.
    show(answers, right = [], before = null, chosen = null) {
      const earlier = new Map((before ?? []).map(({ name, probability }) => [name, probability]));
      const focused = list.contains(document.activeElement) ? document.activeElement.textContent : null;
      list.replaceChildren(
        ...answers
          .filter(
            ({ probability }, rank) =>
              rank < (onchoose ? TO_CHOOSE_FROM : FIRST) || probability >= LEAST_SHOWN,
          )
          .map((answer) => {
            const { name, probability } = answer;
            const bars = [bar("bar", probability)];
            if (before) bars.push(bar("before", earlier.get(name) ?? 0));
            return element(
              "li",
              { class: right.includes(name) ? "next right" : "next" },
              named(answer, chosen),
              element("span", {}, ...bars),
              element("span", { class: "number" }, percent(probability)),
            );
          }),
      );
      // A key that chooses an answer draws the bars anew: the next key goes on from there.
      if (focused !== null)
        Array.from(list.querySelectorAll("button"))
          .find((button) => button.textContent === focused)
          ?.focus();
    },
  };
}

function bar(kind, share) {
  const found = element("span", { class: kind });
  found.style.width = `${100 * share}%`;
  return found;
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.0995 ? 2 : 1)} %`;
}
