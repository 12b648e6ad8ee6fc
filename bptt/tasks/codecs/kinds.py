"""The codec of a kind of input: learned from examples, or as a run folder keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bptt.data.levels import VocabularyOptions
from bptt.data.readers.forms import Kind
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.tasks.codecs.codec import Codec
from bptt.tasks.codecs.dna import DnaCodec
from bptt.tasks.codecs.numbers import NumberCodec
from bptt.tasks.codecs.text import TextCodec
from bptt.tasks.inputs import TokenOptions


def new_codec(
    kind: Kind, inputs: Sequence[Any], columns: int, vocabulary: VocabularyOptions, tokens: TokenOptions
) -> Codec[Any]:
    """A codec learned from `inputs`, which have so many `columns` of numbers, if they are numbers."""
    if kind == "text":
        return TextCodec(Vocabulary.build("\n".join(inputs), vocabulary), tokens)
    return DnaCodec() if kind == "dna" else NumberCodec(columns, inputs)


def saved_codec(
    run: Path, kind: Kind, columns: int, vocabulary: VocabularyOptions, tokens: TokenOptions
) -> Codec[Any]:
    """The codec of a run folder. Raises InputError if its vocabulary is missing or damaged."""
    if kind == "text":
        return TextCodec(Vocabulary.load(run / FILE, vocabulary), tokens)
    return DnaCodec() if kind == "dna" else NumberCodec(columns)
