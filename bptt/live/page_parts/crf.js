// The conditional random field over tags (Lafferty, McCallum & Pereira 2001): sums and best paths over sequences.

// The score of what is not allowed: it swallows every other, and a logarithm of sums of it has a gradient.
const FORBIDDEN = -1e30;

class Field {
  constructor({ start, transitions, end, allowed }, Numbers) {
    const masked = (words, places) =>
      weightsOf(words, Numbers).map((score, k) => (places[k] ? score : FORBIDDEN));
    this.start = masked(start, allowed.start);
    this.transitions = masked(transitions, allowed.transitions);
    this.end = masked(end, allowed.end);
    this.count = this.start.length;
  }

  // ln of the sum over all sequences up to each step that end in each tag, and from there on; and ln Z.
  sums(emissions, steps) {
    const { count, start, transitions, end } = this;
    const before = new Float64Array(steps * count);
    const behind = new Float64Array(steps * count);
    const terms = new Float64Array(count);
    for (let t = 0; t < steps; ++t)
      for (let k = 0; k < count; ++k) {
        for (let j = 0; t && j < count; ++j)
          terms[j] = before[(t - 1) * count + j] + transitions[j * count + k];
        before[t * count + k] = emissions[t * count + k] + (t ? logSumExp(terms) : start[k]);
      }
    for (let t = steps - 1; t >= 0; --t)
      for (let k = 0; k < count; ++k) {
        const next = (t + 1) * count;
        for (let j = 0; t < steps - 1 && j < count; ++j)
          terms[j] = transitions[k * count + j] + emissions[next + j] + behind[next + j];
        behind[t * count + k] = t < steps - 1 ? logSumExp(terms) : end[k];
      }
    const last = before.subarray((steps - 1) * count).map((each, k) => each + end[k]);
    return { before, behind, total: steps ? logSumExp(last) : 0 };
  }

  // P of each tag at each step; ∂ ln Z / ∂ emissions.
  marginals(emissions, steps) {
    const { before, behind, total } = this.sums(emissions, steps);
    return { marginals: before.map((each, k) => Math.exp(each + behind[k] - total)), total };
  }

  // The best sequence (Viterbi 1967), and its score.
  best(emissions, steps) {
    const { count, start, transitions, end } = this;
    if (!steps) return { tags: [], score: 0 };
    let scores = start.map((each, k) => each + emissions[k]);
    const origins = [];
    for (let t = 1; t < steps; ++t) {
      const origin = new Int32Array(count);
      const found = new Float64Array(count);
      for (let k = 0; k < count; ++k) {
        for (let j = 1; j < count; ++j)
          if (scores[j] + transitions[j * count + k] > scores[origin[k]] + transitions[origin[k] * count + k])
            origin[k] = j;
        found[k] = scores[origin[k]] + transitions[origin[k] * count + k] + emissions[t * count + k];
      }
      origins.push(origin);
      scores = found;
    }
    const final = Array.from(scores, (each, k) => each + end[k]);
    const tags = [final.reduce((best, each, k) => (each > final[best] ? k : best), 0)];
    for (const origin of origins.reverse()) tags.unshift(origin[tags[0]]);
    return { tags, score: Math.max(...final) };
  }
}
