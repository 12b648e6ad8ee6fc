// The page of a server: its models, and for those that answer texts a form that asks.

// Answers that are longer are cut: a browser draws a long text slowly.
const LONGEST = 20000;

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const found = await response.json();
  if (!response.ok) throw new Error(found.detail);
  return found.answers;
}

function form(model) {
  const text = element("textarea", { rows: 3, "aria-label": `Input of ${model.name}`, required: true });
  const answer = element("pre", { class: "answer", "aria-live": "polite" });
  const ask = async (event) => {
    event.preventDefault();
    button.disabled = true;
    answer.textContent = "";
    try {
      const found = await post("/v1/predict", { model: model.name, input: text.value });
      answer.textContent = found.map((each) => JSON.stringify(each, null, 2)).join("\n").slice(0, LONGEST);
      answer.classList.remove("problem");
    } catch (error) {
      answer.textContent = error.message;
      answer.classList.add("problem");
    }
    button.disabled = false;
  };
  const button = element("button", { type: "submit" }, "Ask");
  return element("form", { onsubmit: ask }, text, button, answer);
}

function describe(model) {
  const lead = `${model.task}, ${model.cell}, ${model.parameters.toLocaleString("en")} parameters`;
  const parts = [element("p", {}, `answers ${model.verbs.join(", ")}`)];
  if (model.live) {
    const address = `/models/${encodeURIComponent(model.name)}`;
    parts.push(element("p", {}, element("a", { href: address }, "the live page: it reads as you type")));
  }
  if (model.verbs.includes("predict")) parts.push(form(model));
  return section(`model-${model.name}`, model.name, lead, ...parts);
}

wireTheme(() => {});
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".unread").remove();
  document.getElementById("page").append(...MODELS.map(describe));
});
