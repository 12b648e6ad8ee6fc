"""Inputs that a caller hands over in Python, checked: readers of files have checked theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any, TypeVar

import torch
from torch import Tensor

from bptt.data.examples import Words
from bptt.errors import InputError, WrongTypeError

X = TypeVar("X")


def as_list(inputs: Iterable[X], name: str, what: str = "texts") -> list[X]:
    """Return the items of a sequence, an array or a generator.

    Raises InputError for one text in its place, whose items would be its characters; WrongTypeError for
    what has no items in an order.
    """
    if isinstance(inputs, str | bytes):
        raise InputError(name, f"must be a sequence of {what}", f"one text, {inputs!r}", "Put it into a list")
    if not isinstance(inputs, Iterable) or isinstance(inputs, Mapping | Set):
        raise _wrong_type(name, f"must be a sequence of {what}", inputs, "Put the inputs into a list")
    # A table of pandas has its columns as items, its array the rows.
    array = inputs.__array__() if hasattr(inputs, "__array__") else inputs
    if getattr(array, "ndim", 1) == 0:
        raise _wrong_type(name, f"must be a sequence of {what}", inputs, "Put the inputs into a list")
    return list(array)


def as_text(value: object, place: str, what: str = "a text (str)") -> str:
    """Return a text. Raises WrongTypeError for anything else, InputError for half a surrogate pair in it."""
    text = _as_str(value, place, what)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(place, "must be Unicode that UTF-8 can hold", ascii(value)) from error
    return text


def _as_str(value: object, place: str, what: str) -> str:
    if not isinstance(value, str):
        cure = "Decode it: value.decode()" if isinstance(value, bytes) else ""
        raise _wrong_type(place, f"must be {what}", value, cure)
    return str(value)


def as_words(value: object, place: str) -> Words:
    """Return the words of a sentence. Raises InputError for a sentence that is not cut into words."""
    if isinstance(value, str):
        cure = "Cut it, e.g. text.split()"
        raise InputError(place, "must be a sequence of words", f"one text, {value!r}", cure)
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping | Set):
        raise _wrong_type(place, "must be a sequence of words", value)
    return tuple(_as_str(word, f"{place}[{number}]", "a word (str)") for number, word in enumerate(value))


def as_numbers(value: Any, place: str, size: int) -> Tensor:
    """Return a series (T, D) or a row (D,) of `size` numbers, D, in float32, as files are read.

    Raises WrongTypeError for what is no array of numbers, InputError for another D.
    """
    rule = f"must be numbers, (T, {size}) for a series or ({size},) for a row"
    if isinstance(value, str | bytes):
        raise _wrong_type(place, rule, value)
    try:
        found = torch.as_tensor(_in_float32(value))
    except (TypeError, ValueError, RuntimeError) as error:
        raise _wrong_type(place, rule, value) from error
    if found.ndim not in (1, 2):
        raise InputError(place, rule, f"shape {tuple(found.shape)}")
    if found.shape[-1] != size:
        raise InputError(place, f"must have {size} numbers a step as learned from", found.shape[-1])
    return found.float()


def _in_float32(value: Any) -> Any:
    """Return an array of real numbers as torch takes it: writable, in the machine's byte order."""
    if isinstance(value, Tensor) or not hasattr(value, "__array__"):
        return value
    array = value.__array__()
    return array.astype("float32") if array.dtype.kind in "biuf" else array


def _wrong_type(place: str, rule: str, value: object, cure: str = "") -> WrongTypeError:
    return WrongTypeError(place, rule, f"{type(value).__name__} {str(value)[:40]!r}", cure)
