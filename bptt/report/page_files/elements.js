// Elements and words. Text always becomes a text node: nothing that the page shows is read as markup.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

function furnish(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function section(id, title, lead, ...children) {
  const heading = element("h2", { id: `${id}-title` }, title);
  const words = lead ? [element("p", { class: "lead" }, lead)] : [];
  return element("section", { id, "aria-labelledby": `${id}-title` }, heading, ...words, ...children);
}

// A select with its label. Choices are [value, words]; `onchoose` gets the value as it was given.
function chooser(label, choices, chosen, onchoose) {
  const change = () => onchoose(choices[select.selectedIndex]?.[0]);
  // Named by itself: a name from the label around it would have the choices in it too.
  const select = element("select", { "aria-label": label, onchange: change });
  fillChoices(select, choices, chosen);
  return element("label", { class: "field" }, element("span", {}, label), select);
}

function fillChoices(select, choices, chosen) {
  select.replaceChildren(...choices.map(([, words]) => element("option", {}, words)));
  select.selectedIndex = Math.max(
    0,
    choices.findIndex(([value]) => value === chosen),
  );
}

// Buttons of which one is on.
function tabs(label, choices, chosen, onchoose) {
  const buttons = choices.map(([value, words]) =>
    element(
      "button",
      { type: "button", "aria-pressed": String(value === chosen), onclick: () => press(value) },
      words,
    ),
  );
  const press = (value) => {
    choices.forEach(([other], i) => buttons[i].setAttribute("aria-pressed", String(other === value)));
    onchoose(value);
  };
  return { node: element("div", { class: "tabs", role: "group", "aria-label": label }, ...buttons), press };
}

// A table that is made when it is opened: rows of text under a head.
function tableOf(title, head, rows) {
  const details = element("details", { class: "numbers" }, element("summary", {}, title));
  details.addEventListener("toggle", () => {
    if (!details.open || details.lastChild.localName === "div") return;
    const cells = (row) => row.map((text, i) => element(i ? "td" : "th", i ? {} : { scope: "row" }, text));
    const body = rows().map((row) => element("tr", {}, ...cells(row)));
    const top = element("tr", {}, ...head().map((text) => element("th", { scope: "col" }, text)));
    const table = element("table", {}, element("thead", {}, top), element("tbody", {}, ...body));
    details.append(
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, table),
    );
  });
  return details;
}

// Three digits, as "0.0312", "12.4", "3.21e−7".
function digits(number) {
  if (number === null || Number.isNaN(number)) return "–";
  const size = Math.abs(number);
  if (size === Infinity) return number > 0 ? "∞" : "−∞";
  const plain = number === 0 || (size >= 1e-3 && size < 1e5);
  return (plain ? String(Number(number.toPrecision(3))) : number.toExponential(2).replace("+", "")).replace(
    /-/g,
    "−",
  );
}

// A token as something to be seen: marks for what has no shape.
function visible(token) {
  return token === "" ? "∅" : marked(token).replace(/\n/g, "↵");
}

function marked(token) {
  const mark = (control) => String.fromCharCode(0x2400 + control.charCodeAt(0));
  return token.replace(/\t/g, "⇥").replace(/[\u0000-\u0008\u000b-\u001f]/g, mark);
}

function spaced(token) {
  return visible(token).replace(/ /g, "␣");
}

function quoted(token) {
  return `“${spaced(token)}”`;
}

// A function that runs when its calls have paused.
function afterPause(milliseconds, call) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), milliseconds);
  };
}
