"""The choice between hypotheses that sound alike (L4): what was heard, and what a language model expects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf

from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.data.split import split_indices
from bptt.errors import InputError
from bptt.jobs.language.casing import CASES
from bptt.jobs.language.model import Trained
from bptt.jobs.language.scoring import LineScore, score_lines
from bptt.jobs.rescore.metrics import Alignment, align, pool
from bptt.options.checks import check_choice, check_finite

# What errors are counted in.
UNITS: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "word": lambda text: tuple(text.split()),
    "character": lambda text: tuple("".join(text.split())),
}


@dataclass(frozen=True)
class Weights:
    """Score of a hypothesis = its first score + `language` · ln P + what its length is worth.

    That is `per_word` for each word, `per_character` for each character but spaces, `per_unknown` for each
    token that the model does not know: short texts, and frequent words in place of rare ones, are more
    probable whatever was said. Raises InputError.
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
        """What they add to the first score of a hypothesis."""
        length = self.per_word * candidate.words + self.per_character * candidate.characters
        return self.language * candidate.language + length + self.per_unknown * candidate.unknown


@dataclass(frozen=True)
class Candidate:
    """What a hypothesis is judged by: its score in the list, its ln P, and what `Weights` count in it."""

    first: float
    language: float
    words: int
    characters: int
    unknown: int

    def score(self, weights: Weights) -> float:
        """The score to choose by."""
        return self.first + weights.dot(self)


Candidates = tuple[tuple[Candidate, ...], ...]


@dataclass(frozen=True)
class ErrorRates:
    """How the hypotheses that stand first, those chosen, and the best there are differ from what was
    said, pooled over all words.
    """

    first: Alignment
    rescored: Alignment
    oracle: Alignment


def judge(trained: Trained, lists: NBest, case: str = "keep", batch_size: int = 64) -> Candidates:
    """What each hypothesis of each utterance is judged by, read in a `case` of `CASES`.

    White space between words is read as one space, whatever it is: no error rate depends on it either. A
    text that occurs in the lists several times is read once. Raises InputError naming the option.
    """
    check_choice("case", case, tuple(CASES))

    def write(text: str) -> str:
        return CASES[case](" ".join(text.split()))

    texts = dict.fromkeys(write(h.text) for each in lists.utterances for h in each.hypotheses)
    found = dict(zip(texts, score_lines(trained, texts, batch_size), strict=True))
    return tuple(
        tuple(_candidate(hypothesis, found[write(hypothesis.text)]) for hypothesis in each.hypotheses)
        for each in lists.utterances
    )


def choose(candidates: Candidates, weights: Weights) -> list[int]:
    """The number of the hypothesis with the highest score, for each utterance; of equal ones the first."""
    scores = ([each.score(weights) for each in some] for some in candidates)
    return [some.index(max(some)) for some in scores]


def align_all(lists: NBest, unit: str = "word") -> list[list[Alignment]]:
    """The alignment of each hypothesis of each utterance with what was said.

    `unit` is a name in `UNITS`. Raises InputError if a reference is missing, if all are empty, or if
    jiwer is not installed.
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


def _candidate(hypothesis: ScoredHypothesis, found: LineScore) -> Candidate:
    words, characters = (len(UNITS[unit](hypothesis.text)) for unit in ("word", "character"))
    return Candidate(hypothesis.score, found.log_probability, words, characters, found.unknown)


def _reference(utterance: Utterance, where: str) -> str:
    if utterance.reference is None:
        rule = "must say what was said in each utterance"
        raise InputError(where, rule, f"nothing for {utterance.name}", "Give `references` FILE")
    return utterance.reference
