"""The distinct tokens of a text, found by hashes and compared character by character."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.character_classes import Codes
from bptt.data.prepared.token_spans import Spans

Numbers = NDArray[np.int64]

# Odd, so that it has an inverse modulo 2^64; of the golden ratio.
_BASE = 0x9E3779B97F4A7C15
# Added to the hash of a token with a space before it; any number with many digits.
_SPACED = np.uint64(0xD1B54A32D192ED03)


class DistinctSpans:
    """Finds which tokens are equal. A token has the hash Σ (c_i + 1) b^i modulo 2^64 of its characters c."""

    def __init__(self) -> None:
        self._powers = self._inverses = np.ones(0, np.uint64)

    def find(self, codes: Codes, spans: Spans) -> tuple[Numbers, Numbers]:
        """Return a token of each distinct text, and for each token the index of its own text among these."""
        starts, ends, spaced = spans
        if len(self._powers) < len(codes):
            self._powers = _powers(_BASE, len(codes))
            self._inverses = _powers(pow(_BASE, -1, 2**64), len(codes))
        sums = np.zeros(len(codes) + 1, np.uint64)
        np.cumsum((codes + np.uint32(1)) * self._powers[: len(codes)], out=sums[1:])
        hashes = (sums[ends] - sums[starts]) * self._inverses[starts] + spaced * _SPACED
        _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        if _are_equal(codes, spans, first[inverse]):
            return first, inverse
        # Texts with equal hashes can be constructed.
        known: dict[tuple[bytes, bool], int] = {}
        places = zip(starts.tolist(), ends.tolist(), spaced.tolist(), strict=True)
        numbers = np.array([known.setdefault((codes[a:b].tobytes(), s), len(known)) for a, b, s in places])
        _, first = np.unique(numbers, return_index=True)
        return first, numbers


def _are_equal(codes: Codes, spans: Spans, same: Numbers) -> bool:
    """Return whether each token has the text of the token `same`."""
    starts, ends, spaced = spans
    lengths = ends - starts
    if (lengths != lengths[same]).any() or (spaced != spaced[same]).any():
        return False
    behind = np.cumsum(lengths)
    total = int(behind[-1]) if len(behind) else 0
    places = np.arange(total, dtype=np.int32) + np.repeat(
        (starts - behind + lengths).astype(np.int32), lengths
    )
    shifts = np.repeat((starts[same] - starts).astype(np.int32), lengths)
    return bool((codes[places] == codes[places + shifts]).all())


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)
