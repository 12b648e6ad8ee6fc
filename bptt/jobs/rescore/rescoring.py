"""The choice between hypotheses that sound alike, by acoustic score and language model.

L4 in docs/equations.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, starmap
from math import inf

from bptt.data.error_rates import UNITS, Alignment, align, pool
from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.data.split import split_indices
from bptt.errors import InputError
from bptt.jobs.language.casing import CASES
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.model import Trained
from bptt.jobs.language.running_scores import score_running
from bptt.jobs.language.running_text import RunningText
from bptt.jobs.language.scoring import LineScore, score_lines
from bptt.options.checks import check_choice, check_finite

_NO_MEMORY = MemoryOptions()


@dataclass(frozen=True)
class Weights:
    """The weights of a score: first score + `language` · ln P + bonuses.

    The bonuses are `per_word` for each word, `per_character` for each character but spaces, and `per_unknown`
    for each token that the model does not know. They correct a bias of ln P, which is larger for short texts
    and for frequent words, whatever was said.

    Raises InputError if a weight is not finite, or `language` is negative.
    """

    language: float
    per_word: float = 0.0
    per_character: float = 0.0
    per_unknown: float = 0.0

    def __post_init__(self) -> None:
        check_finite("weight", self.language, 0)
        for name in ("per_word", "per_character", "per_unknown"):
            check_finite(name, getattr(self, name), -inf)

    def dot(self, candidate: Candidate) -> float:
        """Return the sum that these weights add to the first score of a hypothesis."""
        length = self.per_word * candidate.words + self.per_character * candidate.characters
        return self.language * candidate.language + length + self.per_unknown * candidate.unknown


@dataclass(frozen=True)
class Candidate:
    """The features of a hypothesis: its score in the list, ln P, and the counts that `Weights` weigh."""

    first: float
    language: float
    words: int
    characters: int
    unknown: int

    def score(self, weights: Weights) -> float:
        """Return the score by which hypotheses are compared."""
        return self.first + weights.dot(self)


Candidates = tuple[tuple[Candidate, ...], ...]


@dataclass(frozen=True)
class ErrorRates:
    """The alignments of the first, the chosen and the best hypotheses with references, pooled over words."""

    first: Alignment
    rescored: Alignment
    oracle: Alignment


def judge(
    trained: Trained,
    lists: NBest,
    case: str = "keep",
    batch_size: int = 64,
    memory: MemoryOptions = _NO_MEMORY,
) -> Candidates:
    """Return the features of each hypothesis of each utterance, its text converted by a `case` of `CASES`.

    Any white space between words is read as one space; no error rate depends on it. A text that occurs
    several times is scored once. With a `memory`, the hypotheses of an utterance are scored given the first
    one of each utterance before it. Raises InputError if `case` is unknown.
    """
    check_choice("case", case, tuple(CASES))

    def write(text: str) -> str:
        return CASES[case](" ".join(text.split()))

    if memory:
        running = RunningText(trained.model, memory)
        return tuple(_judge_running(trained, running, each, write) for each in lists.utterances)
    texts = dict.fromkeys(write(h.text) for each in lists.utterances for h in each.hypotheses)
    found = dict(zip(texts, score_lines(trained, texts, batch_size), strict=True))
    return tuple(
        tuple(_candidate(hypothesis, found[write(hypothesis.text)]) for hypothesis in each.hypotheses)
        for each in lists.utterances
    )


def _judge_running(
    trained: Trained, running: RunningText, utterance: Utterance, write: Callable[[str], str]
) -> tuple[Candidate, ...]:
    texts = [write(each.text) for each in utterance.hypotheses]
    scores = [score_running(trained, running, text, learn=False) for text in texts]
    score_running(trained, running, texts[0])
    return tuple(starmap(_candidate, zip(utterance.hypotheses, scores, strict=True)))


def choose(candidates: Candidates, weights: Weights) -> list[int]:
    """Return the index of the hypothesis with the highest score of each utterance; of equals the first."""
    scores = ([each.score(weights) for each in some] for some in candidates)
    return [some.index(max(some)) for some in scores]


def align_all(lists: NBest, unit: str = "word") -> list[list[Alignment]]:
    """Return the alignment of each hypothesis of each utterance with the reference.

    `unit` is a name in `UNITS`. Raises InputError if a reference is missing, or if all are empty.
    """
    check_choice("unit", unit, tuple(UNITS))
    split = UNITS[unit]
    references = [split(_reference(each, lists.where)) for each in lists.utterances]
    if not any(references):
        raise InputError(lists.where, f"the references must hold a {unit}", "none")
    pairs = [
        (reference, split(hypothesis.text))
        for reference, each in zip(references, lists.utterances, strict=True)
        for hypothesis in each.hypotheses
    ]
    found = iter(align([reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]))
    return [list(islice(found, len(each.hypotheses))) for each in lists.utterances]


def error_rates(alignments: Sequence[Sequence[Alignment]], chosen: Iterable[int]) -> ErrorRates:
    """Return the errors of the first hypotheses, of the chosen ones, and of those with the fewest errors."""
    return ErrorRates(
        pool(some[0] for some in alignments),
        pool(some[i] for some, i in zip(alignments, chosen, strict=True)),
        pool(min(some, key=lambda each: each.errors) for some in alignments),
    )


def split_lists(lists: NBest, share: float, seed: int) -> tuple[NBest, NBest]:
    """Split off a `share` of the utterances to tune on, drawn with `seed`; return it and the others.

    Raises InputError if one part would be empty.
    """
    names = [each.name for each in lists.utterances]
    parts = split_indices(names, None, 1 - share, seed)
    tuned, others = (tuple(lists.utterances[i] for i in part) for part in parts)
    return NBest(lists.where, tuned), NBest(lists.where, others)


def _candidate(hypothesis: ScoredHypothesis, found: LineScore) -> Candidate:
    words, characters = (len(UNITS[unit](hypothesis.text)) for unit in ("word", "character"))
    return Candidate(hypothesis.score, found.log_probability, words, characters, found.unknown)


def _reference(utterance: Utterance, where: str) -> str:
    if utterance.reference is None:
        rule = "must say what was said in each utterance"
        raise InputError(where, rule, f"nothing for {utterance.name}", "Give `references` FILE")
    return utterance.reference
