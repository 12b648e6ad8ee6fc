"""The values of options that somebody gave: on the command line, in a recipe, or in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bptt.options.option_set import OptionSet

Options = TypeVar("Options")


def _silent(line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Choices:
    """The values `given` for options, by their names; what is not given has its default.

    `say` takes a line for the user about what was found or decided.
    """

    options: OptionSet
    given: Mapping[str, Any]
    say: Callable[[str], None] = _silent

    @classmethod
    def read(
        cls, options: OptionSet, given: Mapping[str, Any], say: Callable[[str], None] = _silent
    ) -> Choices:
        """Return the choices of a caller, who may spell options as the command line does.

        Raises InputError as `OptionSet.read` does.
        """
        return cls(options, options.read(given), say)

    def make(self, kind: type[Options], section: str | None = None, **usual: Any) -> Options:
        """Return the options of one dataclass; `usual` are values of those that are not given."""
        return self.options.make(kind, self.given, section, **usual)

    def get(self, name: str) -> Any:
        """Return the value of one option. Raises InputError if it is required and was not given."""
        if name in self.given:
            return self.given[name]
        each = self.options.named(name)
        if each.is_required:
            raise each.missing()
        return each.default

    def has(self, name: str) -> bool:
        """Return whether an option was given."""
        return name in self.given

    def over(self, others: Mapping[str, Any]) -> Choices:
        """Return the same choices, with `others` for options that are not given."""
        return replace(self, given={**others, **self.given})
