"""The codec of a kind of input: learned from examples, or as a run folder keeps it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from bptt.data.readers.forms import Kind
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.dna import DnaCodec, DnaWindowCodec
from bptt.models.codecs.numbers import NumberCodec
from bptt.models.codecs.text import TextCodec
from bptt.models.options import TokenOptions
from bptt.runs.origin import Origin


def new_codec(
    kind: Kind,
    inputs: Sequence[Any],
    columns: int,
    vocabulary: VocabularyOptions,
    tokens: TokenOptions,
    windows: int = 0,
    vectors: Path | None = None,
) -> Codec[Any]:
    """A codec learned from `inputs`, with `columns` numbers a step if they are numbers; DNA in `windows` of
    N letters is one step. `vectors` is a file of word vectors for the words of texts. Raises InputError for
    vectors of another kind of inputs.
    """
    if vectors and kind != "text":
        raise InputError("vectors", "are of the words of texts", kind, "Leave out --vectors")
    if windows:
        return DnaWindowCodec(windows, inputs)
    if kind == "text":
        learned = Vocabulary.build("\n".join(inputs), vocabulary)
        return (
            TextCodec.with_vectors(learned, tokens, vectors)
            if vectors
            else TextCodec(learned, replace(tokens, vector_words=0))
        )
    return DnaCodec() if kind == "dna" else NumberCodec(columns, inputs)


def continued_codec(
    origin: Origin[Codec[Any]],
    kind: Kind,
    inputs: Sequence[Any],
    columns: int,
    vocabulary: VocabularyOptions,
    tokens: TokenOptions,
    windows: int = 0,
) -> Codec[Any]:
    """The codec of a run that begins from another: its vocabulary, and mean and deviation, are those there.

    Raises InputError if that run reads no texts while these are some.
    """
    if windows:
        return DnaWindowCodec(windows)
    if kind != "text":
        return DnaCodec() if kind == "dna" else NumberCodec(columns)
    if not isinstance(origin.trained, TextCodec):
        raise InputError(origin.name, "must be a run on texts, as the new data are", "another")
    text = "\n".join(inputs)
    known = origin.trained.vocabulary.continued(text, vocabulary, origin.grow)
    return TextCodec(known, replace(tokens, vector_words=0))


def codec_of(origin: Origin[Any]) -> Origin[Codec[Any]]:
    """The codec of the model that a run begins from."""
    return Origin(origin.name, origin.trained.codec, origin.grow)


def part_rows(model: nn.Module, codec: Codec[Any]) -> dict[str, tuple[Sequence[Hashable], ...]]:
    """What the rows of the tensors of a network stand for that belong to its input part."""
    found = {f".part.{name}": rows for name, rows in codec.rows().items()}
    names = [name for name, _ in model.named_parameters()]
    return {name: (rows,) for end, rows in found.items() for name in names if name.endswith(end)}


def saved_codec(
    run: Path,
    kind: Kind,
    columns: int,
    vocabulary: VocabularyOptions,
    tokens: TokenOptions,
    windows: int = 0,
) -> Codec[Any]:
    """The codec of a run folder. Raises InputError if its vocabulary is missing or damaged."""
    if windows:
        return DnaWindowCodec(windows)
    if kind == "text":
        return TextCodec(Vocabulary.load(run / FILE, vocabulary), tokens)
    return DnaCodec() if kind == "dna" else NumberCodec(columns)
