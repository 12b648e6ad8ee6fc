"""The choices for a vocabulary, with usual values that depend on its level."""

from __future__ import annotations

from bptt.data.vocabulary_options import VocabularyOptions, usual_white_space
from bptt.errors import InputError
from bptt.options.choices import Choices


def vocabulary_options(choices: Choices) -> VocabularyOptions:
    """Return the options of a vocabulary. Raises InputError if white space is to be kept between words."""
    level = choices.get("level")
    if level == "whitespace" and choices.has("white_space") and choices.get("white_space"):
        cure = "Take `level` word"
        raise InputError("white_space", "is what separates the tokens of `level` whitespace", cure=cure)
    return choices.make(VocabularyOptions, "vocabulary", white_space=usual_white_space(level))
