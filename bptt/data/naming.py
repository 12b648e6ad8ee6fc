"""The group, the part and the label of examples: from columns, or from names by patterns."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bptt.data.examples import Example, Examples
from bptt.data.readers.grid import Naming
from bptt.errors import InputError

Classified = Examples[Any, Any]


def check_patterns(naming: Naming) -> None:
    """Raise InputError naming the option for a pattern that is no regular expression."""
    for option in ("group_pattern", "label_pattern"):
        pattern = getattr(naming, option)
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise InputError(option, "must be a regular expression", f"{pattern!r}: {error}") from error


def apply_naming(naming: Naming, examples: Classified, where: str, labelled: bool) -> Classified:
    """Return examples with the groups and labels that patterns find in their names.

    Raises InputError if a column that was named was not read; and, if the examples are `labelled`, ones to
    learn from, for a name in which a pattern is not found.
    """
    if naming.group_pattern is not None:
        examples = _found(examples, "group", naming.group_pattern, labelled)
    if naming.label_pattern is not None:
        examples = _found(examples, "label", naming.label_pattern, labelled)
    if labelled:
        # Answers need neither.
        for option, name, is_read in (
            ("group_column", naming.group, examples.has_groups),
            ("split_column", naming.part, any(examples.parts)),
        ):
            if name is not None and not is_read:
                rule = f"must be in a form with columns that have names (`{option}`)"
                raise InputError(where, rule, "another", "Leave the option out")
    return examples


def _found(examples: Classified, what: str, pattern: str, labelled: bool) -> Classified:
    is_alone = len(examples) == 1

    def named(row: Example[Any, Any]) -> Example[Any, Any]:
        match = re.search(pattern, row.name or row.place)
        if match is None and is_alone:
            # A file by itself is called without the folders that a pattern may ask for.
            match = re.search(pattern, row.place)
        found = "" if match is None else _value(match, what)
        if labelled and not found:
            rule = f"must have a {what} in its name, by `{what}_pattern` {pattern}"
            raise InputError(row.place, rule, row.name or "no name")
        return replace(row, group=found) if what == "group" else replace(row, target=found or None)

    return examples.change(named)


def _value(match: re.Match[str], what: str) -> str:
    """Return the group of a match that is called `what`, or the first, or the whole match."""
    if what in match.groupdict():
        return (match[what] or "").strip()
    return (match[1] if match.re.groups else match[0] or "").strip()
