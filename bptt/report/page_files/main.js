// The page, put together.

async function start() {
  let store = null;
  wireTheme((theme) => store?.set({ theme }));
  if (!("DecompressionStream" in window)) {
    showInstead(say("This page needs a browser of 2023 or later."));
    return;
  }
  // The script stands before the numbers, so that the page is dark before they are read.
  await new Promise((ready) => document.addEventListener("DOMContentLoaded", ready));
  let page = null;
  try {
    page = await readPayload(document.getElementById("data").textContent);
    store = createStore(firstView(page));
  } catch {
    // Not the words of the browser, which are about what it did to read them.
    showInstead(`${say("The numbers of this page are damaged.")} ${say(ANEW, COMMAND)}`);
    return;
  }
  try {
    draw(page, store);
  } catch (error) {
    showInstead(`${say("This page cannot be drawn ({}).", error.message)} ${say(ANEW, COMMAND)}`);
    throw error;
  }
}

// What a reader does about a file that is damaged.
const ANEW = "Copy the file again, or write it anew: {}";
const COMMAND = "bptt inspect RUN -o FILE";

// Takes the place of whatever the page shows.
function showInstead(words) {
  document.getElementById("page").replaceChildren(element("p", { role: "alert" }, words));
}

function draw(page, store) {
  const layers = [
    ...new Set([...page.layers.map(({ name }) => name), ...page.flows.map(({ layer }) => layer)]),
  ];
  const tones = (layer) => Math.max(0, layers.indexOf(layer)) % TONES;
  const sections = [
    verdictSection(page),
    textSection(page, store),
    flowSection(page, tones),
    mapSection(page),
    gatesSection(page, store, tones),
    spectrumSection(page),
  ].filter(Boolean);
  document.getElementById("page").replaceChildren(element("h1", {}, page.title), ...sections);
  const links = sections.map((found) =>
    element("a", { href: `#${found.id}` }, found.querySelector("h2").textContent),
  );
  document.getElementById("contents").append(...links);
}

function firstView(page) {
  const hit = page.properties.flatMap(({ hits }) => hits)[0];
  const layer = Math.max(
    0,
    page.layers.findIndex(({ name }) => name === hit?.layer),
  );
  const value = Math.max(0, page.layers[layer]?.values.findIndex(({ name }) => name === hit?.value) ?? 0);
  const choice = page.layers.length ? soundChoice(page, { layer, value, unit: hit?.unit ?? 0 }) : {};
  const sequence = page.layers[layer]?.sequence ?? 0;
  // Of a sequence in time the whole first example, where there is room for it, and what its middle depends on.
  const time = page.sequences[sequence] && timelineAt(page.sequences[sequence], 0);
  const colour = page.layers.length ? "unit" : page.attributions.length ? "attribution" : "loss";
  const method = page.attributions[0]?.method ?? null;
  return {
    layer: 0,
    value: 0,
    unit: 0,
    ...choice,
    sequence,
    step: time ? time.seconds.length >> 1 : 0,
    colour,
    method,
    window: time && innerWidth > 600 ? Infinity : SPANS[0],
    masks: null,
    theme: document.documentElement.dataset.theme,
  };
}

start();
