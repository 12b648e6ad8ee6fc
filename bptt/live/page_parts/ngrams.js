// The linear model of n-grams beside a network: the n-grams of a text or of DNA, weighed as bptt weighs them.

const [WORDS_JOINED, CHARACTERS_JOINED, BASES_JOINED] = [2, 5, 3];

class Ngrams {
  constructor({ placed, groups, weight, bias, share }, kind, Numbers) {
    Object.assign(this, {
      placed,
      kind,
      share,
      bias: weightsOf(bias, Numbers),
      weight: weightsOf(weight, Numbers),
    });
    let first = 0;
    this.groups = groups.map(({ grams, weights }) => {
      const known = new Map(grams.map((gram, k) => [gram, { number: first + k, weight: weights[k] }]));
      first += grams.length;
      return known;
    });
  }

  // The logits of a text by its n-grams alone.
  scores(text) {
    const found = Float64Array.from(this.bias);
    const cut = this.kind === "dna" ? [basesOf(text, this.placed)] : textGroups(text);
    cut.forEach((grams, g) => {
      const counts = new Map();
      for (const gram of grams) if (this.groups[g].has(gram)) counts.set(gram, (counts.get(gram) ?? 0) + 1);
      const weighed = Array.from(counts, ([gram, count]) => {
        const { number, weight } = this.groups[g].get(gram);
        return { number, value: (1 + Math.log(count)) * weight };
      });
      const norm = Math.sqrt(weighed.reduce((sum, { value }) => sum + value * value, 0));
      // bptt keeps these values in 32 bits.
      for (const { number, value } of weighed)
        for (let k = 0; k < found.length; ++k)
          found[k] += Math.fround(value / norm) * this.weight[number * found.length + k];
    });
    return found;
  }
}

// Words and their pairs; and the letters of a word with its ends marked.
function textGroups(text) {
  const pieces = text.toLowerCase().match(WORD) ?? [];
  const words = pieces.map((piece) => piece.trim()).filter((word) => word);
  const pairs = words.slice(1).map((word, k) => `${words[k]} ${word}`);
  const long = words.filter((word) => Array.from(word).length > 1);
  return [
    [...words, ...pairs],
    long.flatMap((word) => slices(` ${word} `, WORDS_JOINED, CHARACTERS_JOINED).map(([, gram]) => gram)),
  ];
}

function basesOf(letters, placed) {
  return slices(letters, 1, BASES_JOINED).map(([start, gram]) => (placed ? `${start + 1}:${gram}` : gram));
}

// Every stretch of `least` to `most` characters, with the place where it begins.
function slices(text, least, most) {
  const characters = Array.from(text);
  const found = [];
  for (let n = least; n <= most; ++n)
    for (let start = 0; start + n <= characters.length; ++start)
      found.push([start, characters.slice(start, start + n).join("")]);
  return found;
}
