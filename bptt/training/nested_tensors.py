"""Nested plain values with tensors in them as one safetensors file, read back without pickle.

The names of the tensors in the file are their paths, such as ``weights.out.bias``; everything around them is
JSON in the file's header. Floats keep every digit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from bptt.errors import InputError, InternalError
from bptt.runs.weights import in_utf8

_HEADER, _DIGEST = "values", "sha256"


def dumps(value: object) -> bytes:
    """Return the bytes of a file that holds `value`: dicts, lists, tuples, plain values, tensors; and the
    SHA-256 of them.
    """
    tensors: dict[str, Tensor] = {}
    header = json.dumps(_pack(value, "", tensors), allow_nan=False)
    return safetensors.torch.save(tensors, {_HEADER: header, _DIGEST: _digest(header, tensors)})


def load(path: Path) -> Any:
    """Return the value that `dumps` wrote to `path`, tensors on the CPU. Raises InputError if damaged, be it
    by a single bit; files of version 0.1.0 have no checksum.
    """
    if not path.is_file():
        raise InputError(str(path), "must be a whole checkpoint", "no file")
    try:
        with in_utf8(path) as name, safe_open(name, "pt") as file:
            said = file.metadata() or {}
            # A copy, since results may depend on how memory is aligned: a new tensor is aligned.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        header = said[_HEADER]
        if said.get(_DIGEST) not in (None, _digest(header, tensors)):
            raise ValueError("another SHA-256 than when it was written")
        return _unpack(json.loads(header), tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
        raise InputError(str(path), "must be a whole checkpoint", error) from error


def loads(data: bytes) -> Any:
    """Return the value of a file with the bytes `data`, which a process of this run has made."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])["__metadata__"][_HEADER]
    tensors = {name: each.clone() for name, each in safetensors.torch.load(data).items()}
    return _unpack(json.loads(header), tensors)


def _digest(header: str, tensors: Mapping[str, Tensor]) -> str:
    whole = sha256(header.encode())
    for name in sorted(tensors):
        whole.update(name.encode())
        whole.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return whole.hexdigest()


def _pack(value: object, name: str, tensors: dict[str, Tensor]) -> object:
    """Return `value` as JSON; its tensors go to `tensors`, and their names take their places."""
    if isinstance(value, Tensor):
        # clone: safetensors takes no two tensors that share memory, as tied weights do
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, Mapping):
        pairs = [[key, _pack(item, _join(name, key), tensors)] for key, item in value.items()]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        items = [_pack(item, _join(name, i), tensors) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, float) and not isfinite(value):
        return {"float": str(value)}  # JSON has no word for it
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InternalError(name, "cannot be kept in a checkpoint", type(value).__name__)


def _join(name: str, key: object) -> str:
    return f"{name}.{key}" if name else str(key)


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "tensor":
        return tensors[held]
    if kind == "float":
        return float(held)
    if kind == "tuple":
        return tuple(_unpack(item, tensors) for item in held)
    return {key: _unpack(item, tensors) for key, item in held}
