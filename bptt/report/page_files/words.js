// The words of the page in its language: WORDS holds translations by the English text, none in English.

// A text in which each {} is replaced by an insertion; a translation may number them, as {1}.
function say(english, ...insertions) {
  const known = typeof WORDS === "undefined" ? {} : WORDS;
  let next = 0;
  return (known[english] ?? english).replace(/\{(\d*)\}/g, (_, place) => String(insertions[place || next++]));
}
