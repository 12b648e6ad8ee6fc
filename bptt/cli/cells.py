"""`bptt cells`: the catalogue, one cell in full, or their weights compared."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bptt.cells.options import CELLS, CellsOptions
from bptt.cli.commands import make_command

if TYPE_CHECKING:
    from bptt.cells import Cell, Family
    from bptt.options.choices import Choices

INDENT = " " * 4


def command() -> Any:
    """Return the command."""
    return make_command("cells", CELLS, _cells, "List the cells: equations, states, weights, source.")


def _cells(choices: Choices) -> None:
    from bptt.cells import get, load
    from bptt.cells.catalogue import CATALOGUE, added

    asked = choices.make(CellsOptions)
    if asked.input_size is not None and asked.hidden_size is not None:
        others = [load(asked.name)] if asked.name else [*CATALOGUE.values(), *added()[0]]
        _print_counts([get("lstm"), *others], asked.input_size, asked.hidden_size, asked.budget)
    elif asked.name:
        _print_cell(load(asked.name), full=True)
    else:
        additions, broken = added()
        for cell in (*CATALOGUE.values(), *additions):
            _print_cell(cell)
            print()
        for error in broken:
            print(f"bptt: left out: {error}", file=sys.stderr)


def _print_cell(cell: Cell, full: bool = False) -> None:
    """Print name and title, equations, states, weights and source."""
    print(f"{cell.name}: {cell.title}")
    print("\n".join(INDENT + line for line in str(cell).splitlines()))
    print(f"  states   {', '.join(cell.states) or 'none'} (output {cell.output})")
    print(f"  weights  {' + '.join(family.formula for family in cell.families)}")
    if full:
        for family in cell.families:
            start = cell.init.get(family.name)
            begins = "uniform within ±1/√H" if start is None else f"at {start:g}"
            print(f"{INDENT}{_shaped(family)}: {', '.join(family.members)}; starts {begins}")
        for constant, value in cell.constants.items():
            print(f"{INDENT}{constant} = {value:g}")
    print(f"  source   {cell.source or 'none given'}")


def _shaped(family: Family) -> str:
    """Write name and shape of stacked parameters, as "W (4H, I)"."""
    count = len(family.members)
    rows = family.rows if count == 1 else f"{count}{family.rows}"
    return f"{family.name} ({rows}, {family.columns})" if family.columns else f"{family.name} ({rows},)"


def _print_counts(chosen: list[Cell], inputs: int, hidden: int, budget: int | None) -> None:
    """Print a line for each cell, compared with the first."""
    from bptt.cells.compare import compare

    counts = compare(dict.fromkeys(chosen), inputs, hidden, budget)
    limit = budget or counts[0].weights
    print(f"I = {inputs}, H = {hidden} (P = H/2)          at most {limit} weights")
    print(f"{'cell':17} {'weights':>10} {'of lstm':>8}   {'H':>6} {'weights':>10}")
    for count in counts:
        share = count.weights / counts[0].weights
        print(
            f"{count.cell.name:17} {count.weights:10} {share:8.1%}   "
            f"{count.hidden_at_budget:6} {count.weights_at_budget:10}"
        )
