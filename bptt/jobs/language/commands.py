"""The options of the commands for language models only: sample, next, score and choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bptt.errors import InputError
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions
from bptt.jobs.options import TextFiles
from bptt.languages.available import BY_ENVIRONMENT, Language
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet

RUN = "Run folder written by `bptt train lm`."
DEVICE = "Device to compute on: cpu, cuda, cuda:1 or mps."
# A larger number can only be a mistake: all samples are held in memory.
MOST_SAMPLES = 100_000


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """The model to sample from, the text to continue, and the number of samples."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    prompt: str = option("", "Text to continue, such as a first line.", flags="prompt first-line")
    number: int = option(
        1, f"Number of samples, at most {MOST_SAMPLES:,}.", flags="number n", least=1, most=MOST_SAMPLES
    )

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class NextOptions:
    """The text to read, and how many of the next tokens are printed at which steps."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    text: str = argument("Text to read, in quotes; may be empty.")
    top: int = option(5, "Number of likeliest tokens at each step.", least=1)
    last: bool = option(False, "Print the step after the whole text alone.")
    all: bool = option(False, "Print P of every token of the vocabulary after the text, the likeliest first.")
    lang: Language | None = option(None, "Language of column names and notes.", usual=BY_ENVIRONMENT)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(TextFiles):
    """The text whose lines are scored, and how the scores are printed."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    file: Path = argument("Text with one sentence a line, or - for standard input.")
    tokens: bool = option(False, "Print a line for each token: line number, token, log P.")
    sort: bool = option(False, "Print the most probable line first.")
    base: Literal["e", "2", "10"] = option("e", "Base of the logarithms.")
    batch_size: int = option(64, "Lines in a mini-batch; changes the speed, not the result.", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class ChooseOptions:
    """The sentences that are compared. Raises InputError for fewer than two."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    sentences: tuple[str, ...] = argument("Two or more sentences, each in quotes.")

    def __post_init__(self) -> None:
        check_fields(self)
        if len(self.sentences) < 2:
            raise InputError("bptt choose", "needs two sentences or more", len(self.sentences))


SAMPLE = OptionSet({"": SampleOptions, "sampling": SamplingOptions, "lines": LineOptions})
NEXT = OptionSet({"": NextOptions})
SCORE = OptionSet({"": ScoreOptions})
CHOOSE = OptionSet({"": ChooseOptions})
