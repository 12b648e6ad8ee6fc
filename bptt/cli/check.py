"""`bptt check`: the derived gradients of a cell, verified on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bptt.cells.options import CHECK, CheckOptions
from bptt.cli.commands import make_command

if TYPE_CHECKING:
    from bptt.options.choices import Choices


def command() -> Any:
    """Return the command."""
    about = (
        "Prints the worst error of the gradient of every argument, then makes a module of two layers "
        "and runs it."
    )
    title = "Check the derived gradients of a cell against three truths."
    return make_command("check", CHECK, _check, title, about)


def _check(choices: Choices) -> None:
    from bptt.cells import load
    from bptt.probe import self_check as checking
    from bptt.probe.self_check import BATCH, DECIMALS, DIFFERENCE, LIMITS, STEPS

    asked = choices.make(CheckOptions)
    chosen = load(asked.cell)
    checks = checking.self_check(chosen, asked.seed)
    print(
        f"{chosen.name}: worst error of the derived gradients, relative to the largest entry of the truth\n"
    )
    print(f"{'gradient of':12} {'shape':14} {'exact':>9} {'autograd':>9} {'differences':>12}")
    for row in checks:
        verdict = "" if row.passed else "  FAILED"
        exact, autograd, differences = row.errors
        errors = f"{exact:>9} {autograd:>9} {differences:>12}"
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
