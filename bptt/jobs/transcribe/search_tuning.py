"""The weights of a search with the fewest errors on utterances of which the text is known.

Search and line search alternate (Och 2003, section 4): the texts found with some weights, and those found
before, are rescored with all weights; the best of these are searched with next. The probabilities of symbols
are computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from bptt.data.error_rates import UNITS
from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.jobs.rescore.rescoring import Candidate, Weights, align_all
from bptt.jobs.rescore.tuning import tune
from bptt.jobs.transcribe.searching import SpeechSearch

# The search of the first round; the second usually has the final texts.
_ROUNDS = 4


@dataclass(frozen=True)
class TunedSearch:
    """Weights, the errors that a search with them makes, and those of each round with its weights."""

    weights: Weights
    errors: int
    rounds: tuple[tuple[Weights, int], ...]


def tune_search(
    search: SpeechSearch,
    log_probabilities: Sequence[Tensor],
    references: Sequence[str],
    unit: str = "word",
) -> TunedSearch:
    """Set the weights of a search to those with the fewest errors, and return them.

    `unit` is a name in `UNITS`. The weights that the search has are tried first, and kept if none are better.
    Raises InputError if all references are empty.
    """
    found: list[dict[str, Candidate]] = [{} for _ in references]
    rounds: list[tuple[Weights, int]] = []
    while len(rounds) < _ROUNDS:
        first = []
        for known, frames in zip(found, log_probabilities, strict=True):
            for rank, one in enumerate(search.find(frames, len(frames) + 1)):
                text = search.text(one)
                words, characters = (len(UNITS[each](text)) for each in ("word", "character"))
                known[text] = Candidate(one.acoustic, one.language, words, characters, 0)
                if rank == 0:
                    first.append(text)
        lists = [list(known) for known in found]
        errors = _errors(lists, references, unit)
        made = sum(some[texts.index(text)] for some, texts, text in zip(errors, lists, first, strict=True))
        rounds.append((search.weights, made))
        tuned = tune(tuple(tuple(known.values()) for known in found), errors)
        if tuned.errors >= made or tuned.weights in [weights for weights, _ in rounds]:
            break
        search.weights = tuned.weights
    weights, errors_made = min(rounds, key=lambda each: each[1])
    search.weights = weights
    return TunedSearch(weights, errors_made, tuple(rounds))


def _errors(lists: Sequence[Sequence[str]], references: Sequence[str], unit: str) -> list[list[int]]:
    utterances = tuple(
        Utterance(str(n), tuple(ScoredHypothesis(text, 0.0) for text in texts), reference)
        for n, (texts, reference) in enumerate(zip(lists, references, strict=True))
    )
    found = align_all(NBest("texts to tune on", utterances), unit)
    return [[one.errors for one in some] for some in found]
