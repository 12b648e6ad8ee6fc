"""The options of the commands for language models only: next and choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bptt.errors import InputError
from bptt.languages.available import BY_ENVIRONMENT, Language
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet

RUN = "Run folder written by `bptt train lm`."
DEVICE = "Device to compute on: cpu, cuda, cuda:1 or mps."
JSON = "Print JSON objects, one a line (docs/json.md)."


@dataclass(frozen=True, kw_only=True)
class NextOptions:
    """The text to read, and how many of the next tokens are printed at which steps."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    text: str = argument("Text to read, in quotes; may be empty.")
    top: int = option(5, "Number of likeliest tokens at each step.", least=1)
    last: bool = option(False, "Print the step after the whole text alone.")
    all: bool = option(False, "Print P of every token of the vocabulary after the text, the likeliest first.")
    json: bool = option(False, JSON, common=True)
    lang: Language | None = option(None, "Language of column names and notes.", usual=BY_ENVIRONMENT)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class ChooseOptions:
    """The sentences that are compared. Raises InputError for fewer than two."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    sentences: tuple[str, ...] = argument("Two or more sentences, each in quotes.")
    json: bool = option(False, JSON, common=True)

    def __post_init__(self) -> None:
        check_fields(self)
        if len(self.sentences) < 2:
            raise InputError("bptt choose", "needs two sentences or more", len(self.sentences))


NEXT = OptionSet({"": NextOptions})
CHOOSE = OptionSet({"": ChooseOptions})
