"""Sounds: log-mel features of files that stay where they are until a batch needs them."""

from __future__ import annotations

from bptt.data.audio.options import SoundOptions
from bptt.data.forms.sound import FORMS
from bptt.models.codecs.sound import SoundCodec
from bptt.models.kinds.kind import InputKind

KIND = InputKind(
    FORMS.name,
    FORMS.forms,
    new=lambda inputs, options: SoundCodec.learn(
        inputs, options.sound or SoundOptions(), options.workers, options.changes
    ),
    saved=lambda run, options: SoundCodec.load(run),
    continued=lambda origin, inputs, options: SoundCodec.continued(
        origin, inputs, options.workers, options.changes
    ),
    fits_memory=False,
)
