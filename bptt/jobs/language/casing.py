"""The case of letters: texts are converted to the one that a language model was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from math import fsum

from bptt.jobs.language.model import Trained
from bptt.jobs.language.scoring import score_lines

# Conversions of a text before the model reads it, in order of preference.
CASES: Mapping[str, Callable[[str], str]] = {
    "keep": lambda text: text,
    "lower": str.lower,
    "upper": str.upper,
    "capital": lambda text: text.lower().capitalize(),
}

# The number of texts by which the case is chosen: enough, at a cost that is small beside scoring all.
_SAMPLE = 100


def detect_case(trained: Trained, texts: Iterable[str]) -> str:
    """Return the name in `CASES` that suits the model best, judged on the first 100 texts.

    It has the fewest unknown tokens; of equal ones, the highest ln P.
    """
    sample = list(islice(texts, _SAMPLE))

    def surprise(case: str) -> tuple[int, float]:
        found = tuple(score_lines(trained, map(CASES[case], sample)))
        return sum(each.unknown for each in found), -fsum(each.log_probability for each in found)

    return min(CASES, key=surprise)


def case_note(case: str) -> tuple[str, ...]:
    """Return a line for the user about the case to which texts are converted, none if they are not."""
    return () if case == "keep" else (f"case: the model reads the texts in {case} case, which it knows best",)
