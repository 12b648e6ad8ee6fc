// A text cut into words as a tagger learned them: the rules of bptt's own cutting.

const HAN = "\\u3007\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
// Marks of Chinese part words without a space.
const FULL = "、。，．！？；：…—～·《》〈〉「」『』【】〔〕（）“”";
const PIECES = new RegExp(`[${HAN}]+|([${FULL}])\\1*|[^${HAN}${FULL}]+`, "gu");
const IS_HAN = new RegExp(`^[${HAN}]`, "u");
const OPENING = new Set("\"'`([{<«‘");
const CLOSING = new Set("\"'`)]}>»’,.;:!?");
const ALONE = new Set([...OPENING, ...CLOSING, ...FULL]);
// Marks that are cut off only if they were learned as words.
const PREFIX = new Set("$£€#");
const SUFFIX = new Set("%-");
const INITIALS = /^(?:[\p{L}\p{Nl}\p{No}]\.)+$/u;
const CLITIC = /^(?:['’][\p{L}\p{N}_]{1,2}|n['’]t)$/iu;

function cutWords(text, { level, kept }) {
  const chunks = text.split(SPACES).filter((chunk) => chunk);
  if (level === "character") return Array.from(chunks.join(""));
  if (level === "whitespace") return chunks;
  const known = new Set(kept);
  return chunks.flatMap((chunk) =>
    known.has(chunk)
      ? [chunk]
      : Array.from(chunk.matchAll(PIECES), ([piece]) => wordsOfPiece(piece, known)).flat(),
  );
}

function wordsOfPiece(piece, known) {
  if (known.has(piece)) return [piece];
  if (IS_HAN.test(piece) || FULL.includes(piece[0])) return Array.from(piece);
  return withoutMarks(piece, known);
}

// The marks at the ends of a piece apart, and the clitics that are known.
function withoutMarks(whole, known) {
  const [front, back] = [[], []];
  let piece = whole;
  while (piece.length > 1 && !known.has(piece)) {
    const suffix = suffixesOf(piece).find((each) => known.has(each)) ?? "";
    const opens = OPENING.has(piece[0]) || (PREFIX.has(piece[0]) && known.has(piece[0]));
    if (opens && !suffix) {
      front.push(piece[0]);
      piece = piece.slice(1);
    } else if (suffix || (CLOSING.has(piece.at(-1)) && !INITIALS.test(piece))) {
      back.push(suffix || piece.at(-1));
      piece = piece.slice(0, -back.at(-1).length);
    } else break;
  }
  return [...front, piece, ...back.reverse()];
}

// The clitics and runs of marks that a piece ends in, longest first.
function suffixesOf(piece) {
  const ends = Array.from({ length: piece.length - 1 }, (_, k) => piece.slice(k + 1));
  return ends.filter(
    (end) => CLITIC.test(end) || Array.from(end).every((mark) => ALONE.has(mark) || SUFFIX.has(mark)),
  );
}
