// One unit at one step: each equation, forward and backward, with its numbers put in.

function createStep() {
  const forward = element("div", { class: "equation-lines" });
  const backward = element("div", { class: "equation-lines" });
  const line = ({ target, value, products, rest, numbers }) => {
    const parts = [...products.map(({ text }) => text), ...(rest ? [rest] : [])].join(" + ");
    const filled = [...products.map((product) => digits(product.value)), ...(numbers ? [numbers] : [])];
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
      element("div", {}, element("h3", {}, "Forward"), forward),
      element("div", {}, element("h3", {}, "Backward: δ of the chosen loss"), backward),
    ),
    show(found) {
      forward.replaceChildren(...found.forward.map(line));
      backward.replaceChildren(...found.backward.map(line));
    },
  };
}
