"""Bytes of sound that arrive in parts, as samples of one channel."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from bptt.data.audio.options import RawFormat
from bptt.data.audio.wav import PcmLayout, decode_pcm, find_fault, find_pcm
from bptt.errors import InputError, counted

# Seconds of sound that are answered at once: nobody notices a delay as short as this.
PIECE = 0.1
# Bytes of a piece, at most, whatever rate and number of channels a header claims.
_MOST = 2**20
# The bytes in which the samples of a WAV file begin.
_HEAD = 2**16
# The bytes by which a format is known.
_MAGIC = 12
# More samples than a stream ever has: the end of one is not known.
_ENDLESS = 2**62
# First bytes of files of sound that are neither bare samples nor WAV.
_OTHERS = {
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"FORM": "AIFF",
    b"NIST_1A": "SPHERE",
    b".snd": "AU",
    b"caff": "CAF",
    b"\x1a\x45\xdf\xa3": "WebM",
}


def layout_of(raw: RawFormat) -> PcmLayout:
    """Return the layout of bare samples that go on for ever."""
    return PcmLayout(raw.rate, raw.channels, raw.coding, 0, _ENDLESS)


def samples_of_piece(rate: int, width: int = 2) -> int:
    """Return the number of samples of a piece, of `width` bytes for all channels."""
    return max(1, min(round(PIECE * rate), _MOST // width))


class SoundDecoder:
    """Takes bytes of sound called `name`: `raw` samples, or a WAV file, whose header says what follows.

    Feed it bytes of any size, the end as no bytes, and take the samples after each. `layout` is what the
    bytes hold, None until that is known, and `about` says it in words; `is_wav` is true behind a header.
    `is_over` is true when no more samples will come. `notes` are lines for the user about the end.
    """

    def __init__(self, name: str, raw: RawFormat, layout: PcmLayout | None = None) -> None:
        self._name, self._raw, self.layout = name, raw, layout
        self._held, self._ended = b"", False
        self._left = _ENDLESS
        self.is_wav, self.about = False, ""
        self.notes: list[str] = []
        if layout is not None:
            self._begin(layout, 0)

    @property
    def is_over(self) -> bool:
        """Whether all samples were taken, and no more will come."""
        return not self._left or (self._ended and self.layout is not None and not self._whole)

    @property
    def _whole(self) -> int:
        assert self.layout is not None
        return min(len(self._held) // self.layout.frame_bytes, self._left)

    def feed(self, part: bytes) -> None:
        """Take the next bytes; none are the end.

        Raises InputError if there is no sound, or if the bytes are a file in another format.
        """
        self._held += part
        self._ended = not part
        if self.layout is None:
            self._find_layout()
        if self.layout is not None and self._ended and self._left:
            left = len(self._held) % self.layout.frame_bytes
            if left:
                self.notes.append(f"left out at the end: {counted(left, 'bytes')}, part of a sample")

    def take(self) -> Iterator[Tensor]:
        """Yield the samples (N,) in ±1 that have arrived, in pieces of 0.1 s, the last of which may be less.

        The pieces are the same however the bytes are cut. Raises InputError for samples that are NaN,
        infinite or far beyond any scale.
        """
        layout = self.layout
        if layout is None:
            return
        width = layout.frame_bytes
        most = samples_of_piece(layout.rate, width)
        while whole := min(self._whole, most):
            if whole < min(most, self._left) and not self._ended:
                return
            numbers = decode_pcm(self._held[: whole * width], layout)
            self._held, self._left = self._held[whole * width :], self._left - whole
            if fault := find_fault(numbers):
                raise InputError(self._name, *fault[1:], "Repair the sound")
            channel = self._raw.channel
            mono = numbers[:, channel - 1] if channel else numbers.mean(1, dtype=np.float32)
            yield torch.from_numpy(np.ascontiguousarray(mono))
        if not self._left:
            # The bytes behind the samples of a WAV file are no sound.
            self._held = b""

    def _find_layout(self) -> None:
        start = self._held
        if len(start) < _MAGIC and not self._ended:
            return
        if not start:
            cure = "Pipe sound in: arecord -f S16_LE -r 16000 | ..."
            raise InputError(self._name, "must hold sound", "no bytes", cure)
        other = next((kind for magic, kind in _OTHERS.items() if start.startswith(magic)), "")
        if other:
            cure = "Name the file, or convert it: ffmpeg -i FILE -f s16le -ac 1 -"
            raise InputError(self._name, "must be bare samples of 16 bits, or WAV", other, cure)
        if not (start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE"):
            self._begin(layout_of(self._raw), 0)
            self.about = f"bare samples of 16 bits, {self.about}"
        elif (layout := self._wav()) is not None:
            self.is_wav = True
            self._begin(layout, layout.start)
            self.about = f"WAV, {layout.coding}, {self.about}"

    def _begin(self, layout: PcmLayout, start: int) -> None:
        channel = self._raw.channel
        if channel > layout.channels:
            rule = f"must have a channel {channel} (`channel`)"
            raise InputError(self._name, rule, counted(layout.channels, "channels"))
        self.layout, self._held, self._left = layout, self._held[start:], layout.frames
        self.about = f"{layout.rate:,} a second, channels: {layout.channels}"

    def _wav(self) -> PcmLayout | None:
        """Return what a WAV file holds, None while its header has not arrived."""
        start = self._held
        place = start.find(b"data", 12)
        if 0 <= place <= len(start) - 8:
            try:
                layout = find_pcm(io.BytesIO(start), _ENDLESS, self._name)
            except InputError:
                # These letters were in a chunk before the samples.
                if len(start) > _HEAD:
                    raise
            else:
                if layout is None:
                    cure = "Name the file, or convert it: ffmpeg -i FILE -f s16le -ac 1 -"
                    raise InputError(self._name, "must be WAV of plain numbers", "another coding", cure)
                return layout
        if self._ended or len(start) > _HEAD:
            rule = "must be a WAV file with a chunk of samples"
            came = f"{len(start):,} bytes without one"
            raise InputError(self._name, rule, came, "Is it cut? Send it again")
        return None
