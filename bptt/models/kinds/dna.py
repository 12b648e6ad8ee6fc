"""Sequences of DNA: letters, or windows of one length that are read at once."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.data.forms.dna import FORMS
from bptt.data.ngrams import DNA_NGRAMS
from bptt.data.nucleotides import reverse_complement
from bptt.models.codecs.dna import DnaCodec, DnaWindowCodec
from bptt.models.kinds.kind import CodecOptions, InputKind


def _codec(options: CodecOptions, training: Sequence[str] = ()) -> DnaCodec | DnaWindowCodec:
    return DnaWindowCodec(options.windows, training) if options.windows else DnaCodec()


KIND = InputKind(
    FORMS.name,
    FORMS.forms,
    FORMS.typed,
    FORMS.are_bare,
    FORMS.typed_reason,
    new=lambda inputs, options: _codec(options, inputs),
    saved=lambda run, options: _codec(options),
    ngrams=DNA_NGRAMS,
    other_strand=reverse_complement,
    has_windows=True,
    dropout=(0.5, 0.3),
    smoothing=0.1,
)
