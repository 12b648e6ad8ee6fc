// The page of a model: it is opened, drawn by `draw`, and says so if it cannot be.

const NO_WORKER =
  "This page computes in a worker, which this browser does not allow here. Save the page as a file, or open it in a tab of its own.";

async function start() {
  const recolour = [];
  wireTheme(() => recolour.forEach((call) => call()));
  if (!("DecompressionStream" in window))
    return showInstead(say("This page needs a browser of 2023 or later."));
  await new Promise((ready) => document.addEventListener("DOMContentLoaded", ready));
  // After the first paint.
  await new Promise((ready) => requestAnimationFrame(() => setTimeout(ready)));
  let page = null;
  try {
    page = await readPayload(document.getElementById("data").textContent);
  } catch {
    return showInstead(say("The weights of this page are damaged. Copy the file again, or write it anew."));
  }
  let client = null;
  try {
    client = createClient();
  } catch {
    return showInstead(say(NO_WORKER));
  }
  client.onfailure((words) =>
    showInstead(words ? say("The model of this page stopped: {}.", words) : say(NO_WORKER)),
  );
  client.on("ready", ({ layers }) => draw(page, layers, client, recolour));
  client.send("open", { page });
}

function showInstead(words) {
  document.getElementById("page").replaceChildren(element("p", { role: "alert" }, words));
}

// Takes the place of what is said while the page is read: the title, the facts, the sections and links to them.
function showSections(page, sections) {
  const facts = element("p", { class: "quiet" }, page.facts.join(" · "));
  document.getElementById("page").replaceChildren(element("h1", {}, page.title), facts, ...sections);
  const link = (found) =>
    element("a", { href: `#${found.id}`, onclick: jump }, found.querySelector("h2").textContent);
  document.getElementById("contents").append(...sections.map(link));
}

// The address holds the state of the page, not the place in it.
function jump(event) {
  event.preventDefault();
  document.getElementById(event.target.getAttribute("href").slice(1)).scrollIntoView();
}

start();
