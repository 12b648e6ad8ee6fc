"""Help pages: options in sections, no name cut however narrow the terminal."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

# What typer calls the type of a number with bounds, or of an option that may be repeated.
_RANGE = re.compile(r"<(\w+) range>")
_LIST = re.compile(r"<list\[(\w+)\]>")


class Page(TyperCommand):
    """A command whose help lists its options under the headings of their panels.

    For `typer.Typer(rich_markup_mode=None)`: rich would cut long names at 80 columns, and take
    `[bench]` in a text for markup.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section for the arguments, and one for each panel, in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                panel = getattr(parameter, "rich_help_panel", None) or usual
                sections.setdefault(panel, []).append((_shown(record[0]), record[1]))
        # --help is the last parameter and has no panel: among other sections it would stand alone.
        for title in sorted(sections, key=lambda title: (title != "Arguments", title == "Options")):
            with formatter.section(title):
                formatter.write_dl(sections[title])


def _shown(names: str) -> str:
    return _LIST.sub(r"<\1>", _RANGE.sub(r"<\1>", names))
