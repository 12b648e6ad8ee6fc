"""Sequences drawn token by token from a network that has read a source, or greedily chosen."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bptt.data.batches import NOTHING
from bptt.data.vocabulary_options import END
from bptt.jobs.language.sampling import distribution, pick, places_of
from bptt.jobs.language.sampling_options import SamplingOptions
from bptt.jobs.translate.hypotheses import Hypothesis, LengthLimit, State, Step, Trail, end_where


@torch.no_grad()
def draw(
    step: Step[State],
    state: State,
    lengths: Sequence[int],
    options: SamplingOptions,
    numbers: Sequence[int],
    limit: LengthLimit | None = None,
) -> list[Hypothesis]:
    """Draw one sequence for each source of `lengths` (B,), from the `state` of B rows.

    At temperature 0 this is greedy search. `limit` and `options.length` bound the number of tokens. The score
    of a sequence is its ln P. `numbers` (B,) identify the samples of the seed: a sample depends only on its
    number and its source.
    """
    limit = limit or LengthLimit()
    most = [min(limit.of(length), options.length) for length in lengths]
    trail, found = Trail(), {}
    running, sums = list(range(len(lengths))), torch.zeros(len(lengths), dtype=torch.float64)
    tokens = torch.full((len(lengths),), NOTHING)
    for count, places in enumerate(places_of(options.seed, options.length, numbers), 1):
        log_probabilities, state, weights = step(tokens, state)
        trail.attend(weights)
        allowed = end_where([most[source] == count for source in running], log_probabilities)
        tokens = pick(distribution(allowed, options).cpu(), places[running])
        sums = sums + log_probabilities.cpu().gather(1, tokens[:, None]).squeeze(1).double()
        for row in (tokens == END).nonzero().flatten().tolist():
            written, attention = trail.follow(count - 1, row, lengths[running[row]])
            found[running[row]] = Hypothesis(written, float(sums[row]), float(sums[row]), attention)
        rows = (tokens != END).nonzero().flatten()
        if not len(rows):
            break
        tokens, sums, state = tokens[rows], sums[rows], state.select(rows)
        running = [running[row] for row in rows.tolist()]
        trail.write(rows, tokens)
    return [found[source] for source in range(len(lengths))]
