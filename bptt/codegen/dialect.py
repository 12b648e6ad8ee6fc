"""The writing of a pass in a target language: one visitor for all, one dialect for each language.

A dialect says how an operation, a product and a loop look; `bptt/codegen/cpp/` has that of C++. Passes
and operations know nothing of it: a further language is a further dialect, and the template of its file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bptt.codegen.operations import (
    AddTo,
    AddToRow,
    Compute,
    Load,
    Operation,
    Store,
    Sweep,
    TakeColumn,
    TakeRow,
)
from bptt.codegen.source_lines import Lines, Provenance, SourceLine


class Dialect(Protocol):
    """A target language: each operation is a line, sums and loops are several."""

    def load(self, operation: Load) -> str:
        """Return the line that reads a value into a variable."""
        ...

    def take_column(self, operation: TakeColumn) -> str:
        """Return the line that puts a sum of products into a variable."""
        ...

    def compute(self, operation: Compute) -> str:
        """Return the line that evaluates an expression."""
        ...

    def store(self, operation: Store) -> str:
        """Return the line that writes a variable to its slot."""
        ...

    def add_to(self, operation: AddTo) -> str:
        """Return the line that adds to a slot."""
        ...

    def add_to_row(self, operation: AddToRow) -> str:
        """Return the line that adds to the sum over a row."""
        ...

    def take_row(self, operation: TakeRow) -> str:
        """Return the line that puts the sum over a row, or its mean, into a variable."""
        ...

    def sums(self, sweep: Sweep) -> Lines:
        """Return the lines that take the sums of products of all columns."""
        ...

    def over_units(self, sweep: Sweep, sums: Lines, units: Lines) -> Lines:
        """Return the loop over rows and units: `sums` for a panel of units, `units` for each."""
        ...

    def over_rows(self, sweep: Sweep, rows: Lines) -> Lines:
        """Return the loop over rows, when that over units is done."""
        ...


def write(sweep: Sweep, dialect: Dialect) -> Lines:
    """Return the text of a pass in a dialect, each line with its equations."""
    lines: Lines = ()
    if sweep.columns or sweep.units:
        lines = dialect.over_units(sweep, dialect.sums(sweep), _each(sweep.units, dialect))
    return (*lines, *(dialect.over_rows(sweep, _each(sweep.rows, dialect)) if sweep.rows else ()))


def _each(operations: Iterable[Operation], dialect: Dialect) -> Lines:
    return tuple(SourceLine(_text(one, dialect), _provenance(one)) for one in operations)


def _text(operation: Operation, dialect: Dialect) -> str:
    match operation:
        case Load():
            return dialect.load(operation)
        case TakeColumn():
            return dialect.take_column(operation)
        case Compute():
            return dialect.compute(operation)
        case Store():
            return dialect.store(operation)
        case AddTo():
            return dialect.add_to(operation)
        case AddToRow():
            return dialect.add_to_row(operation)
        case TakeRow():
            return dialect.take_row(operation)


def _provenance(operation: Operation) -> tuple[Provenance, ...]:
    """Name the equation of an operation, and those folded into the expression that it evaluates."""
    match operation:
        case Load():
            return ()
        case TakeColumn(statement=column):
            return (Provenance((column.equation,)),)
        case Compute(statement=one) | AddTo(statement=one) | AddToRow(statement=one):
            return (Provenance((one.equation,), one.folded, repeated=one.repeated),)
        case Store(statement=one) | TakeRow(statement=one):
            return (Provenance((one.equation,), repeated=one.repeated),)
