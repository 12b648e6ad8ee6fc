"""The choice between hypotheses that sound alike (L4): what was heard, and what a language model expects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bptt.data.checks import check_choice, check_finite, check_least
from bptt.data.nbest import Hypothesis, NBest, Utterance
from bptt.data.split import split_indices
from bptt.errors import InputError
from bptt.tasks.casing import CASES
from bptt.tasks.language_model import Trained
from bptt.tasks.rescore_metrics import Alignment, align, pool
from bptt.tasks.scoring import score_lines

# What the errors and the bonus count in a text.
UNITS: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "word": lambda text: tuple(text.split()),
    "character": lambda text: tuple("".join(text.split())),
}


@dataclass(frozen=True)
class Weights:
    """Score of a hypothesis = its first score + `language` · ln P + `bonus` · its number of words."""

    language: float
    bonus: float = 0.0

    def __post_init__(self) -> None:
        check_finite("weight", self.language, 0)
        check_finite("bonus", self.bonus, float("-inf"))


@dataclass(frozen=True)
class Candidate:
    """What a hypothesis is judged by: its score in the list, its ln P, its number of words."""

    first: float
    language: float
    words: int

    def score(self, weights: Weights) -> float:
        """The score to choose by."""
        return self.first + weights.language * self.language + weights.bonus * self.words


Candidates = tuple[tuple[Candidate, ...], ...]


@dataclass(frozen=True)
class ErrorRates:
    """How the hypotheses that stand first, those chosen, and the best there are differ from what was
    said, pooled over all words.
    """

    first: Alignment
    rescored: Alignment
    oracle: Alignment


@dataclass(frozen=True)
class Judge:
    """Asks the model for ln P of every hypothesis. A text that stands in lists several times is read once.

    `case` is a name in `CASES`, `unit` one in `UNITS`. Raises InputError naming the option.
    """

    trained: Trained
    case: str = "keep"
    unit: str = "word"
    batch_size: int = 64

    def __post_init__(self) -> None:
        check_choice("case", self.case, tuple(CASES))
        check_choice("unit", self.unit, tuple(UNITS))
        check_least("batch_size", self.batch_size, 1)

    def __call__(self, lists: NBest) -> Candidates:
        """What each hypothesis of each utterance is judged by."""
        texts = dict.fromkeys(self._read(h) for each in lists.utterances for h in each.hypotheses)
        scores = score_lines(self.trained, texts, self.batch_size)
        found = {text: score.log_probability for text, score in zip(texts, scores, strict=True)}
        return tuple(
            tuple(
                Candidate(h.score, found[self._read(h)], len(UNITS[self.unit](h.text)))
                for h in each.hypotheses
            )
            for each in lists.utterances
        )

    def _read(self, hypothesis: Hypothesis) -> str:
        return CASES[self.case](hypothesis.text)


def choose(candidates: Candidates, weights: Weights) -> list[int]:
    """The number of the hypothesis with the highest score, for each utterance; of equal ones the first."""
    scores = ([each.score(weights) for each in some] for some in candidates)
    return [some.index(max(some)) for some in scores]


def align_all(lists: NBest, unit: str = "word") -> list[list[Alignment]]:
    """The alignment of each hypothesis of each utterance with what was said.

    Raises InputError if a reference is missing, if all are empty, or if jiwer is not installed.
    """
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
    """The errors of the first hypotheses, of the chosen ones, and of those with the fewest."""
    return ErrorRates(
        pool(some[0] for some in alignments),
        pool(some[i] for some, i in zip(alignments, chosen, strict=True)),
        pool(min(some, key=lambda each: each.errors) for some in alignments),
    )


def split_lists(lists: NBest, share: float, seed: int) -> tuple[NBest, NBest]:
    """A `share` of the utterances, drawn from `seed`, to tune on; and the others.

    Raises InputError unless both have some.
    """
    names = [each.name for each in lists.utterances]
    parts = split_indices(names, None, 1 - share, seed)
    tuned, others = (tuple(lists.utterances[i] for i in part) for part in parts)
    return NBest(lists.where, tuned), NBest(lists.where, others)


def _reference(utterance: Utterance, where: str) -> str:
    if utterance.reference is None:
        rule = "must say what was said in each utterance"
        raise InputError(where, rule, f"nothing for {utterance.name}", "Give --references FILE")
    return utterance.reference
