// The verdict: what was found, in words and numbers, and what to try.

const LEVELS = { good: ["✓", "Good"], warning: ["!", "Warning"], bad: ["✕", "Bad"] };

function verdictSection(page) {
  const findings = page.findings.map((finding) => {
    const [sign, word] = LEVELS[finding.level];
    const advice = finding.advice
      ? [element("p", { class: "advice" }, element("b", {}, say("Try: ")), finding.advice)]
      : [];
    return element(
      "li",
      { class: `finding ${finding.level}` },
      element("span", { class: "sign", role: "img", "aria-label": say(word) }, sign),
      element("div", {}, element("h3", {}, finding.headline), element("p", {}, finding.evidence), ...advice),
    );
  });
  const facts = page.facts.map(([name, fact]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, fact)),
  );
  const found = section("verdict", say("Verdict"), "", element("ul", { class: "findings" }, ...findings));
  if (facts.length) found.append(element("dl", { class: "facts" }, ...facts));
  return found;
}
