"""Small and capital letters of texts that a language model reads, which may have learned other ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from math import fsum

from bptt.jobs.language.model import Trained
from bptt.jobs.language.scoring import score_lines

# How the letters of a text are written for the model, in order of preference.
CASES: Mapping[str, Callable[[str], str]] = {
    "keep": lambda text: text,
    "lower": str.lower,
    "upper": str.upper,
    "capital": lambda text: text.lower().capitalize(),
}

# So many texts tell which case the model knows.
_SAMPLE = 100


def detect_case(trained: Trained, texts: Iterable[str]) -> str:
    """The name in `CASES` in which the model knows the first 100 texts best: with the fewest unknown
    tokens; of equal ones with the highest ln P.
    """
    sample = list(islice(texts, _SAMPLE))

    def surprise(case: str) -> tuple[int, float]:
        found = tuple(score_lines(trained, map(CASES[case], sample)))
        return sum(each.unknown for each in found), -fsum(each.log_probability for each in found)

    return min(CASES, key=surprise)


def case_note(case: str) -> tuple[str, ...]:
    """Return a line for the user on the case in which texts are read, none if they stay as they are."""
    return () if case == "keep" else (f"case: the model reads the texts in {case} case, which it knows best",)
