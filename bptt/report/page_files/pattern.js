// Patterns: regular expressions as Python writes them, matched in the tokens of a text.

/* 1 for the tokens that a match touches, or one of its groups if the pattern has any; ^ and $ are the ends of a
   line. Throws a SyntaxError if the pattern is none. */
function insideOf(texts, pattern) {
  const expression = expressionOf(pattern);
  const inside = new Uint8Array(texts.length);
  const ends = [];
  texts.reduce((length, text) => (ends.push(length + text.length), length + text.length), 0);
  for (const match of texts.join("").matchAll(expression)) {
    const meant = match.length > 1 ? match.indices.slice(1) : match.indices;
    for (const [from, to] of meant.filter((span) => span && span[0] < span[1])) {
      for (let i = firstAfter(ends, from); i < ends.length && ends[i] - texts[i].length < to; i += 1) {
        inside[i] = texts[i] ? 1 : inside[i];
      }
    }
  }
  return inside;
}

// A pattern of Python's re, whose \w and \d know all alphabets, and whose flags stand in front.
function expressionOf(pattern) {
  const [, flags = "", rest] = /^(?:\(\?([ims]+)\))?([^]*)$/.exec(pattern);
  const all = `dgm${flags.replace("m", "")}`;
  try {
    return new RegExp(inAllAlphabets(rest), `${all}u`);
  } catch {
    return new RegExp(rest, all);
  }
}

function inAllAlphabets(pattern) {
  const [word, digit] = ["\\p{L}\\p{N}_", "\\p{Nd}"];
  const classes = { "\\w": word, "\\d": digit };
  const [before, after] = [`(?<=[${word}])`, `(?=[${word}])`];
  const [notBefore, notAfter] = [`(?<![${word}])`, `(?![${word}])`];
  // In a class \b is another character, and \W cannot be written with others beside it.
  const outside = {
    "\\w": `[${word}]`,
    "\\d": `[${digit}]`,
    "\\W": `[^${word}]`,
    "\\D": `[^${digit}]`,
    "\\b": `(?:${before}${notAfter}|${notBefore}${after})`,
    "\\B": `(?:${before}${after}|${notBefore}${notAfter})`,
  };
  let inClass = false;
  const part = (found) => {
    if (found === "[" || found === "]") inClass = found === "[";
    return (inClass ? classes : outside)[found] ?? found;
  };
  return pattern.replace(/\(\?P</g, "(?<").replace(/\\[^]|[[\]]/g, part);
}

// The first token that ends after a place of the text.
function firstAfter(ends, place) {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > place) high = middle;
    else low = middle + 1;
  }
  return low;
}
