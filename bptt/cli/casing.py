"""The case to which texts are converted for a language model."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bptt.jobs.language.model import Trained

AUTO = "auto"


def case_for(trained: Trained, texts: Iterable[str], asked: str = AUTO) -> str:
    """Return the requested case; for "auto" the detected one, with a notice unless it is "keep"."""
    from bptt.jobs.language.casing import detect_case

    if asked != AUTO:
        return asked
    found = detect_case(trained, texts)
    if found != "keep":
        print(f"case: the model reads the texts in {found} case, which it knows best", file=sys.stderr)
    return found
