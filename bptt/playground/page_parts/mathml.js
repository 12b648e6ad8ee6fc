// Formulas as MathML Core: trees [tag, attributes, children] as bptt.explain.mathml writes them, made elements or text.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const TIGHT = { lspace: "0", rspace: "0" };

function mathOf(formula) {
  const { kind, index } = formula;
  if (kind === "name") return markedMath(formula.mark, symbolMath(formula, null));
  if (kind === "digits") return ["mn", {}, [formula.text]];
  if (kind === "function")
    return [
      "",
      {},
      [
        ["mi", { mathvariant: "normal" }, [formula.name]],
        ["mo", {}, ["\u2061"]],
      ],
    ];
  if (kind === "operator")
    return formula === TIMES ? ["mo", { lspace: "0", rspace: "0.17em" }, [TIMES.sign]] : ["mo", {}, [formula.sign]];
  if (kind === "row") return ["mrow", {}, formula.parts.map(mathOf)];
  if (kind === "fraction") return ["mfrac", {}, [mathOf(formula.above), mathOf(formula.below)]];
  if (kind === "raised") return raisedMath(formula);
  if (kind === "fenced") {
    const fenced = fencedMath(mathOf(formula.inner), formula.left, formula.right);
    return index ? ["msub", {}, [fenced, indexMath(index)]] : fenced;
  }
  if (kind === "root") return ["msqrt", {}, [mathOf(formula.inner)]];
  return ["munder", {}, [["mo", {}, ["∑"]], indexMath(index)]];
}

function raisedMath({ base, exponent }) {
  const above = exponent === "T" ? ["mo", {}, ["⊤"]] : indexMath(exponent.replace("-", "−"));
  const isNamed = base.kind === "name" && !base.mark && (base.subscripts.length || base.index);
  return isNamed ? symbolMath(base, above) : ["msup", {}, [mathOf(base), above]];
}

// δ, ∂ or ∇ before a symbol.
function markedMath(mark, symbol) {
  return mark ? ["mrow", {}, [["mi", {}, [mark]], symbol]] : symbol;
}

// A base with what is below it, and what is above it or null.
function symbolMath({ base, subscripts, index }, above) {
  const letter = ["mi", {}, [base]];
  const below = [...subscripts.map((each) => ["mi", {}, [each]]), ...(index ? [indexMath(index)] : [])];
  if (!below.length) return above ? ["msup", {}, [letter, above]] : letter;
  const comma = ["mo", { lspace: "0", rspace: "0.1em" }, [","]];
  const listed = below.flatMap((each, k) => (k ? [comma, each] : [each]));
  const joined = below.length === 1 ? below[0] : ["mrow", {}, listed];
  return above ? ["msubsup", {}, [letter, joined, above]] : ["msub", {}, [letter, joined]];
}

function fencedMath(inner, left, right) {
  const holds = ([tag, , children]) => tag === "mfrac" || children.some((each) => Array.isArray(each) && holds(each));
  const stretchy = String(holds(inner));
  const sign = (form, text) => ["mo", { form, stretchy }, [text]];
  return ["mrow", {}, [sign("prefix", left), inner, sign("postfix", right)]];
}

// An index such as t−1, token by token.
function indexMath(index) {
  const tokens = index.match(/\d+|[^\W\d]|\W/gu).map((token) => {
    if (/^\d/.test(token)) return ["mn", {}, [token]];
    return /\p{L}/u.test(token) ? ["mi", {}, [token]] : ["mo", TIGHT, [token]];
  });
  return tokens.length === 1 ? tokens[0] : ["mrow", {}, tokens];
}

function mathElement(tree) {
  if (!Array.isArray(tree)) return document.createTextNode(tree);
  const [tag, attributes, children] = tree;
  const made = tag ? document.createElementNS(MATHML, tag) : document.createDocumentFragment();
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map(mathElement));
  return made;
}

function mathText(tree) {
  if (!Array.isArray(tree)) return tree.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const [tag, attributes, children] = tree;
  const inside = children.map(mathText).join("");
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  return tag ? `<${tag}${written.join("")}>${inside}</${tag}>` : inside;
}
