"""A field of a dataclass that is an option: its help, bounds and default, said once.

From it come the option of the command line, the key of config.json and of a recipe, the argument of a Python
function, and the parameter of an estimator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, Union, get_args, get_origin, get_type_hints

from bptt.errors import InputError
from bptt.options.checks import (
    SMALLEST,
    as_path,
    check_choice,
    check_finite,
    check_least,
    check_most,
    check_share,
    shown,
)

_KEY = "option"
# The metadata of a field that older run folders lack, and that is no option.
ADDED: Mapping[str, bool] = MappingProxyType({"added": True})


class Dataclass(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


@dataclass(frozen=True)
class Tried:
    """The values that a search tries: `values`, or numbers from `least` to `most`.

    Numbers are drawn evenly, or evenly in their logarithm if `is_log`. The bounds of a `relative` range are
    factors of the default.
    """

    least: float = 0.0
    most: float = 0.0
    is_log: bool = False
    relative: bool = False
    values: tuple[Any, ...] = ()

    def bounds(self, default: Any) -> tuple[float, float]:
        """Return the smallest and the largest number, beside this default."""
        factor = default if self.relative else 1
        return self.least * factor, self.most * factor

    def describe(self) -> str:
        """Describe the range and its scale."""
        if self.values:
            return ", ".join(map(str, self.values))
        if self.relative:
            return f"{self.least:g} to {self.most:g} times the default, logarithmic"
        return f"{self.least:g} to {self.most:g}, {'logarithmic' if self.is_log else 'even'}"


def between(least: float, most: float) -> Tried:
    """Try numbers of a range, drawn evenly."""
    return Tried(least, most)


def magnitudes(least: float, most: float) -> Tried:
    """Try numbers of a range above 0, drawn evenly in their logarithm."""
    return Tried(least, most, is_log=True)


def times(least: float, most: float) -> Tried:
    """Try the default times a factor of this range, drawn evenly in its logarithm."""
    return Tried(least, most, is_log=True, relative=True)


def one_of(*values: Any) -> Tried:
    """Try some values."""
    return Tried(values=values)


@dataclass(frozen=True)
class Option:
    """The description of a field that is an option.

    `help` is a noun or verb phrase. `usual` describes the default in words where it depends on other options.
    `group` is the heading under which the option is listed. `flags` are the spellings of the command line; by
    default the name of the field. A number is at least `least` and at most `most`; a `share` is at least 0
    and below 1. `common` options are in the short help. An `argument` has a place instead of a name. `tried`
    are the values that `bptt tune` tries, None if it leaves the option alone.
    """

    help: str
    group: str = "Options"
    flags: tuple[str, ...] = ()
    usual: str = ""
    least: float | None = None
    most: float | None = None
    share: bool = False
    common: bool = False
    argument: bool = False
    tried: Tried | None = None


def option(
    default: Any,
    help: str,
    *,
    group: str = "Options",
    flags: str = "",
    usual: str = "",
    least: float | None = None,
    most: float | None = None,
    share: bool = False,
    common: bool = False,
    added: bool = False,
    tried: Tried | None = None,
) -> Any:
    """Return a field that is an option.

    `flags` are separated by spaces. An `added` field is one that older run folders lack; it is written only
    where it differs from its default, which those runs were made with.
    """
    about = Option(help, group, tuple(flags.split()), usual, least, most, share, common, tried=tried)
    return field(default=default, metadata={_KEY: about, "added": added})


def argument(help: str, *, default: Any = MISSING) -> Any:
    """Return a field that the command line takes by its place."""
    about = Option(help, "Arguments", common=True, argument=True)
    return field(default=default, metadata={_KEY: about})


def redefined(kind: type[Dataclass], name: str, default: Any, **changed: Any) -> Any:
    """Return the field `name` of a base class with another default, and other words where they are given."""
    base = kind.__dataclass_fields__[name]
    about: Option = base.metadata[_KEY]
    metadata = {**base.metadata, _KEY: Option(**{**vars(about), **changed})}
    return field(default=default, metadata=metadata)


def option_of(each: Field[Any]) -> Option | None:
    """Return the description of a field; None for a field that is no option."""
    found: Option | None = each.metadata.get(_KEY)
    return found


def is_added(each: Field[Any]) -> bool:
    """Return whether older run folders lack a field."""
    return bool(each.metadata.get("added"))


@lru_cache(maxsize=256)
def hints_of(kind: type) -> Mapping[str, Any]:
    """Return the types of the fields of a dataclass."""
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def check_fields(options: Dataclass) -> None:
    """Check the value of each option by its type and its bounds. Raises InputError naming the field."""
    hints = hints_of(type(options))
    for each in fields(options):
        about = option_of(each)
        if about is not None:
            check_value(each.name, getattr(options, each.name), hints[each.name], about)


def check_value(name: str, value: Any, hint: Any, about: Option) -> None:
    """Check one value. Raises InputError naming the field: another type, or out of bounds."""
    kinds = alternatives(hint)
    if value is None and NoneType in kinds:
        return
    kind = next(each for each in kinds if each is not NoneType)
    if kind in (str, Path) and isinstance(
        value, tuple(filter(_is_type, (get_origin(k) or k for k in kinds)))
    ):
        return
    if get_origin(kind) is Literal:
        check_choice(name, value, get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        check_choice(name, value, tuple(kind))
    elif get_origin(kind) is tuple:
        _check_items(name, value, get_args(kind)[0], about)
    elif kind is bool:
        if not isinstance(value, bool):
            raise InputError(name, "is true or false", shown(value))
    elif kind is int:
        check_least(name, value, SMALLEST if about.least is None else int(about.least))
        if about.most is not None:
            check_most(name, value, int(about.most))
    elif kind is float:
        if about.share:
            check_share(name, value)
        else:
            check_finite(name, value, float("-inf") if about.least is None else about.least)
    elif kind is str:
        raise InputError(name, "is a text", shown(value))
    elif kind is Path:
        as_path(name, value)


def _is_type(kind: Any) -> bool:
    return isinstance(kind, type)


def _check_items(name: str, value: Any, kind: Any, about: Option) -> None:
    if not isinstance(value, tuple):
        raise InputError(name, "is a sequence of values", shown(value))
    for item in value:
        check_value(name, item, kind, about)


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Return the types that a hint allows: `int | None` is int and NoneType."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
