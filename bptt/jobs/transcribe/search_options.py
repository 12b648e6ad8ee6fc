"""The options of the search for what was said."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal

from bptt.errors import InputError
from bptt.options.checks import check_finite
from bptt.options.field import check_fields, option

USUAL_WIDTH = 20
_WIDEST = 10_000  # a wider beam can only be a mistake
# Near the best of a grid of four on 103 utterances of speakers held out of the training data of AN4.
_WEIGHT, _PER_CHARACTER = 0.5, 0.8


@dataclass(frozen=True)
class SpeechSearchOptions:
    """The options of the search.

    Texts are ranked by ln P given the sound + `lm_weight` · ln P of the language model `lm` + `word_bonus`
    for each word + `character_bonus` for each character. Raises InputError with the option if a value is out
    of bounds, or has no effect without `lm`.
    """

    width: int | None = option(
        None,
        "Texts kept while searching (1: the likeliest symbol of each step).",
        usual="20 with `lm`, else 1",
        group="Search",
        flags="beam width",
        least=1,
        most=_WIDEST,
        common=True,
    )
    lm: Path | None = option(
        None, "Run folder of a language model of characters or words.", group="Search", common=True
    )
    lm_weight: float | None = option(
        None, "Weight of ln P of the language model.", usual=f"{_WEIGHT}", group="Search", least=0
    )
    word_bonus: float = option(0.0, "Bonus for each word.", group="Search")
    character_bonus: float | None = option(
        None, "Bonus for each character.", usual=f"{_PER_CHARACTER} with `lm`, else 0", group="Search"
    )
    lm_case: Literal["auto", "keep", "lower", "upper"] = option(
        "auto",
        "How the language model reads the letters; auto: in the case that it knows best.",
        group="Search",
    )

    def __post_init__(self) -> None:
        check_fields(self)
        check_finite("word_bonus", self.word_bonus, -inf)
        check_finite("character_bonus", self.per_character, -inf)
        if self.lm is None and self.lm_weight is not None:
            raise InputError("lm_weight", "weighs a language model", "none", "Name its run with `lm`")
        if self.lm is not None and self.width == 1:
            cure = "Leave `width` out, or name more"
            raise InputError("width", "a language model needs texts to choose from", 1, cure)

    @property
    def beam_width(self) -> int:
        """The number of texts kept: 1 for the likeliest symbol of each step."""
        scored = self.lm is not None or bool(self.word_bonus or self.character_bonus)
        return (USUAL_WIDTH if scored else 1) if self.width is None else self.width

    @property
    def weight(self) -> float:
        """The weight of the language model, 0 without one."""
        given = _WEIGHT if self.lm_weight is None else self.lm_weight
        return 0.0 if self.lm is None else given

    @property
    def per_character(self) -> float:
        """The bonus for each character."""
        usual = 0.0 if self.lm is None else _PER_CHARACTER
        return usual if self.character_bonus is None else self.character_bonus
