"""Clips: small pictures of files that stay where they are until a batch needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bptt.data.clips.clip_options import ClipOptions
from bptt.data.forms.clips import FORMS
from bptt.errors import InputError
from bptt.models.codecs.clips import ClipCodec
from bptt.models.codecs.codec import Codec
from bptt.models.kinds.kind import CodecOptions, InputKind
from bptt.models.summaries import SUMMARIES
from bptt.runs.origin import Origin


def _continued(origin: Origin[Codec[Any]], inputs: Sequence[Any], options: CodecOptions) -> ClipCodec:
    if not isinstance(origin.trained, ClipCodec):
        raise InputError(origin.name, "must be a run on clips, as the new data are", "another")
    return ClipCodec.learn(inputs, origin.trained.options, options.workers)


KIND = InputKind(
    FORMS.name,
    FORMS.forms,
    new=lambda inputs, options: ClipCodec.learn(inputs, options.clips or ClipOptions(), options.workers),
    saved=lambda run, options: ClipCodec(options.clips or ClipOptions()),
    continued=_continued,
    fits_memory=False,
    dropout=(0.5, 0.3),
    smoothing=0.1,
    pooling="mean",
    updates=600,
    summaries=SUMMARIES,
)
