"""The answers of language models as records: scores of lines, choices, and next tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bptt.data.vocabulary import Vocabulary
from bptt.jobs.answers import Answer
from bptt.jobs.language.next_tokens import NextTokens
from bptt.jobs.language.sampled_text import Sample
from bptt.jobs.language.scoring import LineScore


@dataclass(frozen=True)
class LineAnswer(Answer):
    """The ln P of line number `row`, from 1, in nats, and of each of its tokens, `<eos>` the last.

    `unknown` counts the tokens that are `<unk>`.
    """

    row: int
    input: str
    log_probability: float
    unknown: int
    tokens: tuple[str, ...]
    log_probabilities: tuple[float, ...]

    @classmethod
    def of(cls, row: int, line: str, found: LineScore, vocabulary: Vocabulary) -> LineAnswer:
        """Return the record of the score of a line."""
        tokens = tuple(map(vocabulary.show, found.tokens))
        return cls(row, line, found.log_probability, found.unknown, tokens, found.log_probabilities)


@dataclass(frozen=True)
class ChoiceAnswer(LineAnswer):
    """The ln P of a sentence, and how many nats it is `behind` the most probable one."""

    behind: float


@dataclass(frozen=True)
class NextAnswer(Answer):
    """The likeliest next tokens at each step of text number `row`, from 1."""

    row: int
    input: str
    steps: tuple[NextTokens, ...]


@dataclass(frozen=True)
class StateAnswer(Answer):
    """A text that was read: its `unknown` tokens, the `tokens` read so far, and the `state` to go on from."""

    row: int
    input: str
    unknown: int
    tokens: int
    state: str


def choices_of(lines: Iterable[LineAnswer]) -> Iterator[ChoiceAnswer]:
    """Yield sentences, the most probable first, each with its distance from that one."""
    ordered = sorted(lines, key=lambda each: -each.log_probability)
    for each in ordered:
        yield ChoiceAnswer(**vars(each), behind=ordered[0].log_probability - each.log_probability)


ANSWERS = {
    "score": (LineAnswer,),
    "choose": (ChoiceAnswer,),
    "next": (NextAnswer,),
    "sample": (Sample,),
    "states": (StateAnswer,),
}
