"""A package that adds a kind of input: recordings of signed bytes, read when a batch needs them."""

from pathlib import Path

import numpy as np
import torch

from bptt.data.forms.example_files import file_forms
from bptt.data.stored import Stored
from bptt.errors import InputError
from bptt.models.codecs.codec import Codec
from bptt.models.inputs import SeriesInput
from bptt.models.kinds.kind import InputKind

MAGIC, FRAME = b"S8\n", 4


class SampleCodec(Codec):
    unit, part, files = "frames", lambda self: SeriesInput(FRAME), lambda self: {}

    def check(self, input, place):
        return input if isinstance(input, Stored) else Stored(Path(input))

    def encode(self, input):
        data = input.read()
        if not data.startswith(MAGIC) or (len(data) - len(MAGIC)) % FRAME:
            raise InputError(str(input.path), "must be S8 and whole frames", f"{len(data)} bytes")
        samples = np.frombuffer(data, np.int8, offset=len(MAGIC)).astype(np.float32)
        return (torch.from_numpy(samples / 128).view(-1, FRAME),)


SAMPLES = InputKind(
    "samples",
    file_forms("samples", "s8", lambda start: start.startswith(MAGIC)),
    new=lambda inputs, options: SampleCodec(),
    saved=lambda run, options: SampleCodec(),
    fits_memory=False,
)
