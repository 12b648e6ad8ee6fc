"""Options as the command line spells them: the library names fields, in backticks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bptt.options.option_set import OptionSet

_NAME = re.compile(r"`([a-z][a-z0-9_]*)`")


def spelled(text: str, options: OptionSet) -> str:
    """Return a text in which the names of options, in backticks, are flags: `max_length` is --max-length."""
    flags = {name: each.flag for each in options for name in (each.name, each.field)}
    return _NAME.sub(lambda found: f"--{flags[found[1]]}" if found[1] in flags else found[0], text)
