// The text of a sequence as one listbox, an option for each token: coloured, pointed at, walked through with the keys.

function tokenBox(sequence, number, onpoint, onselect) {
  const words = sequence.tokens.map((token, step) => sequence.texts?.[step] || token);
  const apart = words.some((word) => [...word].length > 1) && !words.some((word) => /\s/.test(word));
  const spans = words.map((word, step) => tokenSpan(word, `token-${number}-${step}`, step));
  const attributes = { class: `tokens${apart ? " apart" : ""}`, role: "listbox", tabindex: 0 };
  const box = element("div", { ...attributes, "aria-label": sequence.name }, ...spans);
  const stepOf = (event) => {
    const span = event.target.closest(".token");
    return span ? Number(span.dataset.step) : null;
  };
  box.addEventListener("pointerover", (event) => onpoint(stepOf(event)));
  box.addEventListener("pointerleave", () => onpoint(null));
  box.addEventListener("click", (event) => {
    const step = stepOf(event);
    if (step !== null) onselect(step);
  });
  let selected = null;
  box.addEventListener("keydown", (event) => {
    const step = stepAfter(spans, selected ?? 0, event.key);
    if (step === null) return;
    event.preventDefault();
    onselect(step);
  });
  return {
    node: box,
    select(step) {
      spans[selected]?.setAttribute("aria-selected", "false");
      selected = step;
      const span = spans[step];
      if (!span) return box.removeAttribute("aria-activedescendant");
      span.setAttribute("aria-selected", "true");
      box.setAttribute("aria-activedescendant", span.id);
      reveal(box, span);
    },
    // `shares` is NaN where there is nothing to show.
    colour(shares) {
      const colours = divergingColours();
      spans.forEach((span, step) => {
        const share = shares[step];
        span.style.backgroundColor = Number.isNaN(share) ? "" : colours(share);
      });
    },
    mark(inside) {
      spans.forEach((span, step) => span.classList.toggle("match", Boolean(inside[step])));
    },
  };
}

// The end of a line is kept inside its token, so that the text breaks where it did.
function tokenSpan(word, id, step) {
  const words = marked(word).replace(/\n/g, "↵\n") || visible(word);
  return element(
    "span",
    { class: "token", role: "option", id, "data-step": step, "aria-selected": "false" },
    words,
  );
}

function stepAfter(spans, step, key) {
  const last = spans.length - 1;
  if (key === "ArrowLeft") return Math.max(0, step - 1);
  if (key === "ArrowRight") return Math.min(last, step + 1);
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key === "ArrowUp") return onLine(spans, step, -1);
  if (key === "ArrowDown") return onLine(spans, step, 1);
  return null;
}

// The token of the next line, or the one before, that stands nearest.
function onLine(spans, step, way) {
  const place = (i) => spans[i].getClientRects()[0];
  const here = place(step);
  let best = null;
  let line = null;
  for (let i = step + way; spans[i]; i += way) {
    const there = place(i);
    if (Math.abs(there.top - here.top) < here.height / 2) continue;
    if (line !== null && Math.abs(there.top - line) > here.height / 2) break;
    line = there.top;
    if (best === null || Math.abs(there.left - here.left) < Math.abs(place(best).left - here.left)) best = i;
  }
  return best ?? step;
}

// Scrolls the box alone: the page stays where it is.
function reveal(box, span) {
  const [outer, inner] = [box.getBoundingClientRect(), span.getBoundingClientRect()];
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top + 24;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom + 24;
}
