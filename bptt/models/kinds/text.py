"""Texts: tokens of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.data.forms.text import FORMS
from bptt.data.ngrams import TEXT_NGRAMS
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.errors import InputError
from bptt.models.codecs.text import TextCodec
from bptt.models.kinds.kind import CodecOptions, InputKind

if TYPE_CHECKING:
    from bptt.models.codecs.codec import Codec
    from bptt.runs.origin import Origin


def _new(inputs: Sequence[str], options: CodecOptions) -> TextCodec:
    learned = Vocabulary.build(inputs, options.vocabulary)
    return TextCodec(learned, replace(options.tokens, vector_words=0))


def _with_vectors(inputs: Sequence[str], options: CodecOptions, path: Path) -> TextCodec:
    learned = Vocabulary.build(inputs, options.vocabulary)
    return TextCodec.with_vectors(learned, options.tokens, path)


def _continued(origin: Origin[Codec[Any]], inputs: Sequence[str], options: CodecOptions) -> TextCodec:
    if not isinstance(origin.trained, TextCodec):
        raise InputError(origin.name, "must be a run on texts, as the new data are", "another")
    known = origin.trained.vocabulary.continued(inputs, options.vocabulary, origin.grow)
    return TextCodec(known, replace(options.tokens, vector_words=0))


def _saved(run: Path, options: CodecOptions) -> TextCodec:
    return TextCodec(Vocabulary.load(run / FILE, options.vocabulary), options.tokens)


KIND = InputKind(
    FORMS.name,
    FORMS.forms,
    FORMS.typed,
    new=_new,
    saved=_saved,
    continued=_continued,
    vectors=_with_vectors,
    is_text=True,
    ngrams=TEXT_NGRAMS,
    # Without any a recurrent network knows short texts by heart after two epochs.
    dropout=(0.5, 0.3),
    smoothing=0.1,
)
