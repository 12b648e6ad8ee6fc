// The state of the page in its address, behind #, as name=value: what differs from the usual. A link shows the same.

// Characters of a text that an address can hold.
const LONGEST_LINKED = 4000;

// A link that is opened in the page itself changes its address alone. The page's own writing is no such change.
addEventListener("hashchange", () => location.reload());

function readAddress() {
  const settings = usualSettings();
  const given = new URLSearchParams(location.hash.slice(1));
  const cells = Object.keys(TABLES.catalogue);
  const choose = (name, choices) => {
    if (choices.includes(given.get(name))) settings[name] = given.get(name);
  };
  choose("first", [NO_CELL, ...cells]);
  choose("second", [NO_CELL, ...cells]);
  choose("problem", Object.keys(PROBLEMS));
  Object.assign(settings, USUAL[settings.problem]);
  if (given.has("own-trained")) settings.isOwnTrained = given.get("own-trained") === "1";
  for (const [name, , least, most, step] of [...NUMBERS, ...LIVE_NUMBERS]) {
    const value = given.get(name) ? Number(given.get(name)) : NaN;
    if (value >= least && value <= most) settings[name] = step === "any" ? value : Math.round(value);
  }
  if (given.has("equations")) {
    settings.own = Object.fromEntries(Object.keys(USUAL_OWN).map((field) => [field, given.get(field) ?? ""]));
    settings.own.equations = settings.own.equations.slice(0, TABLES.limits.largestCell);
  }
  if (given.get("text")) settings.text = given.get("text").slice(0, LONGEST_LINKED);
  return settings;
}

function writeAddress(settings) {
  const usual = { ...usualSettings(), ...USUAL[settings.problem] };
  const kept = new URLSearchParams();
  for (const name of ["problem", "first", "second"]) if (settings[name] !== usual[name]) kept.set(name, settings[name]);
  if (!settings.isOwnTrained) kept.set("own-trained", "0");
  for (const [name] of [...NUMBERS, ...LIVE_NUMBERS]) {
    if (settings[name] !== usual[name]) kept.set(name, settings[name]);
  }
  const fields = Object.entries(settings.own);
  if (fields.some(([field, text]) => text !== usual.own[field]))
    for (const [field, text] of fields) if (text || field === "equations") kept.set(field, text);
  if (settings.text !== usual.text && settings.text.length <= LONGEST_LINKED) kept.set("text", settings.text);
  history.replaceState(null, "", `${location.href.split("#")[0]}${[...kept].length ? `#${kept}` : ""}`);
}
