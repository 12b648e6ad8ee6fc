"""The numbers of a page as bytes: few for each number, compressed, and named by where they lie."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Json = dict[str, Any]
Floats = NDArray[np.float64]
Levels = NDArray[np.uint8]

# The highest level of a width stands for NaN; of logarithms the lowest stands for zero.
_TYPES = {"u8": np.uint8, "u16": np.uint16, "i32": np.int32, "f32": np.float32, "f64": np.float64}


@dataclass
class Payload:
    """Arrays one after the other, little-endian. Each method returns where the page finds the array again."""

    _bytes: bytearray = field(default_factory=bytearray)

    def floats(self, numbers: ArrayLike) -> Json:
        """Add numbers of an ordinary size, as float32."""
        with np.errstate(over="ignore"):  # beyond float32 a number is infinite
            return self.store("f32", np.asarray(numbers, np.float64).astype(np.float32))

    def norms(self, numbers: ArrayLike) -> Json:
        """Add numbers of any size: a gradient that explodes passes the largest float32 within a hundred
        steps.
        """
        return self.store("f64", np.asarray(numbers, np.float64))

    def steps(self, numbers: ArrayLike) -> Json:
        """Add whole numbers, such as steps and units."""
        return self.store("i32", np.asarray(numbers, np.int64))

    def store(self, kind: str, array: NDArray[Any]) -> Json:
        """Add any array, flat, as one of the types that the page reads."""
        found = {"array": kind, "at": len(self._bytes), "length": array.size}
        self._bytes += array.astype(np.dtype(_TYPES[kind]).newbyteorder("<")).tobytes()
        return found

    def text(self, page: Json) -> str:
        """Encode the page's JSON and its arrays, compressed, in letters that mean nothing to HTML."""
        words = json.dumps(page, separators=(",", ":"), allow_nan=False).encode("ascii")
        raw = len(words).to_bytes(4, "little") + words + bytes(self._bytes)
        return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def packed_size(array: NDArray[Any]) -> int:
    """Return how many bytes an array takes when it is compressed by itself."""
    return len(zlib.compress(np.ascontiguousarray(array).tobytes(), 6))


def in_levels(rows: Floats) -> tuple[Levels, Floats, Floats]:
    """Quantise each row to 255 equal levels from its smallest number to its largest, which follow."""
    finite = np.where(np.isfinite(rows), rows, np.nan)
    known = np.isfinite(rows).any(1, keepdims=True)
    low, high = (ends(np.where(known, finite, 0), axis=1, keepdims=True) for ends in (np.nanmin, np.nanmax))
    span = np.where(high > low, high - low, 1)
    levels = np.where(
        np.isfinite(rows), np.round((np.nan_to_num(rows, posinf=0, neginf=0) - low) / span * 254), 255
    )
    return levels.astype(np.uint8), low[:, 0], high[:, 0]


def in_decades(norms: Floats) -> tuple[NDArray[np.uint16], float, float]:
    """Quantise logarithms (base 10) to 65,534 equal levels between the ends that follow: norms keep about
    three digits over the whole range of float64. Level 0 is the norm zero, the highest NaN or infinity.
    """
    positive = np.isfinite(norms) & (norms > 0)
    decades = np.log10(norms, where=positive, out=np.zeros_like(norms, np.float64))
    ends = decades[positive]
    low, high = (float(ends.min()), float(ends.max())) if ends.size else (0.0, 0.0)
    levels = 1 + np.round((decades - low) / ((high - low) or 1) * 65533)
    levels[norms == 0] = 0
    levels[~np.isfinite(norms)] = 65535
    return levels.astype(np.uint16), low, high
