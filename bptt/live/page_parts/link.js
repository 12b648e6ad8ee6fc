// The state of the page in its address, behind #: a link shows another reader the same.

// Characters: every value of every step is kept, and an address has an end too.
const LONGEST = 4000;
const LINKED = ["text", "second", "place", "choice", "colour", "edits", "sampling"];
const TYPED = { maxlength: LONGEST, spellcheck: "false" };
// Between the last key or move and what takes longer than a key, in milliseconds.
const PAUSE = 120;

// A link that is opened in the page itself changes its address alone. The page's own writing is no such change.
addEventListener("hashchange", () => location.reload());

function readLink() {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1))) ?? {};
  } catch {
    // An address that was cut or written by somebody else: the page begins as new.
    return {};
  }
}

function writeLink(state) {
  const kept = Object.fromEntries(LINKED.map((name) => [name, state[name]]));
  history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(kept))}`);
}

// What the address says, as far as it fits the page: anybody may have written it.
function checkedState(found, page, layers, kinds) {
  const text = (value, usual) => (typeof value === "string" ? value.slice(0, LONGEST) : usual);
  const whole = (value, most) => Number.isInteger(value) && value >= 0 && value <= most;
  const layerOf = (one) => (Number.isInteger(one?.layer) ? layers[one.layer] : undefined);
  const valueOf = (one) => layerOf(one)?.values.find(({ name }) => name === one.value);
  const isAmount = (value) => Number.isFinite(value) && Math.abs(value) <= LARGEST_CHANGE;
  const fits = (edit) => {
    const known = valueOf(edit);
    const isUnit = edit?.unit === null || whole(edit?.unit, (known?.width ?? 0) - 1);
    const isSpan = whole(edit?.from, LONGEST) && (edit.to === null || whole(edit.to, LONGEST));
    return known && isUnit && isSpan && [edit.scale, edit.shift].every(isAmount);
  };
  const { colour } = found;
  const known = valueOf(colour);
  const last = layers.length - 1;
  const place = known
    ? { layer: colour.layer, value: colour.value, unit: whole(colour.unit, known.width - 1) ? colour.unit : 0 }
    : { layer: last, value: layers[last].values[0].name, unit: 0 };
  const names = kinds.map(([name]) => name).filter((name) => known || name !== "value");
  const usual = { temperature: 0.7, topP: 1, count: 60, seed: 1 };
  const numbers = Object.keys(usual).filter((name) => Number.isFinite(found.sampling?.[name]));
  return {
    text: text(found.text, page.example),
    second: text(found.second, ""),
    place: whole(found.place, LONGEST) ? found.place : null,
    choice: whole(found.choice, (page.labels?.length ?? 0) - 1) ? found.choice : null,
    colour: { kind: names.includes(colour?.kind) ? colour.kind : names[0], ...place },
    edits: Array.isArray(found.edits) ? found.edits.filter(fits) : [],
    sampling: { ...usual, ...Object.fromEntries(numbers.map((name) => [name, found.sampling[name]])) },
  };
}
