"""The choice among the hypotheses of n-best lists as a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bptt.data.error_rates import Alignment, pool
from bptt.data.nbest import NBest
from bptt.jobs.answers import Answer
from bptt.jobs.language.casing import detect_case
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.model import Trained
from bptt.jobs.rescore.options import ListOptions, WeightOptions
from bptt.jobs.rescore.rescoring import Candidates, Weights, align_all, choose, error_rates, judge
from bptt.jobs.rescore.tuning import tune

_NO_MEMORY = MemoryOptions()


@dataclass(frozen=True)
class ChosenText(Answer):
    """The text chosen for an utterance, and its number in the list, from 1."""

    name: str
    text: str
    hypothesis: int


@dataclass(frozen=True)
class Errors(Answer):
    """The errors of the texts of all utterances against their references, and the words of these."""

    error_rate: float
    errors: int
    words: int
    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @classmethod
    def of(cls, found: Alignment) -> Errors:
        """Return the errors of an alignment."""
        return cls(found.error_rate, found.errors, found.words, **vars(found))


@dataclass(frozen=True)
class RescoreAnswer(Answer):
    """The chosen texts, the `case` in which the model read them, and the weights: given or tuned.

    `row` is the number of the lists, from 1. With references the record holds the errors of the first, the
    chosen and the best hypotheses.
    """

    row: int
    case: str
    weights: Weights
    chosen: tuple[ChosenText, ...]
    first: Errors | None = None
    rescored: Errors | None = None
    oracle: Errors | None = None


def rescore(
    trained: Trained,
    lists: NBest,
    reading: ListOptions,
    weights: WeightOptions,
    tuned_on: NBest | None = None,
    memory: MemoryOptions = _NO_MEMORY,
    say: Callable[[str], None] = lambda line: None,
) -> RescoreAnswer:
    """Choose from lists by the weights that are given, or tuned on `tuned_on`.

    `say` takes lines for the user: the case of the texts, and the tuned weights. Raises InputError if a
    reference is missing.
    """
    case: str = reading.case
    if case == "auto":
        case = detect_case(trained, (each.hypotheses[0].text for each in lists.utterances))
        if case != "keep":
            say(f"case: the model reads the texts in {case} case, which it knows best")
    ask = partial(judge, trained, case=case, batch_size=reading.batch_size, memory=memory)
    # References that are missing are an error before the work.
    alignments = align_all(lists, reading.unit) if lists.has_references else []
    if tuned_on is None:
        given = weights.weight or 0.0, weights.per_word, weights.per_character, weights.per_unknown
        used = Weights(*given)
    else:
        used = _tuned(ask, tuned_on, reading.unit, say)
    chosen = choose(ask(lists), used)
    texts = tuple(
        ChosenText(each.name, each.hypotheses[place].text, place + 1)
        for each, place in zip(lists.utterances, chosen, strict=True)
    )
    return RescoreAnswer(1, case, used, texts, *_errors(alignments, chosen))


def _tuned(
    ask: Callable[[NBest], Candidates], lists: NBest, unit: str, say: Callable[[str], None]
) -> Weights:
    """Return the weights with the fewest errors on lists, and say them as options."""
    alignments = align_all(lists, unit)
    found = tune(ask(lists), [[each.errors for each in some] for some in alignments])
    first, weights = pool(some[0] for some in alignments), found.weights
    say(
        f"tuned on {len(alignments):,} utterances of {lists.where}, error rate there "
        f"{first.error_rate:.2%} before, {found.errors / first.words:.2%} with "
        f"`weight` {weights.language:.6g} `per_word` {weights.per_word:.6g} "
        f"`per_character` {weights.per_character:.6g} `per_unknown` {weights.per_unknown:.6g}"
    )
    return weights


def _errors(alignments: Sequence[Sequence[Alignment]], chosen: Sequence[int]) -> tuple[Errors, ...]:
    if not alignments:
        return ()
    found = error_rates(alignments, chosen)
    return Errors.of(found.first), Errors.of(found.rescored), Errors.of(found.oracle)
