// The Jacobian of a step: how far it stretches and shrinks, now and in the long run.

function spectrumSection(page) {
  if (!page.spectra.length) return null;
  const host = element("div", { class: "two" });
  const show = (spectrum) =>
    host.replaceChildren(chart(stretchPlan(spectrum)).node, chart(exponentPlan(spectrum)).node);
  const choices = page.spectra.map((spectrum) => [spectrum, spectrum.layer]);
  const choice = tabs(say("Layer"), choices, page.spectra[0], show);
  show(page.spectra[0]);
  return section(
    "spectrum",
    say("Jacobian of a step"),
    say(
      "Singular values of ∂sₜ/∂sₜ₋₁ over time: above 1 a direction grows, below 1 it shrinks. Lyapunov exponents " +
        "give the same for the whole text, in nats a step: above 0 a small change grows, below 0 it is forgotten.",
    ),
    ...(page.spectra.length > 1 ? [choice.node] : []),
    host,
  );
}

function stretchPlan(spectrum) {
  const names = ["largest", "median", "smallest"];
  return {
    label: say("Singular values by step, {}", spectrum.layer),
    xName: say("step t"),
    yName: say("singular value"),
    height: 300,
    log: true,
    xWord: (step) => say("step {}", step),
    lines: names.map((name, colour) => plainLine(say(name), colour, Array.from(spectrum.steps), spectrum[name])),
  };
}

function exponentPlan(spectrum) {
  return {
    label: say("Lyapunov exponents, largest first, {}", spectrum.layer),
    xName: say("number of the exponent"),
    yName: say("nats a step"),
    height: 300,
    log: false,
    within: [0],
    xWord: (number) => say("exponent {}: {}", number, digits(spectrum.exponents[number - 1])),
    lines: [
      plainLine(
        say("exponent"),
        0,
        Array.from(spectrum.exponents.keys(), (i) => i + 1),
        spectrum.exponents,
      ),
    ],
  };
}

function plainLine(name, colour, xs, ys) {
  return { name, colour, dash: 0, xs, ys, shown: true };
}
