// Two texts side by side: the odds of the first against the second, token by token.

function createPair(oninput) {
  const area = element("textarea", { "aria-label": say("Second text"), rows: 2, ...TYPED });
  area.addEventListener("input", () => oninput(area.value));
  const summary = element("p", { class: "readout", role: "status" });
  const rows = element("div", {});
  return {
    node: element("div", {}, area, summary, rows),
    area,
    show(one, other) {
      if (!one || !other || !area.value) {
        summary.textContent = "";
        return rows.replaceChildren();
      }
      const total = ({ losses }) => -losses.reduce((sum, loss) => sum + loss, 0);
      const odds = total(one) - total(other);
      let differ = 0;
      while (differ < one.tokens.length && one.tokens[differ] === other.tokens[differ]) ++differ;
      const times = digits(Math.exp(Math.min(700, Math.abs(odds))));
      const better =
        odds > 0
          ? say("the first text is {} times as probable", times)
          : say("the second text is {} times as probable", times);
      const sums = `ln P: ${digits(total(one))}, ${digits(total(other))}`;
      summary.textContent = `${sums}. ${say("First difference at token {}", differ)}; ${better}.`;
      const count = Math.max(one.tokens.length, other.tokens.length);
      const cells = (found, k) =>
        k < found.tokens.length ? [spaced(found.tokens[k]), digits(-found.losses[k])] : ["", ""];
      let sum = 0;
      const lines = Array.from({ length: count }, (_, k) => {
        sum += (other.losses[k] ?? 0) - (one.losses[k] ?? 0);
        return [String(k), ...cells(one, k), ...cells(other, k), digits(sum)];
      });
      const head = [say("token"), say("first"), "ln P", say("second"), "ln P", say("ln odds so far")];
      const body = lines
        .slice(Math.max(0, differ - 3), differ + 40)
        .map((line) =>
          element(
            "tr",
            {},
            ...line.map((text, i) => element(i ? "td" : "th", i ? {} : { scope: "row" }, text)),
          ),
        );
      const top = element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)));
      const table = element("table", {}, element("thead", {}, top), element("tbody", {}, ...body));
      const label = say("Odds token by token");
      rows.replaceChildren(
        element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table),
      );
    },
  };
}
