// All units of a value at one step, to choose one from: a slider, coloured by the numbers.

function createUnits(onchoose) {
  const canvas = element("canvas", { class: "units", role: "slider", tabindex: 0, "aria-valuemin": 0 });
  const readout = element("p", { class: "readout", role: "status" });
  let numbers = [];
  let unit = 0;
  const choose = (chosen) => {
    if (!numbers.length) return;
    unit = Math.min(numbers.length - 1, Math.max(0, chosen));
    onchoose(unit);
  };
  canvas.addEventListener("click", ({ offsetX }) =>
    choose(Math.floor((offsetX / canvas.clientWidth) * numbers.length)),
  );
  canvas.addEventListener("keydown", (event) => {
    const places = {
      ArrowLeft: unit - 1,
      ArrowDown: unit - 1,
      ArrowRight: unit + 1,
      ArrowUp: unit + 1,
      Home: 0,
      End: numbers.length - 1,
    };
    if (!(event.key in places)) return;
    event.preventDefault();
    choose(places[event.key]);
  });
  return {
    node: element("div", {}, canvas, readout),
    clear() {
      numbers = [];
      canvas.width = 0;
      readout.textContent = "";
      ["aria-valuenow", "aria-valuetext", "aria-valuemax"].forEach((name) => canvas.removeAttribute(name));
    },
    show(name, found, chosen) {
      [numbers, unit] = [Array.from(found), chosen];
      const words = `${name}[${unit}] = ${digits(numbers[unit])}, ${say("unit {} of {}", unit, numbers.length)}`;
      canvas.setAttribute("aria-label", say("Units of {}", name));
      canvas.setAttribute("aria-valuemax", numbers.length - 1);
      canvas.setAttribute("aria-valuenow", unit);
      canvas.setAttribute("aria-valuetext", words);
      readout.textContent = words;
      // Three rows of pixels: the chosen unit is marked above and below.
      [canvas.width, canvas.height] = [numbers.length, 3];
      const context = canvas.getContext("2d");
      const colours = divergingColours();
      sharesOf(numbers).forEach((share, k) => {
        context.fillStyle = colours(share);
        context.fillRect(k, 0, 1, 3);
      });
      context.fillStyle = css(themeColour("ink"));
      context.fillRect(unit, 0, 1, 1);
      context.fillRect(unit, 2, 1, 1);
    },
  };
}

// One unit at one step: each equation, forward and backward, with its numbers put in.

function createStep() {
  const forward = element("div", { class: "equation-lines" });
  const backward = element("div", { class: "equation-lines" });
  const line = ({ target, value, products, rest, numbers }) => {
    const parts = [...products.map(({ text }) => text), ...(rest ? [rest] : [])].join(" + ");
    const written = (number) => (number < 0 ? `(${digits(number)})` : digits(number));
    const filled = [...products.map((product) => written(product.value)), ...(numbers ? [numbers] : [])];
    return element(
      "div",
      {},
      `${target} = ${parts || "0"}`,
      element("div", { class: "quiet" }, `${digits(value)} = ${filled.join(" + ") || "0"}`),
    );
  };
  return {
    node: element(
      "div",
      { class: "two" },
      element("div", {}, element("h3", {}, say("Forward")), forward),
      element("div", {}, element("h3", {}, say("Backward: δ of the chosen loss")), backward),
    ),
    clear() {
      [forward, backward].forEach((each) => each.replaceChildren());
    },
    show(found) {
      forward.replaceChildren(...found.forward.map(line));
      backward.replaceChildren(...found.backward.map(line));
    },
  };
}

function stepSection(units, stepView, lossWords) {
  const lead = say(
    "The equations of the chosen layer and unit at the chosen token, with their numbers. Choose a unit of the value by a click, or with the arrow keys.",
  );
  return section("step", say("One unit, one step"), `${lead} ${lossWords}`, units.node, stepView.node);
}
