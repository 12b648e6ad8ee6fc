"""`bptt check`: the derivation of a cell proved on this machine."""

from __future__ import annotations

from typing import Annotated

import typer


def check(
    cell: Annotated[str, typer.Argument(help="Cell listed by `bptt cells`, or mycell.py:MyCell.")],
    seed: Annotated[int, typer.Option(help="Seed of the random arguments.")] = 0,
) -> None:
    """Check the derived gradients of a cell against three truths.

    Prints the worst error of the gradient of every argument, then makes a module of two layers and runs it.
    """
    from bptt.cells import load
    from bptt.options.checks import check_least
    from bptt.probe import self_check as checking
    from bptt.probe.self_check import BATCH, DECIMALS, DIFFERENCE, LIMITS, STEPS

    check_least("seed", seed, 0)
    chosen = load(cell)
    checks = checking.self_check(chosen, seed)
    print(
        f"{chosen.name}: worst error of the derived gradients, relative to the largest entry of the truth\n"
    )
    print(f"{'gradient of':12} {'shape':14} {'exact':>9} {'autograd':>9} {'differences':>12}")
    for row in checks:
        verdict = "" if row.passed else "  FAILED"
        errors = f"{row.exact:9.1e} {row.autograd:9.1e} {row.differences:12.1e}"
        print(f"{row.argument:12} {row.shape!s:14} {errors}{verdict}")
    print(
        f"{'limit':12} {'':14} {LIMITS['exact']:9.0e} {LIMITS['autograd']:9.0e} {LIMITS['differences']:12.0e}"
    )
    print(f"\nexact        one step against SymPy's total derivative, {DECIMALS} digits")
    print(
        f"autograd     {STEPS} steps, {BATCH} sequences, float64, against torch's autograd through the loop"
    )
    print(f"differences  the same against central differences of {DIFFERENCE:g}, each number moved by itself")
    if not all(row.passed for row in checks):
        raise typer.Exit(1)
    print(f"\nAll {len(checks)} gradients of {chosen.name} agree.")
    checking.check_module(chosen)
