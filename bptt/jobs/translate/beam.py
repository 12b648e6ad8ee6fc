"""Beam search for the most probable sequences, with penalties for length and for untranslated words."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from bptt.data.batches import NOTHING
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError, TrainingError
from bptt.jobs.translate.hypotheses import Hypothesis, LengthLimit, State, Step, Trail, end_where
from bptt.jobs.translate.options import BeamOptions


@torch.no_grad()
def beam_search(
    step: Step[State],
    state: State,
    lengths: Sequence[int],
    options: BeamOptions | None = None,
    limit: LengthLimit | None = None,
) -> list[list[Hypothesis]]:
    """Return the best hypotheses of each source of `lengths` (B,), best first, from the `state` of B rows.

    At each step, the `width` most probable continuations that end become finished hypotheses, and the `width`
    most probable of the others stay open. The search for a source ends when `width` hypotheses have ended, or
    no open one can become one of the `n_best`. Results for a source do not depend on the others. There are
    fewer than `n_best` only if no more sequences exist.

    Raises InputError if a coverage penalty is chosen and the network has no attention, TrainingError if all
    probabilities are NaN or 0.
    """
    search = _Search(lengths, options or BeamOptions(), limit or LengthLimit())
    tokens = torch.full((len(lengths),), NOTHING)
    while len(tokens):
        log_probabilities, state, weights = step(tokens, state)
        rows, tokens = search.advance(log_probabilities, weights)
        state = state.select(rows)
    return [search.found(source) for source in range(len(lengths))]


@dataclass(frozen=True)
class _Ended:
    """A hypothesis that ended in row `row` of step `step`."""

    score: float
    log_probability: float
    step: int
    row: int


class _Search:
    """The open and the ended hypotheses of all sources.

    A sources are still active; each has w rows of the network's state, and hypothesis b of active source a is
    in row a·w + b. `_sums` (A, w) holds ln P of the hypotheses, -inf where there is none.
    """

    def __init__(self, lengths: Sequence[int], options: BeamOptions, limit: LengthLimit) -> None:
        self._options, self._lengths = options, lengths
        self._limits = [limit.of(length) for length in lengths]
        self._active = list(range(len(lengths)))
        self._ended: list[list[_Ended]] = [[] for _ in lengths]
        # The number of ended hypotheses, those included that are not among the best.
        self._counts = [0 for _ in lengths]
        self._sums = torch.zeros(len(lengths), 1, dtype=torch.float64)
        self._covered = torch.zeros(len(lengths), 1, dtype=torch.float64)
        self._trail = Trail()

    def advance(self, log_probabilities: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Advance by one step, given ln P (A·w, V) and attention weights (A·w, S).

        Return the rows that continue, and the token that each of them reads next.
        """
        if self._options.beta and not weights.shape[1]:
            raise InputError("beta", "a coverage penalty needs a network with attention", self._options.beta)
        self._trail.attend(weights)
        covered = self._covered + weights.cpu().double()  # (A·w, S)
        sums, rows, tokens = self._candidates(log_probabilities)
        ends = tokens == END
        self._finish(sums, rows, ends, covered)
        # At most `width` of the 2·width candidates end, one in each row, so `width` open ones remain.
        sums, places = sums.masked_fill(ends, -inf).topk(min(self._options.width, sums.shape[1]))
        going = [a for a, best in enumerate(sums[:, 0].tolist()) if not self._is_done(self._active[a], best)]
        self._active = [self._active[a] for a in going]
        self._sums, places = sums[going], places[going]
        rows, tokens = (each[going].gather(1, places).flatten() for each in (rows, tokens))
        self._covered = covered[rows]
        self._trail.write(rows, tokens)
        return rows, tokens

    def found(self, source: int) -> list[Hypothesis]:
        """Return the best hypotheses of a source. Raises TrainingError if none has ended."""
        found = []
        for ended in self._ended[source]:
            tokens, attention = self._trail.follow(ended.step, ended.row, self._lengths[source])
            found.append(Hypothesis(tokens, ended.log_probability, ended.score, attention))
        if not found:
            raise TrainingError("beam search", "the network must give some token a probability", "NaN or 0")
        return found

    def _candidates(self, log_probabilities: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the best continuations of each source, twice the width, in falling order of ln P.

        Three tensors (A, 2·width): ln P, the row that is continued, and the token.
        """
        active, width = self._sums.shape
        if self._options.refuse_unknown:
            unknown = torch.tensor(UNKNOWN, device=log_probabilities.device)
            log_probabilities = log_probabilities.index_fill(1, unknown, -inf)
        last = [self._limits[source] == len(self._trail) for source in self._active for _ in range(width)]
        log_probabilities = end_where(last, log_probabilities)
        wanted = 2 * self._options.width
        most = log_probabilities.topk(min(wanted, log_probabilities.shape[1]))
        best, tokens = most.values.cpu(), most.indices.cpu()  # (A·w, c)
        sums = (self._sums.view(-1, 1) + best.double()).view(active, -1)  # (A, w·c)
        sums, places = sums.topk(min(wanted, sums.shape[1]))
        rows = torch.arange(active)[:, None] * width + places // best.shape[1]
        return sums, rows, tokens.view(active, -1).gather(1, places)

    def _finish(self, sums: Tensor, rows: Tensor, ends: Tensor, covered: Tensor) -> None:
        """Add the `width` best continuations that end to the ended hypotheses."""
        ended = ends[:, : self._options.width] & sums[:, : self._options.width].isfinite()
        for a, place in ended.nonzero().tolist():
            source, row = self._active[a], int(rows[a, place])
            log_probability = float(sums[a, place])
            score = log_probability / self._options.lp(len(self._trail))
            if self._options.beta:
                places = covered[row, : self._lengths[source]]
                score += self._options.beta * float(places.clamp(max=1).log().sum())
            one = _Ended(score, log_probability, len(self._trail) - 1, row)
            insort(self._ended[source], one, key=lambda each: -each.score)
            del self._ended[source][self._options.n_best :]
            self._counts[source] += 1

    def _is_done(self, source: int, best: float) -> bool:
        """Return whether a source is done; `best` is ln P of its most probable open hypothesis.

        Each further token lowers ln P <= 0, lp is at most that of the longest sequence, and cp is never above
        0: so no open hypothesis can score more than `best` / lp(longest). Of equal scores the first one
        stays.
        """
        options, limit = self._options, self._limits[source]
        if len(self._trail) == limit or best == -inf or self._counts[source] >= options.width:
            return True
        ended = self._ended[source]
        return len(ended) == options.n_best and best / options.lp(limit) <= ended[-1].score
