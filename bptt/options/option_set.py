"""The options of one command or job: fields of several dataclasses, each under a name of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

from bptt.errors import InputError
from bptt.options.checks import as_path
from bptt.options.field import Option, alternatives, check_value, hints_of, option_of

Options = TypeVar("Options")


@dataclass(frozen=True)
class NamedOption:
    """An option with its unique `name`, and the `section` and `field` in which its value is kept."""

    name: str
    section: str
    field: str
    hint: Any
    default: Any
    about: Option
    flags: tuple[str, ...]

    @property
    def is_required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING

    @property
    def flag(self) -> str:
        """How the command line spells it, without dashes."""
        return self.flags[0]

    @property
    def values(self) -> tuple[str, ...]:
        """The values to choose from; none if others are allowed too."""
        kind = next(each for each in alternatives(self.hint) if each is not NoneType)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return tuple(str(each.value) for each in kind)
        return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()

    def missing(self) -> InputError:
        """Return the error for a required option that was not given."""
        return InputError(self.name, "must be given", "nothing", f"Give {self.name}: {self.about.help}")

    def read(self, value: Any) -> Any:
        """Return a value that a caller gave, as the field takes it. Raises InputError naming the option.

        A list becomes a tuple, a whole number a float where one is expected, a number of numpy or torch that
        of Python.
        """
        kinds = alternatives(self.hint)
        value = tuple(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value)
        if get_origin(kinds[0]) is tuple:
            if not isinstance(value, tuple):
                value = (value,)
            if get_args(kinds[0])[0] is Path:
                value = tuple(as_path(self.name, each) for each in value)
        if Path in kinds and isinstance(value, str | Path):
            value = as_path(self.name, value)
        # A larger number is refused by the check.
        if float in kinds and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1023:
            value = float(value)
        check_value(self.name, value, self.hint, self.about)
        return value


@dataclass(frozen=True)
class OptionSet:
    """The options of the dataclasses in `sections`.

    An option is named after its field; where an earlier section has a field of that name, the name of the
    section precedes it, as in decoder_hidden_size. `usual` replaces defaults, by the name of the option, and
    `words` describes those that depend on other options. `fixed` names options, as section.field, whose
    values follow from others and which nobody gives. With `shared` fields of one name are one option, which
    several sections take.
    """

    sections: Mapping[str, type]
    usual: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    shared: bool = False

    def __post_init__(self) -> None:
        found = list(self._find())
        object.__setattr__(self, "_places", {(each.section, each.field): each for each in found})
        object.__setattr__(self, "_options", {each.name: each for each in reversed(found)})
        spelt = [each for each in self if not each.about.argument]
        names = [name for each in spelt for name in {each.name, *(f.replace("-", "_") for f in each.flags)}]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError("options", "must each have a name of its own", ", ".join(twice))

    def __iter__(self) -> Iterator[NamedOption]:
        found: dict[str, NamedOption] = self.__dict__["_options"]
        return iter(reversed(found.values()))

    def _find(self) -> Iterator[NamedOption]:
        known: set[str] = set()
        for section, kind in self.sections.items():
            for each in fields(kind):
                about = option_of(each)
                if about is None or f"{section}.{each.name}" in self.fixed:
                    continue
                prefix = f"{section}_" if each.name in known and not self.shared else ""
                name = prefix + each.name
                known.add(name)
                flags = tuple(prefix.replace("_", "-") + flag for flag in about.flags or (_spelt(each.name),))
                default = self.usual.get(name, each.default)
                about = replace(about, usual=self.words.get(name, about.usual))
                yield NamedOption(name, section, each.name, hints_of(kind)[each.name], default, about, flags)

    def named(self, name: str) -> NamedOption:
        """Return the option of this name, or of this spelling of the command line.

        Raises InputError with the nearest name if there is none.
        """
        wanted = name.replace("-", "_")
        known: dict[str, NamedOption] = self.__dict__["_options"]
        if wanted in known:
            return known[wanted]
        for each in self:
            if wanted in (flag.replace("-", "_") for flag in each.flags):
                return each
        near = get_close_matches(wanted, [each.name for each in self], 1)
        cure = f"Did you mean {near[0]}?" if near else ""
        raise InputError(name, "is the name of an option", "no such option", cure)

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values under the names of their options. Raises InputError: no such option, one given
        twice, or a value that it does not take.
        """
        found: dict[str, Any] = {}
        names: dict[str, str] = {}
        for name, value in given.items():
            each = self.named(name)
            if each.name in found:
                raise InputError(name, "is given once", f"also as {names[each.name]}")
            found[each.name], names[each.name] = each.read(value), name
        return found

    def make(
        self, kind: type[Options], given: Mapping[str, Any], section: str | None = None, **more: Any
    ) -> Options:
        """Return the options of one dataclass: `given` before `more`, which goes before the defaults.

        `section` is needed where two sections are of one kind. Raises InputError naming the field.
        """
        if section is None:
            section = next(name for name, each in self.sections.items() if each is kind)
        mine = self.of(section)
        # None in the place of a default is for a value that depends on the data.
        usual = {each.field: each.default for each in mine if not (each.is_required or each.default is None)}
        chosen = {each.field: given[each.name] for each in mine if each.name in given}
        for each in mine:
            if each.is_required and each.name not in {*given, *more}:
                raise each.missing()
        return kind(**(usual | more | chosen))

    def at(self, section: str, name: str) -> NamedOption | None:
        """Return the option that a field of a section keeps; None if that is no option."""
        found: NamedOption | None = self.__dict__["_places"].get((section, name))
        return found

    def places(self) -> list[NamedOption]:
        """Return every option once for each section that takes it."""
        return list(self.__dict__["_places"].values())

    def of(self, section: str) -> list[NamedOption]:
        """Return the options that a section takes."""
        places: dict[tuple[str, str], NamedOption] = self.__dict__["_places"]
        return [each for (name, _), each in places.items() if name == section]


def _plain(value: Any) -> Any:
    """Return a number of numpy or torch, or an array of one without dimensions, as that of Python."""
    item = getattr(value, "item", None)
    return item() if item is not None and getattr(value, "shape", None) == () else value


def _spelt(name: str) -> str:
    return name.replace("_", "-")


def type_name(hint: Any) -> str:
    """Return the type of an option in words."""
    kind = next(each for each in alternatives(hint) if each is not NoneType)
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"{type_name(get_args(kind)[0])} ..."
    return str(kind.__name__).lower()
