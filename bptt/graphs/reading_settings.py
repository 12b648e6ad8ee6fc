"""How inputs become the tensors of a graph: settings and files for the program beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bptt.data.nucleotides import LETTERS
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.dna import DnaCodec
from bptt.models.codecs.text import TextCodec
from bptt.models.codecs.words import WordCodec


def vocabulary_settings(options: VocabularyOptions) -> dict[str, object]:
    """Return what a program has to know to cut texts as a vocabulary does."""
    names = ("level", "normalise", "lowercase", "digits", "punctuation")
    return {name: getattr(options, name) for name in names} | {"white_space": options.keeps_white_space}


def reading_of(codec: Codec[Any], limit: int = 0) -> tuple[dict[str, Any], Mapping[str, bytes]]:
    """Return the settings and the files by which inputs are read, at most `limit` steps of each (0: all).

    "reads" is text, words, letters or series; a series is numbers (T, D), taken as they are.
    """
    files = codec.files()
    if isinstance(codec, TextCodec):
        said: dict[str, Any] = {"reads": "text", "vocabulary": vocabulary_settings(codec.vocabulary.options)}
    elif isinstance(codec, WordCodec):
        said = {
            "reads": "words",
            "lowercase": codec.options.lowercase,
            "normalise": codec.options.normalise,
            "spelled": "characters.json" in files,
        }
    elif isinstance(codec, DnaCodec):
        said = {"reads": "letters", "alphabet": LETTERS}
    else:
        said = {"reads": "series"}
    return {**said, "max_length": limit}, files
