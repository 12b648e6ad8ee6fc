"""The language of an answer: as asked, or as the environment has it."""

from __future__ import annotations

import os

from bptt.languages.language import Language, language_of


def language(asked: Language | None) -> Language:
    """Return the language that was asked for; None: that of the environment."""
    return language_of(os.environ) if asked is None else asked
