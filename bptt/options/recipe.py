"""Recipes: options in a TOML file, with every option and its help as comments when one is written."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from bptt.errors import InputError
from bptt.options.option_set import NamedOption, OptionSet, type_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# The key that says what a recipe is for.
JOB = "job"
# The table of options that are in no section of config.json.
GENERAL = "general"
_WIDTH = 100


def read_recipe(data: bytes, where: str, options: OptionSet, job: str) -> dict[str, Any]:
    """Return the options that a recipe gives, by their names.

    A table holds the options of one section of config.json by their fields; above the tables an option
    has its own name. Raises InputError with the file and the key: no TOML, a recipe for another job, an
    option that the job lacks, or a value that it does not take.
    """
    try:
        found = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(where, "must be TOML in UTF-8", error) from error
    wanted = found.pop(JOB, job)
    if wanted != job:
        raise InputError(
            f"{where}: {JOB}", f"must be {job}", repr(wanted), f"Give it to `bptt train {wanted}`"
        )
    values: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for key, value, each in _entries(found, where, options):
        if each.name in values:
            raise InputError(f"{where}: {key}", "is given once", f"also as {keys[each.name]}")
        keys[each.name] = key
        try:
            values[each.name] = each.read(value)
        except InputError as error:
            raise InputError(f"{where}: {key}", error.rule, error.got, error.cure) from error
    return values


def _entries(
    found: Mapping[str, Any], where: str, options: OptionSet
) -> Iterator[tuple[str, Any, NamedOption]]:
    for key, value in found.items():
        if not isinstance(value, dict):
            yield key, value, _named(options, key, f"{where}: {key}")
            continue
        section = "" if key == GENERAL else key
        if section not in options.sections or not key:
            tables = ", ".join(name or GENERAL for name in options.sections)
            raise InputError(f"{where}: [{key}]", f"is one of the tables {tables}", repr(key))
        for name, inner in value.items():
            yield f"{key}.{name}", inner, _inside(options, section, name, f"{where}: {key}.{name}")


def _inside(options: OptionSet, section: str, name: str, where: str) -> NamedOption:
    """Return the option of a table: by its field, its flag, or the name that it has above the tables."""
    wanted = name.replace("-", "_")
    for each in options.of(section):
        flags = (*each.flags, *each.about.flags)
        if wanted in {each.field, each.name, *(flag.replace("-", "_") for flag in flags)}:
            return each
    owner = _named(options, name, where)
    cure = f"Move it into [{owner.section or GENERAL}]"
    raise InputError(where, "is an option of its table", f"{name!r}", cure)


def _named(options: OptionSet, name: str, where: str) -> NamedOption:
    try:
        return options.named(name)
    except InputError as error:
        raise InputError(where, error.rule, error.got, error.cure) from error


def write_recipe(options: OptionSet, given: Mapping[str, Any], job: str) -> str:
    """Return a recipe with every option: its help as a comment, and its value, a comment too if not given.

    Raises InputError for a text that is no Unicode, such as the name of a file in another encoding.
    """
    lines = [
        f"# A recipe: `bptt train {job} --config FILE` trains by it. A line without # counts.",
        f"{JOB} = {_toml(job)}",
    ]
    for section in options.sections:
        mine = [each for each in options if each.section == section]
        if mine:
            lines += ["", f"[{section or GENERAL}]"]
        for each in mine:
            lines += ["", *_described(each)]
            name = each.field
            if each.name in given:
                lines.append(f"{name} = {_given(each, given[each.name])}")
            else:
                value = "" if each.is_required or each.default is None else f" {_toml(each.default)}"
                lines.append(f"# {name} ={value}")
    return "\n".join(lines) + "\n"


def _described(each: NamedOption) -> list[str]:
    usual = f" Default: {each.about.usual}." if each.about.usual else ""
    return [
        f"# {line}" for line in textwrap.wrap(f"{each.about.help}{usual} ({type_name(each.hint)})", _WIDTH)
    ]


def _given(each: NamedOption, value: Any) -> str:
    written = _toml(value)
    try:
        written.encode()
    except UnicodeEncodeError as error:
        raise InputError(each.name, "must be UTF-8 to be written in a recipe", ascii(str(value))) from error
    return written


def _toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, int | float):
        return repr(value)
    return _quoted(str(value.value if isinstance(value, Enum) else value))


def _quoted(text: str) -> str:
    # A basic string of TOML has the escapes of JSON, and one more control character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
