// The page of a server: its models, and for those that answer texts or files a form that asks.

// Answers that are longer are cut: a browser draws a long text slowly.
const LONGEST = 20000;
// The types of files by the endings of their names: browsers differ in what they call them.
const TYPES = {
  wav: "audio/wav",
  flac: "audio/flac",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  mp4: "video/mp4",
  webm: "video/webm",
  avi: "video/x-msvideo",
};

async function post(path, type, body) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": type }, body });
  const found = await response.json();
  if (!response.ok) throw new Error(found.detail);
  return found.answers;
}

function askText(model, input) {
  return post("/v1/predict", "application/json", JSON.stringify({ model: model.name, input: input.value }));
}

function askFile(model, input) {
  const [file] = input.files;
  const type = TYPES[file.name.split(".").pop().toLowerCase()];
  if (!type) throw new Error(`file: must end in one of ${Object.keys(TYPES).join(", ")}, got ${file.name}`);
  return post(`/v1/upload?model=${encodeURIComponent(model.name)}`, type, file);
}

function form(model, input, send) {
  const answer = element("pre", { class: "answer", "aria-live": "polite" });
  const ask = async (event) => {
    event.preventDefault();
    button.disabled = true;
    answer.textContent = "";
    try {
      const found = await send(model, input);
      answer.textContent = found.map((each) => JSON.stringify(each, null, 2)).join("\n").slice(0, LONGEST);
      answer.classList.remove("problem");
    } catch (error) {
      answer.textContent = error.message;
      answer.classList.add("problem");
    }
    button.disabled = false;
  };
  const button = element("button", { type: "submit" }, "Ask");
  return element("form", { onsubmit: ask }, input, button, answer);
}

function textForm(model) {
  const named = { "aria-label": `Input of ${model.name}`, required: true };
  return form(model, element("textarea", { rows: 3, ...named }), askText);
}

function fileForm(model) {
  const accept = Object.keys(TYPES).map((each) => `.${each}`).join();
  const named = { "aria-label": `File for ${model.name}`, required: true };
  return form(model, element("input", { type: "file", accept, ...named }), askFile);
}

function describe(model) {
  const lead = `${model.task}, ${model.cell}, ${model.parameters.toLocaleString("en")} parameters`;
  const parts = [element("p", {}, `answers ${model.verbs.join(", ")}`)];
  if (model.live) {
    const address = `/models/${encodeURIComponent(model.name)}`;
    parts.push(element("p", {}, element("a", { href: address }, "the live page: it reads as you type")));
  }
  if (model.verbs.includes("predict")) parts.push(textForm(model));
  if (model.verbs.includes("upload")) parts.push(fileForm(model));
  return section(`model-${model.name}`, model.name, lead, ...parts);
}

wireTheme(() => {});
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".unread").remove();
  document.getElementById("page").append(...MODELS.map(describe));
});
