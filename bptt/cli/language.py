"""The language of an answer: as asked, or as the environment has it; notes in it."""

from __future__ import annotations

import os
import sys

from bptt.errors import printable
from bptt.languages.available import Language, language_of
from bptt.languages.phrase import table_of, translate


def language(asked: Language | None) -> Language:
    """Return the language that was asked for; None: that of the environment."""
    return language_of(os.environ) if asked is None else asked


def note(text: str, asked: Language | None) -> None:
    """Print a phrase on standard error, in the language that was asked for."""
    print(printable(translate(text, table_of(language(asked)))), file=sys.stderr)
