"""The command class: help in sections, without truncated names; empty file names are refused."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand

from bptt.errors import InputError

# The names that typer gives to the types of bounded numbers and, below, of repeatable options.
_RANGE = re.compile(r"<(\w+) range>")
_PATH = re.compile(r"<path>|\bPATH\b")
# Aliases of an option, which are not listed.
_ALIASES = re.compile(r"(--[a-z-]+)(?:, --[a-z-]+)+")
# The key in the context that requests the help of all options.
ALL = "bptt.help_all"
_LIST = re.compile(r"<list\[(\w+)\]>")


class Page(TyperCommand):
    """A command whose help lists its options under the headings of their panels.

    For `typer.Typer(rich_markup_mode=None)`: rich would truncate long names at 80 columns, and read `[bench]`
    as markup.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments. Raises InputError if the name of a file or folder is empty.

        An unset variable of a script gives such a name, which would mean the current folder.
        """
        named = {
            name
            for parameter in self.get_params(ctx)
            if _PATH.search((parameter.get_help_record(ctx) or [""])[0])
            for name in parameter.opts
        }
        for before, value in pairwise(["", *args]):
            name = before if not value else value.removesuffix("=")
            if name in named and value in ("", f"{name}="):
                raise InputError(name, "must name a file or a folder", "''", "Write . for the current folder")
        return list(super().parse_args(ctx, args))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section for the arguments, and one for each panel, in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        more = 0
        for parameter in self.get_params(ctx):
            if not self._is_shown(parameter, ctx):
                more += 1
                continue
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                panel = getattr(parameter, "rich_help_panel", None) or usual
                sections.setdefault(panel, []).append((_shown(record[0]), record[1]))
        # --help is the last parameter and has no panel: without sorting it would get a section of its own.
        for title in sorted(sections, key=lambda title: (title != "Arguments", title == "Options")):
            with formatter.section(title):
                formatter.write_dl(sections[title])
        if more:
            formatter.write_paragraph()
            formatter.write_text(f"{more} more options: --help-all")

    def _is_shown(self, parameter: Any, ctx: Any) -> bool:
        """Return whether the help lists an option: without --help-all, only those that most users need."""
        common: Collection[str] | None = getattr(self, "common", None)
        if common is None or ctx.meta.get(ALL) or parameter.param_type_name == "argument":
            return True
        return parameter.name in common or parameter.required


def show_all(ctx: typer.Context, wanted: bool) -> None:
    """Print the help with every option."""
    if wanted:
        ctx.meta[ALL] = True
        print(ctx.get_help())
        raise typer.Exit


def _shown(names: str) -> str:
    names = _ALIASES.sub(r"\1", names)
    return _LIST.sub(r"<\1>", _RANGE.sub(r"<\1>", names))
