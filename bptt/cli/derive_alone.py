"""Options of `bptt derive` that do not go together: each is refused by name, so that none is left unread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.options.choices import Choices

# The options that write diagrams, or turn a document into another one.
_FORMS = ("notation", "unroll", "draw", "figures", "numbers")


def given_in(choices: Choices, *sections: str) -> list[str]:
    """Return the options of sections that are given, as `seed`, or `no_bias` if one is turned off."""
    options = (each for section in sections for each in choices.options.of(section))
    return [named(choices, each.name) for each in options if choices.has(each.name)]


def named(choices: Choices, name: str) -> str:
    """Return an option as errors name it."""
    return f"no_{name}" if choices.get(name) is False else name


def refuse(choices: Choices, rule: str, names: Iterable[str]) -> None:
    """Raise InputError with this rule if one of the options is given: it would have no effect."""
    for name in names:
        if choices.has(name.removeprefix("no_")):
            raise InputError("bptt derive", rule, f"`{name}`", "Leave it out")


def check_layer_options(choices: Choices, cell: str) -> None:
    """Raise InputError if a cell is derived with options of a trained layer, such as its unit."""
    for name in given_in(choices, "layer"):
        raise InputError("bptt derive", f"`{name}` is for a run", cell, "Name the folder of a run")


def check_one_diagram(choices: Choices) -> None:
    """Raise InputError for an option that has no effect on one diagram."""
    others = ("numbers", *given_in(choices, "network", "unrolled", "numbers", "layer"))
    refuse(choices, "`draw` shows one diagram alone", others)


def check_criterion(choices: Choices, name: str, numbers: Iterable[str]) -> None:
    """Raise InputError for an option that has no effect on a loss over whole sequences.

    `numbers` are the options of its worked case, none if it has none.
    """
    others = (*_FORMS, *given_in(choices, "network", "numbers", "layer"))
    known = {"numbers", *numbers} if numbers else set()
    rule = f"{name} has no layers, sizes or weights" if numbers else f"{name} has no layers, sizes or numbers"
    refuse(choices, rule, (each for each in others if each not in known))
