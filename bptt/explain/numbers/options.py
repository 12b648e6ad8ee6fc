"""The options of a small network that is worked through in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bptt.options.field import check_fields, option

GROUP = "A small network in numbers"


@dataclass(frozen=True)
class NumbersOptions:
    """Choose the numbers of a small network: given in files, or drawn from a seed.

    Inputs and targets are texts of numbers, or names of files.
    """

    steps: int | None = option(
        None, "Time steps.", group=GROUP, usual="3; 1 for a feed-forward network", least=1
    )
    weights: Path | None = option(
        None,
        "JSON file of all weights by name: W_h, V, b, M of an embedding; with several layers W_h.1, W_h.2.",
        group=GROUP,
        usual="drawn",
    )
    inputs: str | None = option(
        None,
        "Inputs: numbers such as 0.35,0.9 with ; between steps, or a CSV or JSON file with one row a step. An"
        " embedding reads token numbers from 0.",
        group=GROUP,
        usual="drawn",
    )
    targets: str | None = option(
        None,
        "Targets, written as inputs are. The softmax takes one class number from 0 a step.",
        group=GROUP,
        usual="drawn",
    )
    seed: int | None = option(None, "Seed of the numbers that are drawn.", group=GROUP, usual="0", least=0)
    rate: float | None = option(
        None, "Learning rate η of the update.", group=GROUP, usual="0.1; 1 for feed-forward layers", least=0
    )
    bias: bool = option(True, "Give every layer its biases.", group=GROUP)
    minus_delta: bool | None = option(
        None,
        "Define δ as minus the gradient, so that w ← w + η δ x.",
        group=GROUP,
        usual="on for feed-forward layers with the squared error",
    )
    csv: bool = option(
        False, "Write all numbers as CSV: step, layer, what, name, row, column, value.", group=GROUP
    )

    def __post_init__(self) -> None:
        check_fields(self)
