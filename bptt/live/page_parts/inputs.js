// Inputs as they are typed: cut into steps, and each step as the vector that the first layer reads.

// White space as Python has it.
const SPACE = /[^\S\ufeff]|[\x1c-\x1f\x85]/;
const SPACES = new RegExp(`(?:${SPACE.source})+`);

// A reader returns { items, names, left }: the steps, how they are shown, and the number of those not read; of
// letters also `text`, which the linear model reads, and `upTo`, that of the first steps alone.
const READERS = {
  text({ vocabulary, limit }) {
    const known = new Vocabulary(vocabulary);
    return (text) => {
      const all = known.pieces(text);
      const read = limit ? all.slice(0, limit) : all;
      const items = read.map(({ token }) => token);
      // The linear model reads what the network reads.
      const whole = limit ? known.decode(items, true) : folded(text, known.normalise);
      const upTo = (count) => known.decode(items.slice(0, count), true);
      const unknown = items.filter((token) => token === UNKNOWN).length;
      return {
        items,
        names: read.map(({ name }) => name),
        text: whole,
        upTo,
        unknown,
        left: all.length - items.length,
      };
    };
  },
  dna({ letters, limit }) {
    return (text) => {
      const { names, whole, left } = lettersOf(text, letters, limit);
      const items = names.map((letter) => letters.indexOf(letter));
      const upTo = (count) => names.slice(0, count).join("");
      return { items, names, text: upTo(names.length), upTo, whole, left };
    };
  },
  // A row of numbers is a step; of one number each, any white space parts them.
  series({ width, limit }) {
    return (text) => {
      const rows = width === 1 ? text.split(/[\s,;]+/) : text.split("\n");
      const parts = rows
        .map((row) => row.split(/[\s,;]+/).filter((part) => part))
        .filter((row) => row.length);
      const items = parts.filter((row) => row.length === width).map((row) => row.join(" "));
      const read = limit ? items.slice(0, limit) : items;
      return { items: read, names: read, text: "", left: parts.length - read.length };
    };
  },
  words(reading) {
    return (text) => wordsOf(cutWords(text, reading), reading);
  },
  letters(reading) {
    return (text) => {
      const { names, left } = lettersOf(text, reading.letters, 0);
      return { ...wordsOf(names, reading), left };
    };
  },
};

// Capital letters of a sequence; lines that name one, as FASTA has them, are no part of it.
function lettersOf(text, letters, limit) {
  const typed = Array.from(text.replace(/^>.*$/gm, "").toUpperCase()).filter((letter) => !SPACE.test(letter));
  const known = typed.filter((letter) => letters.includes(letter));
  const names = limit ? known.slice(0, limit) : known;
  return { names, whole: known, left: typed.length - names.length };
}

function folded(text, normalise) {
  return normalise === "nfkc" ? text.normalize("NFKC") : text;
}

// Words with their numbers; behind the embedding are those known by a vector alone.
function wordsOf(words, { lists, lowercase, normalise }) {
  const spelled = words.map((word) => folded(word, normalise));
  const numbers = spelled.map((word) => wordNumber(lowercase ? word.toLowerCase() : word, lists));
  const items = words.map((word, k) => ({
    word: numbers[k],
    characters: Array.from(lists.characters ? spelled[k] : "", (letter) =>
      Math.max(0, placeIn(lists.characters, letter)),
    ),
  }));
  const unknown = numbers.filter((number) => !number).length;
  return { items, names: words, text: "", left: 0, unknown };
}

function wordNumber(form, lists) {
  const number = placeIn(lists.words, form);
  if (number > 0 || !lists.vector_words) return Math.max(0, number);
  const other = placeIn(lists.vector_words, form);
  return other > 0 ? lists.words.length + other : 0;
}

const PLACES = new Map();
function placeIn(list, word) {
  if (!PLACES.has(list)) PLACES.set(list, new Map(list.map((each, number) => [each, number])));
  return PLACES.get(list).get(word) ?? -1;
}

// An input part writes the vector of an item into an array, which is zero there.
function createPart(page, Numbers) {
  return PARTS[page.kind](page, Numbers);
}

const PARTS = {
  tokens({ size, embedding, others }, Numbers) {
    const table = embedding && weightsOf(embedding, Numbers);
    const more = others && weightsOf(others, Numbers);
    const width = table ? table.length / size : size;
    const row = (array, number) => array.subarray(number * width, (number + 1) * width);
    const write = (x, at, item) => {
      const number = item.word ?? item;
      if (!table) x[at + number] = 1;
      else x.set(number < size ? row(table, number) : row(more, number - size), at);
    };
    return { width, write };
  },
  table({ rows }) {
    return { width: rows[0].length, write: (x, at, item) => x.set(rows[item], at) };
  },
  // A number that is missing counts as the mean.
  series({ mean, deviation }) {
    const write = (x, at, item) =>
      item
        .split(" ")
        .forEach(
          (part, k) => (x[at + k] = Number.isNaN(Number(part)) ? 0 : (Number(part) - mean[k]) / deviation[k]),
        );
    return { width: mean.length, write };
  },
  // The word, and the last states of two layers that read its characters.
  spelled({ words, characters, speller }, Numbers) {
    const [word, letter] = [PARTS.tokens(words, Numbers), PARTS.tokens(characters, Numbers)];
    const stack = newStack(openLayers(speller, Numbers), false, Numbers);
    const write = (x, at, item) => {
      word.write(x, at, item);
      const count = item.characters.length;
      if (!count) return;
      stack.reserve(count + 1);
      stack.input.fill(0, 0, count * letter.width);
      item.characters.forEach((number, k) => letter.write(stack.input, k * letter.width, number));
      stack.forward(0, count);
      let from = at + word.width;
      for (const layer of stack.layers) {
        x.set(layer.at(layer.cell.output, count - 1), from);
        from += layer.outputSize;
      }
    };
    return { width: word.width + stack.outputSize, write };
  },
};
