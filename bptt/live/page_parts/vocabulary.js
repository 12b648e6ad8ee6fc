// Texts as numbers of tokens and back: as bptt's own vocabularies cut them.

const UNKNOWN = 0;
const END = 1;

const LETTERS = String.raw`\p{L}\p{M}\p{N}_`;
const UNSPACED = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"]
  .map((name) => `\\p{Script=${name}}`)
  .join("");
const WORD = new RegExp(
  [
    ` ?[${UNSPACED}]\\p{M}*`,
    ` ?[[${LETTERS}]--[${UNSPACED}]]+`,
    `(?<=[${LETTERS}])['’][[${LETTERS}]--[${UNSPACED}]]+`,
    ` ?[^\\s${LETTERS}]`,
    "\\s+(?!\\S)",
    "\\s+",
  ].join("|"),
  "gv",
);
const BYTE_PAIR_WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const SIGN = /(?!(?<=\p{L})['’](?=\p{L}))[\p{P}\p{S}]/gu;

class Vocabulary {
  constructor(found) {
    Object.assign(this, found);
    this.size = this.tokens.length;
    this.numbers = new Map(this.tokens.map((token, number) => [token, number]));
    this.ranks = new Map(this.merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
    this.letters = byteLetters();
    this.bytes = new Map(this.letters.map((letter, byte) => [letter, byte]));
    this.shown = this.tokens.map((token, number) => this.spell(token, number));
  }

  // The text of a token; bytes that are no whole character become �.
  spell(token, number) {
    if (number === END) return "\n";
    if (number === UNKNOWN) return `${this.opening}<unk>`;
    if (this.level !== "bpe") return token;
    return new TextDecoder().decode(Uint8Array.from(token, (letter) => this.bytes.get(letter)));
  }

  encode(text) {
    return this.pieces(text).map(({ token }) => token);
  }

  // The tokens of a text, each with its spelling, an unknown one as it was typed.
  pieces(text) {
    const found = [];
    text.split("\n").forEach((line, number) => {
      if (number) found.push({ token: END, name: this.shown[END] });
      for (const piece of this.cut(this.normal(line && this.opening + line))) {
        const token = this.numbers.get(piece) ?? UNKNOWN;
        found.push({ token, name: token === UNKNOWN ? (piece ?? this.shown[UNKNOWN]) : this.shown[token] });
      }
    });
    return found;
  }

  normal(line) {
    let found = line;
    if (this.normalise === "nfkc") found = found.normalize("NFKC");
    if (this.lowercase) found = found.toLowerCase();
    if (!this.digits) found = found.replace(/\p{N}/gu, "");
    if (!this.punctuation) found = found.replace(SIGN, "");
    // eslint-disable-next-line no-control-regex
    if (!this.whiteSpace) found = found.replace(/[\s\x1c-\x1f]+/g, " ").replace(/ +$/, "");
    return found;
  }

  cut(line) {
    if (this.level === "character") return Array.from(line);
    if (this.level === "whitespace") return line.match(/ ?[^ ]+/g) ?? [];
    if (this.level === "bpe") return (line.match(BYTE_PAIR_WORD) ?? []).flatMap((word) => this.merged(word));
    // A spelled unknown word is read as one, with the space before it.
    return line.split(/(\s*<unk>)/).flatMap((part, k) => (k % 2 ? [null] : part.match(WORD) ?? []));
  }

  // Joins the pair that was learned first, again and again.
  merged(word) {
    const parts = Array.from(new TextEncoder().encode(word), (byte) => this.letters[byte]);
    for (;;) {
      let [best, place] = [Infinity, -1];
      for (let k = 0; k + 1 < parts.length; ++k) {
        const rank = this.ranks.get(`${parts[k]} ${parts[k + 1]}`) ?? Infinity;
        if (rank < best) [best, place] = [rank, k];
      }
      if (place < 0) return parts;
      parts.splice(place, 2, parts[place] + parts[place + 1]);
    }
  }

  // Tokens as text, behind what is there already: a line's first word has no space of its own.
  decode(tokens, begins) {
    let start = begins;
    const pieces = tokens.map((number) => {
      const piece = this.level === "bpe" && number > END ? this.tokens[number] : this.shown[number];
      const opened = start && piece.startsWith(this.opening) ? piece.slice(this.opening.length) : piece;
      start = number === END;
      return this.level === "bpe" && number > END
        ? Array.from(opened, (letter) => this.bytes.get(letter))
        : [...new TextEncoder().encode(opened)];
    });
    return new TextDecoder().decode(Uint8Array.from(pieces.flat()));
  }
}

// The letters that spell byte pairs: a printable byte is its own letter (Radford et al. 2019).
function byteLetters() {
  const isPrintable = (byte) =>
    (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte < 0xad) || (byte > 0xad && byte < 0x100);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}
