// The problems that cells are trained on. Each has sizes, a baseline (the loss of knowing how often answers occur), and
// draws examples { x, targets }: x has the inputs of all steps, `targets` an answer for each step that has a loss.

const PROBLEMS = { adding: addingProblem, copying: copyingProblem, text: textProblem };
// Letters of the copying problem, beside the blank and the mark that asks for them.
const COPIED = 4;
const MOST_CHARACTERS = 120;
const OTHER_CHARACTER = "□";

// The sum of the two marked ones of the numbers between 0 and 1, one in each half (Hochreiter & Schmidhuber 1997).
function addingProblem({ steps }) {
  const half = Math.floor(steps / 2);
  return {
    steps,
    inputSize: 2,
    outputs: 1,
    isNumber: true,
    lossSteps: [steps - 1],
    baseline: 1 / 6,
    draw(random) {
      const x = new Float64Array(2 * steps);
      for (let t = 0; t < steps; ++t) x[2 * t] = random();
      const marked = [Math.floor(random() * half), half + Math.floor(random() * (steps - half))];
      for (const t of marked) x[2 * t + 1] = 1;
      return { x, targets: [x[2 * marked[0]] + x[2 * marked[1]]], marked };
    },
    words: ({ x, targets, marked }, [answer]) => {
      const [one, other] = marked.map((t) => x[2 * t].toFixed(2));
      return `${one} + ${other} = ${targets[0].toFixed(2)}; answer ${answer[0].toFixed(2)}`;
    },
  };
}

// A few letters, many blanks, a mark; then the letters in order. Before the mark the answer is a blank.
function copyingProblem({ steps, letters }) {
  const wait = steps - 2 * letters;
  const [blank, mark] = [COPIED, COPIED + 1];
  const sign = (number) => (number === blank ? "·" : "abcd"[number]);
  return {
    steps,
    inputSize: COPIED + 2,
    outputs: COPIED + 1,
    isNumber: false,
    lossSteps: Array.from({ length: steps }, (_, t) => t),
    baseline: (letters * Math.log(COPIED)) / steps,
    draw(random) {
      const copied = Array.from({ length: letters }, () => Math.floor(random() * COPIED));
      const read = [...copied, ...Array(steps - letters).fill(blank)];
      read[letters + wait - 1] = mark;
      return { x: oneHot(read, COPIED + 2), targets: [...Array(steps - letters).fill(blank), ...copied], copied };
    },
    words: ({ copied }, answers) => {
      const last = answers.slice(-letters).map(likeliestOf);
      return `${copied.map(sign).join("")} to copy; answer ${last.map(sign).join("")}`;
    },
  };
}

// The next character of a text, in pieces that begin anywhere; the last tenth is held out.
function textProblem({ steps: wanted, text }) {
  const all = [...text];
  // A piece of a short text has all of it.
  const steps = Math.min(wanted, all.length - 1);
  const counts = new Map();
  for (const character of all) counts.set(character, (counts.get(character) ?? 0) + 1);
  const kept = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, MOST_CHARACTERS - 1);
  const known = kept.length < counts.size ? [...kept, OTHER_CHARACTER] : kept;
  const numbers = new Map(known.map((character, number) => [character, number]));
  const codes = all.map((character) => numbers.get(character) ?? known.length - 1);
  const shares = new Float64Array(known.length);
  for (const code of codes) shares[code] += 1 / codes.length;
  const border = Math.max(steps + 1, Math.floor(0.9 * codes.length));
  const isSplit = codes.length - border > steps;
  const piece = (from, to, random) => {
    const begin = from + Math.floor(random() * Math.max(1, to - from - steps));
    const codesHere = codes.slice(begin, begin + steps + 1);
    return { x: oneHot(codesHere.slice(0, steps), known.length), targets: codesHere.slice(1) };
  };
  return {
    steps,
    inputSize: known.length,
    outputs: known.length,
    isNumber: false,
    lossSteps: Array.from({ length: steps }, (_, t) => t),
    baseline: -shares.reduce((sum, each) => sum + (each && each * Math.log(each)), 0),
    draw: (random) => piece(0, isSplit ? border : codes.length, random),
    drawHeldOut: (random) => piece(isSplit ? border : 0, codes.length, random),
    characters: known,
  };
}

function oneHot(numbers, width) {
  const x = new Float64Array(numbers.length * width);
  numbers.forEach((number, t) => (x[t * width + number] = 1));
  return x;
}

function likeliestOf(logits) {
  return logits.indexOf(Math.max(...logits));
}
