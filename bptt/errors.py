"""One small tree of exceptions, by blame: the user's input, the machine, our own mistake."""

from __future__ import annotations


class BpttError(Exception):
    """The root. Its text states where, the rule, what came instead, and the cure."""

    def __init__(self, where: str, rule: str, got: object = None, cure: str = "") -> None:
        self.where, self.rule, self.got, self.cure = where, rule, got, cure
        came = "" if got is None else f", got {got}"
        advice = f". {cure}" if cure else ""
        super().__init__(f"{where}: {rule}{came}{advice}")

    def __reduce__(self) -> tuple[type[BpttError], tuple[str, str, object, str]]:
        return type(self), (self.where, self.rule, self.got, self.cure)


class InputError(BpttError, ValueError):
    """What the user gave breaks a rule: an argument, a file, a cell, a run folder."""


class MachineError(BpttError, OSError):
    """The machine could not do it: a full disk, a folder without write permission."""


class TrainingError(BpttError, ArithmeticError):
    """Training went wrong in numbers: NaN, infinity, divergence."""


class InternalError(BpttError, AssertionError):
    """A rule of this package is broken by this package: a bug to report."""
