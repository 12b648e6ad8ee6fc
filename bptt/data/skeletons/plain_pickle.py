"""Pickles of NumPy arrays and plain containers, read without running anything that is in them."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bptt.data.memory import check_memory
from bptt.data.reading import read_bytes
from bptt.errors import BpttError, InputError

_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
_CURE = "Load it where you trust it, and save the arrays by numpy.savez"


class _Refused(Exception):
    """A name that a pickle asks for, and that is neither an array nor a plain container."""


def _bytes_of_latin(text: str, encoding: str) -> bytes:
    """Return bytes as pickles of Python 2 spell them. Raises _Refused for another encoding."""
    if not isinstance(text, str) or encoding != "latin1":
        raise _Refused(f"_codecs.encode with {encoding!r}")
    return text.encode("latin1")


def _empty_array(kind: Any, shape: Any, code: Any) -> Any:
    """Return the array that a pickle fills in afterwards. Raises _Refused for any but an empty one."""
    if kind is not np.ndarray or shape != (0,):
        raise _Refused(f"an array of shape {shape!r} before its numbers")
    return np.empty(0, np.int8)


def _scalar(kind: Any, data: bytes) -> Any:
    """Return a number of a dtype. Raises _Refused for an object."""
    if not isinstance(kind, np.dtype) or kind.hasobject:
        raise _Refused("a scalar that is no number")
    return np.frombuffer(data, kind, 1)[0]


def _dtype(code: Any, *rest: Any) -> Any:
    """Return a dtype of numbers or texts by its code. Raises _Refused for another."""
    if not isinstance(code, str):
        raise _Refused("a dtype that is no code")
    return np.dtype(code)


_KNOWN: dict[tuple[str, str], Callable[..., Any] | type] = {
    **{
        (f"numpy.{core}.multiarray", name): found
        for core in ("core", "_core")
        for name, found in (("_reconstruct", _empty_array), ("scalar", _scalar))
    },
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _bytes_of_latin,
    **{
        (module, name): kind
        for module in ("builtins", "__builtin__")
        for name, kind in (("set", set), ("frozenset", frozenset), ("list", list), ("dict", dict))
    },
    ("collections", "OrderedDict"): dict,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a constructor of an array or a container. Raises _Refused for any other name."""
        found = _KNOWN.get((module, name))
        if found is None:
            raise _Refused(f"{module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Raise _Refused: nothing outside the file is read."""
        raise _Refused("an object outside the file")


def _check_memo(data: bytes) -> None:
    """Raise _Refused for a place in the memo beyond the bytes: Python would make a table of that size."""
    for opcode, place, _ in pickletools.genops(data):
        if opcode.name in _PUTS and isinstance(place, int) and place > len(data):
            raise _Refused(f"place {place:,} of its memo")


def read_plain_pickle(path: Path) -> Any:
    """Read a pickle of NumPy arrays, numbers, texts and plain containers.

    Raises InputError for one that asks for anything else, of which nothing is run, and for one that is
    damaged; MachineError if memory does not hold it.
    """
    data = read_bytes(path)
    check_memory(str(path), 3 * len(data))
    try:
        _check_memo(data)
        return _Unpickler(io.BytesIO(data)).load()
    except BpttError:
        raise
    except _Refused as error:
        rule = "must be a pickle of arrays and plain containers: others can run programs"
        raise InputError(str(path), rule, error, _CURE) from error
    except Exception as error:
        # A damaged pickle raises nearly any kind.
        rule = "must be a whole pickle of arrays and plain containers"
        raise InputError(str(path), rule, f"{type(error).__name__}: {error}", _CURE) from error
