// The page, put together.

async function start() {
  const main = document.getElementById("page");
  if (!("DecompressionStream" in window)) {
    main.append(element("p", {}, "This page needs a browser of 2023 or later."));
    return;
  }
  const page = await readPayload(document.getElementById("data").textContent);
  const store = createStore(firstView(page));
  const layers = [...new Set([...page.layers.map(({ name }) => name), ...page.flows.map(({ layer }) => layer)])];
  const tones = (layer) => Math.max(0, layers.indexOf(layer)) % TONES;
  const sections = [
    verdictSection(page),
    textSection(page, store),
    flowSection(page, tones),
    mapSection(page),
    gatesSection(page, store, tones),
    spectrumSection(page),
  ].filter(Boolean);
  main.append(element("h1", {}, page.title), ...sections);
  const links = sections.map((found) => element("a", { href: `#${found.id}` }, found.querySelector("h2").textContent));
  document.getElementById("contents").append(...links);
  wireTheme(store);
}

function firstView(page) {
  const hit = page.properties.flatMap(({ hits }) => hits)[0];
  const layer = Math.max(0, page.layers.findIndex(({ name }) => name === hit?.layer));
  const value = Math.max(0, page.layers[layer]?.values.findIndex(({ name }) => name === hit?.value) ?? 0);
  const choice = page.layers.length ? soundChoice(page, { layer, value, unit: hit?.unit ?? 0 }) : {};
  const sequence = page.layers[layer]?.sequence ?? 0;
  const colour = page.layers.length ? "unit" : page.attributions.length ? "attribution" : "loss";
  const method = page.attributions[0]?.method ?? null;
  return { layer: 0, value: 0, unit: 0, ...choice, sequence, step: 0, colour, method, window: 80, masks: null, theme: "" };
}

// Light or dark as the machine has it, until the button is pressed; another visit begins anew.
function wireTheme(store) {
  const button = document.getElementById("theme");
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const theme = document.documentElement.dataset.theme ?? (preferred.matches ? "dark" : "light");
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", theme === "dark" ? "Light colours" : "Dark colours");
    store.set({ theme });
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = store.get().theme === "dark" ? "light" : "dark";
    show();
  });
  preferred.addEventListener("change", show);
  show();
}

start();
