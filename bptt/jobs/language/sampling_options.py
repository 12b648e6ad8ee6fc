"""The options of sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bptt.errors import InputError
from bptt.options.field import check_fields, option

if TYPE_CHECKING:
    from bptt.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class DrawOptions:
    """How one token is drawn.

    The logits are divided by `temperature`; 0 takes the most probable token. Tokens are drawn from the
    `top_k` most probable ones (0: all), and of these from the smallest set with a probability of at least
    `top_p`. Raises InputError with the option if a value is out of bounds.
    """

    temperature: float = option(
        1.0,
        "Temperature of the softmax; below 1 unlikely tokens become rarer (0: always the likeliest).",
        least=0,
    )
    top_k: int = option(0, "Draw from the k likeliest tokens (0: from all).", least=0)
    top_p: float = option(1.0, "Draw from the likeliest tokens whose probabilities sum to this.")
    seed: int = option(0, "Seed; the same seed draws the same sample.", least=0)

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 < self.top_p <= 1:
            raise InputError("top_p", "is above 0 and at most 1", self.top_p)


@dataclass(frozen=True)
class SamplingOptions(DrawOptions):
    """How to draw at most `length` tokens of a text.

    `refuse_unknown` excludes `<unk>`. `stop_at_end` stops at `<eos>`, the end of a line, where a model of
    sentences always stops. Raises InputError with the option if a value is out of bounds.
    """

    length: int = option(500, "Largest number of tokens.", least=1)
    refuse_unknown: bool = option(False, "Never draw <unk>.", flags="no-unk refuse-unknown")
    stop_at_end: bool = option(False, "Stop at the end of a line.", flags="stop stop-at-end")


@dataclass(frozen=True)
class PromptOptions:
    """The text that a sample continues."""

    prompt: str = option("", "Text to continue, such as a first line.", flags="prompt first-line")


@dataclass(frozen=True)
class LineOptions:
    """The form of the lines of a sample; by default they have none.

    `acrostic` are the beginnings of the lines, a character each, or words between spaces; the text ends
    after the last of these lines. Else it ends after `lines`, those of the prompt included. A line has
    `line_length` characters, or words at the levels of words, and ends at a mark such as a comma or at its
    newline; without, at its newline alone (0: any). Raises InputError with the option if both the beginnings
    and their number are given.
    """

    acrostic: str = option(
        "", "Beginnings of the lines, one for each character, or words between spaces.", group="Lines"
    )
    lines: int = option(
        0, "Number of lines to end after, with those of the prompt (0: any).", group="Lines", least=0
    )
    line_length: int = option(
        0,
        "Characters of each line (words at the levels of words); it may end at a comma or stop, too "
        "(0: any, ended by a newline).",
        group="Lines",
        least=0,
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.acrostic and self.lines:
            raise InputError("lines", "are those of `acrostic`", self.lines, "Leave one of them out")
        if self.acrostic and not self.acrostic.strip():
            raise InputError("acrostic", "must hold characters", repr(self.acrostic))

    def __bool__(self) -> bool:
        """Return whether the lines have a form."""
        return bool(self.acrostic or self.lines or self.line_length)

    def beginnings(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Return what each line begins with, as the model reads it; () for anything."""
        text = " ".join(vocabulary.left_in(self.acrostic)).strip()
        return tuple(text.split()) if len(text.split()) > 1 else tuple(text)
