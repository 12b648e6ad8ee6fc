// A text as the model reads it: a listbox with an option for each token, coloured, pointed at, walked through by keys.

function createStrip(name, label, onpoint, onselect) {
  const box = element("div", { class: "tokens", role: "listbox", tabindex: 0, "aria-label": label });
  const spans = [];
  let selected = null;
  const stepOf = ({ target }) => {
    const span = target.closest(".token");
    return span ? Number(span.dataset.step) : null;
  };
  box.addEventListener("pointerover", (event) => onpoint(stepOf(event)));
  box.addEventListener("pointerleave", () => onpoint(null));
  box.addEventListener("click", (event) => onselect(stepOf(event)));
  box.addEventListener("keydown", (event) => {
    const { key } = event;
    const last = spans.length - 1;
    const here = selected ?? last + 1;
    const places = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last, Escape: last + 1 };
    if (!(key in places)) return;
    event.preventDefault();
    onselect(places[key] > last ? null : Math.max(0, places[key]));
  });
  return {
    node: box,
    // Only what differs is made anew. `notes`, if there are any, are written below the tokens.
    show(tokens, notes = []) {
      tokens.forEach((token, step) => {
        const words = marked(token).replace(/\n/g, "↵\n") || visible(token);
        if (!spans[step]) {
          const attributes = { class: "token", role: "option", id: `${name}-${step}`, "data-step": step };
          spans[step] = element("span", { ...attributes, "aria-selected": "false" });
          box.append(spans[step]);
        }
        const note = notes[step] ?? "";
        if (spans[step].dataset.note === note && spans[step].firstChild?.textContent === words) return;
        spans[step].dataset.note = note;
        spans[step].replaceChildren(
          words,
          ...(notes.length ? [element("span", { class: "note" }, note)] : []),
        );
      });
      spans.splice(tokens.length).forEach((span) => span.remove());
    },
    select(step) {
      spans[selected]?.setAttribute("aria-selected", "false");
      selected = step;
      box.removeAttribute("aria-activedescendant");
      if (step === null || !spans[step]) return;
      spans[step].setAttribute("aria-selected", "true");
      box.setAttribute("aria-activedescendant", spans[step].id);
    },
    // Shares from -1 to 1; NaN for nothing. `titles` say the numbers.
    colour(shares, titles) {
      const colours = divergingColours();
      spans.forEach((span, step) => {
        const share = shares[step];
        span.style.backgroundColor = Number.isFinite(share) ? colours(share) : "";
        span.title = titles[step] ?? "";
      });
    },
  };
}

// Values as shares: about the middle for a gate, unless `mayBeGate` is false; else about zero.
function sharesOf(numbers, mayBeGate = true) {
  if (mayBeGate && numbers.every((number) => number >= 0 && number <= 1))
    return Array.from(numbers, (number) => 2 * number - 1);
  const largest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0) || 1;
  return Array.from(numbers, (number) => number / largest);
}

// Norms on a logarithmic scale: the largest is 1, one that is DECADES powers of ten smaller is 0.
const DECADES = 6;
function decadeShares(norms) {
  const largest = norms.reduce((most, norm) => Math.max(most, norm || 0), 0);
  return Array.from(norms, (norm) =>
    norm > 0 ? Math.max(0.02, 1 + Math.log10(norm / largest) / DECADES) : NaN,
  );
}
