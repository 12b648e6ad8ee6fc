"""Skeletons: the joints of bodies over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bptt.data.forms.skeleton import FORMS
from bptt.data.skeletons.options import SkeletonOptions
from bptt.errors import InputError
from bptt.models.codecs.skeleton import SkeletonCodec
from bptt.models.kinds.kind import CodecOptions, InputKind
from bptt.models.summaries import SUMMARIES

if TYPE_CHECKING:
    from bptt.data.skeletons.recording import Skeleton
    from bptt.models.codecs.codec import Codec
    from bptt.runs.origin import Origin


def _new(inputs: Sequence[Skeleton], options: CodecOptions) -> SkeletonCodec:
    return SkeletonCodec.learn(inputs, options.skeleton or SkeletonOptions(), options.labels)


def _continued(
    origin: Origin[Codec[Any]], inputs: Sequence[Skeleton], options: CodecOptions
) -> SkeletonCodec:
    if not isinstance(origin.trained, SkeletonCodec):
        raise InputError(origin.name, "must be a run on skeletons, as the new data are", "another")
    found = _new(inputs, options)
    found.plan = origin.trained.plan
    return found


KIND = InputKind(
    FORMS.name,
    FORMS.forms,
    new=_new,
    saved=lambda run, options: SkeletonCodec.load(run),
    continued=_continued,
    # Training changes them in each epoch.
    fits_memory=False,
    summaries=SUMMARIES,
)
