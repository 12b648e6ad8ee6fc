// The likeliest next tokens as bars; below each, where something was changed, what it was without that.

const LEAST_SHOWN = 0.0005;

function createBars(label) {
  const list = element("ol", { class: "expected", "aria-label": label });
  return {
    node: list,
    show(expected, actual = null, before = null) {
      const earlier = new Map((before ?? []).map(({ name, probability }) => [name, probability]));
      list.replaceChildren(
        ...expected
          .filter(({ probability }, rank) => rank < 3 || probability >= LEAST_SHOWN)
          .map(({ name, probability }) => {
            const bars = [bar("bar", probability)];
            if (before) bars.push(bar("before", earlier.get(name) ?? 0));
            return element(
              "li",
              { class: name === actual ? "next right" : "next" },
              element("span", { class: "name" }, spaced(name)),
              element("span", {}, ...bars),
              element("span", { class: "number" }, percent(probability)),
            );
          }),
      );
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
