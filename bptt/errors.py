"""One small tree of exceptions, by blame: the user's input, the machine, our own mistake."""

from __future__ import annotations

import re
from typing import ClassVar

# Characters that a terminal obeys, that end a line or turn its direction, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# More of what came would hide the rule and the cure.
_LONGEST = 1000


def printable(text: str) -> str:
    r"""Return the text on one line, safe to print: control characters as escapes of Python, such as
    ``\x1b``.
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_json(text: str) -> str:
    r"""Return JSON that is safe to print: characters that `printable` escapes become ``\u`` escapes of
    JSON.
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def counted(count: int, things: str) -> str:
    """Return a number with a noun, which is given in the plural: 1 piece, 1,200 pieces, 1 series."""
    if count == 1 and things != "series":
        things = things.removesuffix("s")
    return f"{count:,} {things}"


class BpttError(Exception):
    """The root. Its text states where, the rule, what came instead, and the cure, in one line."""

    # Whether the text may have several lines, as the words of a compiler do.
    several_lines: ClassVar[bool] = False

    def __init__(self, where: str, rule: str, got: object = None, cure: str = "") -> None:
        self.where, self.rule, self.got, self.cure = where, rule, got, cure
        came = "" if got is None else f", got {self._shown(str(got))}"
        advice = f". {cure}" if cure else ""
        super().__init__(f"{self._shown(where)}: {self._shown(rule)}{came}{advice}")

    def _shown(self, text: str) -> str:
        if self.several_lines:
            return "\n".join(map(printable, text.split("\n")))
        return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")

    def __reduce__(self) -> tuple[type[BpttError], tuple[str, str, object, str]]:
        return type(self), (self.where, self.rule, self.got, self.cure)


class InputError(BpttError, ValueError):
    """An argument, a file, a cell or a run folder of the user breaks a rule."""


class GraphError(InputError, RuntimeError):
    """A backward pass cannot follow its forward pass: what it reads was replaced in between."""


class TensorError(InputError, RuntimeError):
    """A tensor does not fit: its shape, dtype or device. A RuntimeError too, as torch's error for it is."""


class WrongTypeError(InputError, TypeError, RuntimeError):
    """An argument is of another Python type than is asked for.

    A TypeError, as torch's error is where it checks; a RuntimeError too, as torch's is where it does not.
    """


class MachineError(BpttError, OSError):
    """The machine could not do it: a full disk, a folder without write permission."""


class TrainingError(BpttError, ArithmeticError):
    """Training went wrong in numbers: NaN, infinity, divergence."""


class InternalError(BpttError, AssertionError):
    """A rule of this package is broken by this package: a bug to report, with the traceback that it holds."""

    several_lines = True
