"""Files of MATLAB, versions 4 to 7.2: SciPy reads them, once the tags of version 5 and later are found sound.

SciPy takes the type in a tag as a place in a table without looking whether it has one, so that a damaged
byte ends the process. Source: MathWorks, "MAT-File Format", which the names here follow.
"""

from __future__ import annotations

import io
import struct
import zlib
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from bptt.data.memory import MOST_INFLATION, most_unpacked
from bptt.data.reading import read_bytes
from bptt.deferred import deferred
from bptt.errors import InputError, MachineError

_loadmat = deferred("scipy.io", "loadmat")

_HEADER = 128
_ORDERS = {b"IM": "<", b"MI": ">"}
# Types of elements: whole numbers, numbers and characters, which SciPy reads as arrays; matrices.
_INT8, _INT32, _UINT32 = 1, 5, 6
_NUMBERS = frozenset({_INT8, 2, 3, 4, _INT32, _UINT32, 7, 9, 12, 13, 16, 17, 18})
_MATRIX, _COMPRESSED = 14, 15
# Types of the elements for sizes and for names; some programs write others than MATLAB.
_SIZES, _NAMES = frozenset({_INT32, _UINT32}), frozenset({_INT8, 2, 16})
# Classes of matrices; those from _DOUBLE to _UINT64 are numbers.
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _DOUBLE, _UINT64, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 6, 15, 16, 17
_COMPLEX = 1 << 11
# Cells within cells: each takes a frame of the stack of SciPy.
_DEEPEST = 64


def read_matlab(path: Path, extra: str, cure: str = "") -> dict[str, Any]:
    """Read the arrays of a file by their names.

    Raises InputError with this cure for a damaged file, one of version 7.3, and one that grows as no data
    do; MachineError if memory does not hold it, or SciPy, which the `extra` installs, is missing.
    """
    data = read_bytes(path)
    try:
        if len(data) > _HEADER and 0 not in data[:4]:
            _Elements(data, _ORDERS.get(data[126:_HEADER], "<")).check_file()
        found: dict[str, Any] = _loadmat(io.BytesIO(data))
    except ImportError as error:
        install = f"pip install 'bptt[{extra}]'"
        raise MachineError(str(path), "needs SciPy to read MATLAB arrays", "none", install) from error
    except Exception as error:
        # Of damaged files: MatReadError, ValueError, TypeError, zlib.error, ...
        raise InputError(str(path), "must be a MATLAB file (version 4 to 7.2)", error, cure) from error
    return found


class _Element(NamedTuple):
    """The type of an element, the bytes from `start` to `stop` that it holds, and where the next begins."""

    kind: int
    start: int
    stop: int
    next: int


class _Elements:
    """The elements of a file, or of a compressed part of one; each check raises ValueError."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order

    def check_file(self) -> None:
        """Check all variables of a file."""
        at = _HEADER
        while at < len(self._data):
            variable = self._long(at, len(self._data))
            if variable.kind == _COMPRESSED:
                unpacked = _unpack(self._data[variable.start : variable.stop])
                inner = _Elements(unpacked, self._order)
                inner._matrix(inner._long(0, len(unpacked)), 0)
            else:
                self._matrix(variable, 0)
            at = variable.stop

    def _long(self, at: int, end: int) -> _Element:
        """Return the element whose tag of 8 bytes is here."""
        if at + 8 > end:
            raise ValueError(f"byte {at}: a tag is cut")
        kind, size = struct.unpack_from(f"{self._order}II", self._data, at)
        start = at + 8
        if size > end - start:
            raise ValueError(f"byte {at}: an element of {size} bytes, where {end - start} are left")
        return _Element(kind, start, start + size, start + size + -size % 8)

    def _values(self, at: int, end: int, kinds: frozenset[int] = _NUMBERS) -> _Element:
        """Return the element of numbers here, whose tag may hold up to 4 bytes itself."""
        if at + 8 > end:
            raise ValueError(f"byte {at}: a tag is cut")
        (tag,) = struct.unpack_from(f"{self._order}I", self._data, at)
        size = tag >> 16
        found = _Element(tag & 0xFFFF, at + 4, at + 4 + size, at + 8) if size else self._long(at, end)
        if found.kind not in kinds or size > 4:
            raise ValueError(f"byte {at}: type {found.kind} with {found.stop - found.start} bytes")
        return found

    def _whole(self, found: _Element) -> tuple[int, ...]:
        count = (found.stop - found.start) // 4
        return struct.unpack_from(f"{self._order}{count}i", self._data, found.start)

    def _matrix(self, found: _Element, depth: int) -> int:
        """Check a matrix, and those in it; return where they end, from where SciPy reads on."""
        if found.kind != _MATRIX or depth > _DEEPEST:
            raise ValueError(f"byte {found.start}: type {found.kind}, {depth} matrices deep")
        if found.start == found.stop:
            return found.stop
        end = found.stop
        flags = self._values(found.start, end, frozenset({_UINT32}))
        if flags.stop - flags.start != 8:
            raise ValueError(f"byte {flags.start}: flags of {flags.stop - flags.start} bytes")
        described = self._whole(flags)[0]
        kind, at = described & 0xFF, flags.next
        if kind == _OPAQUE:
            at = self._each(at, end, 3)
            count = 1
        else:
            shape = self._values(at, end, _SIZES)
            sizes = self._whole(shape)
            if min(sizes, default=0) < 0:
                raise ValueError(f"byte {shape.start}: a negative size")
            at = self._values(shape.next, end, _NAMES).next
            numbers, count = self._content(kind, prod(sizes), bool(described & _COMPLEX))
            if kind in (_STRUCT, _OBJECT):
                at, fields = self._fields(at if kind == _STRUCT else self._values(at, end).next, end)
                count *= fields
            at = self._each(at, end, numbers)
        if count > (end - at) // 8:
            raise ValueError(f"byte {at}: {count} matrices in {end - at} bytes")
        for _ in range(count):
            at = self._matrix(self._long(at, end), depth + 1)
        return at

    def _content(self, kind: int, size: int, is_complex: bool) -> tuple[int, int]:
        """Return how many elements of numbers, and how many matrices, a matrix of this class and size has."""
        if kind in (_CELL, _STRUCT, _OBJECT):
            return 0, size
        if kind == _FUNCTION:
            return 0, 1
        if kind == _CHAR:
            return 1, 0
        if kind == _SPARSE or _DOUBLE <= kind <= _UINT64:
            return 1 + is_complex + 2 * (kind == _SPARSE), 0
        raise ValueError(f"class {kind} of a matrix")

    def _fields(self, at: int, end: int) -> tuple[int, int]:
        """Return where the names of the fields of a structure end, and their number."""
        length = self._values(at, end, _SIZES)
        longest = self._whole(length)
        if len(longest) != 1 or longest[0] < 1:
            raise ValueError(f"byte {length.start}: no length of names")
        names = self._values(length.next, end, _NAMES)
        return names.next, (names.stop - names.start) // longest[0]

    def _each(self, at: int, end: int, count: int) -> int:
        """Return where `count` elements of numbers end that begin here."""
        for _ in range(count):
            at = self._values(at, end).next
        return at


def _unpack(data: bytes) -> bytes:
    most = most_unpacked(len(data))
    content = zlib.decompressobj().decompress(data, most + 1)
    if len(content) > most:
        raise ValueError(f"compressed data that grow more than {MOST_INFLATION}-fold")
    return content
