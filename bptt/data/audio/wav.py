"""WAV files: where the samples lie, and their numbers, without any library."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from bptt.errors import InputError

Samples = npt.NDArray[np.float32]
# Samples are numbers in ±1; some programs keep them on the scale of whole numbers of 32 bits. Squares of what
# is far beyond leave float32.
_LOUDEST = 2.0**31


def find_fault(samples: Samples) -> tuple[int, str, str] | None:
    """Return the place in time of the first number that is no sample, the rule that it breaks, and what came;
    None if all of `samples` (N,) or (N, C) are samples.
    """
    wrong = ~(np.abs(samples) <= _LOUDEST)
    if not wrong.any():
        return None
    place = np.unravel_index(np.argmax(wrong), wrong.shape)
    if np.isfinite(samples[place]):
        rule = "must be numbers in ±1, or on the scale of 32 bits"
        return int(place[0]), rule, f"{samples[place]:g}"
    return int(place[0]), "must be finite numbers", "NaN or infinity"


# The format tags of a `fmt ` chunk. Source: RFC 2361; the last one says that the tag is in the extension.
_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_CODINGS: Mapping[tuple[int, int], str] = {
    (_PCM, 8): "u8",
    (_PCM, 16): "i16",
    (_PCM, 24): "i24",
    (_PCM, 32): "i32",
    (_FLOAT, 32): "f32",
    (_FLOAT, 64): "f64",
    (_A_LAW, 8): "a-law",
    (_MU_LAW, 8): "mu-law",
}
# "i16be" is in no WAV file: the order of bytes of bare samples on a network.
_WIDTHS = {"u8": 1, "i16": 2, "i16be": 2, "i24": 3, "i32": 4, "f32": 4, "f64": 8, "a-law": 1, "mu-law": 1}
# Sizes that writers of a stream leave in the header, as they do not know the end.
_UNKNOWN = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF - 36, 0x7FFFFFFF - 36)


@dataclass(frozen=True)
class PcmLayout:
    """Where the samples of a file lie: `frames` samples of each of `channels` channels, from byte `start` on,
    in a `coding`. `missing` counts the frames that the header promises beyond the end of the file.
    """

    rate: int
    channels: int
    coding: str
    start: int
    frames: int
    missing: int = 0

    @property
    def frame_bytes(self) -> int:
        """The bytes of one sample of each channel."""
        return _WIDTHS[self.coding] * self.channels


def find_pcm(file: BinaryIO, size: int, where: str) -> PcmLayout | None:
    """Return the layout of a WAV file of `size` bytes; None for a coding that is not read here.

    A chunk of samples without a size, as a stream is written, or with one beyond the end of the file, ends
    with the file. Raises InputError if a chunk that is needed is missing or makes no sense.
    """
    file.seek(12)
    form: tuple[int, int, int, int] | None = None
    large = 0
    while len(head := file.read(8)) == 8:
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"data":
            return _layout(form, file.tell(), large or length, size, where)
        body = file.read(min(length, 40)) if name in (b"fmt ", b"ds64") else b""
        if name == b"fmt ":
            form = _format(body, where)
        elif name == b"ds64" and len(body) >= 16:
            # RF64: sizes above four gigabytes. Source: EBU Tech 3306.
            large = struct.unpack("<8xQ", body[:16])[0]
        # Chunks begin at even bytes.
        file.seek(length + length % 2 - len(body), 1)
    rule = "must be a WAV file with a chunk of samples"
    raise InputError(where, rule, f"{size:,} bytes without one", "Is it cut? Fetch it again")


def decode_pcm(data: bytes, layout: PcmLayout) -> Samples:
    """Return samples in ±1, (N, channels), of bytes in a coding; bytes of an incomplete frame are left
    out.
    """
    whole = data[: len(data) - len(data) % layout.frame_bytes]
    return _numbers(whole, layout.coding).reshape(-1, layout.channels)


def _format(body: bytes, where: str) -> tuple[int, int, int, int]:
    """Return tag, channels, rate and bits of a `fmt ` chunk."""
    if len(body) < 16:
        raise InputError(where, "must have a fmt chunk of 16 bytes or more", len(body), "Fetch it again")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == _EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack("<H", body[24:26])[0]
    if not channels or not rate:
        raise InputError(where, "must have channels and a rate", f"{channels} channels, {rate} a second")
    return tag, channels, rate, bits


def _layout(
    form: tuple[int, int, int, int] | None, start: int, length: int, size: int, where: str
) -> PcmLayout | None:
    if form is None:
        raise InputError(where, "must have a fmt chunk before its samples", "none", "Fetch it again")
    tag, channels, rate, bits = form
    coding = _CODINGS.get((tag, bits))
    if coding is None:
        return None
    there, width = max(0, size - start), _WIDTHS[coding] * channels
    # A recorder that was killed leaves 0: if bytes follow, they are samples.
    promised = there if length in _UNKNOWN else length
    frames = min(promised, there) // width
    return PcmLayout(rate, channels, coding, start, frames, promised // width - frames)


def _numbers(data: bytes, coding: str) -> Samples:
    if coding == "i24":
        # Behind a byte 0 the three bytes are the upper ones of 32 bits.
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return _scaled(padded.view("<i4")[:, 0], 2**31)
    match coding:
        case "u8":
            return _scaled(np.frombuffer(data, np.uint8).astype(np.int16) - np.int16(128), 2**7)
        case "i16" | "i16be":
            # The usual case: exact in a float, too.
            return np.frombuffer(data, "<i2" if coding == "i16" else ">i2").astype(np.float32) * np.float32(
                2**-15
            )
        case "i32":
            return _scaled(np.frombuffer(data, "<i4"), 2**31)
        case "f32" | "f64":
            # A number that float32 does not hold becomes infinite, which `find_fault` refuses.
            with np.errstate(over="ignore", invalid="ignore"):
                found: Samples = np.frombuffer(data, "<f4" if coding == "f32" else "<f8").astype(np.float32)
            return found
    table = _A_LAW_VALUES if coding == "a-law" else _MU_LAW_VALUES
    return table[np.frombuffer(data, np.uint8)]


def _scaled(numbers: npt.NDArray[np.signedinteger], full: int) -> Samples:
    # In double, as 32 bits do not fit into a float.
    return (numbers.astype(np.float64) / full).astype(np.float32)


def _a_law() -> Samples:
    """Return the value of each byte. Source: ITU-T G.711, A-law, table 1a."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    value = np.where(exponent, (2 * mantissa + 33) << np.maximum(exponent, 1) + 2, (2 * mantissa + 1) << 3)
    return (np.where(code & 0x80, value, -value) / 2**15).astype(np.float32)


def _mu_law() -> Samples:
    """Return the value of each byte. Source: ITU-T G.711, µ-law, table 2a."""
    code = ~np.arange(256) & 0xFF
    value = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
    return (np.where(code & 0x80, -value, value) / 2**15).astype(np.float32)


_A_LAW_VALUES, _MU_LAW_VALUES = _a_law(), _mu_law()
