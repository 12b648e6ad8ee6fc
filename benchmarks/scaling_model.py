"""The model of docs/scaling.md: what an update costs on W devices, and which share of it is computation.

`.venv/bin/python benchmarks/scaling_model.py`. Time of an update: computation of a device's tokens, not less
than the steps one after the other; the gradient through the tree, 2 (W - 1) / W of it, and two messages a
level; rows of a row-sparse embedding, whose union grows with the level.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import exp, log2

DEVICES = (8, 64, 256, 1024)
# Bytes of a number.
WIDTH = 4


@dataclass(frozen=True)
class Machine:
    """A device: operations a second, seconds of a step at least; bytes a second and seconds of a message."""

    name: str
    operations: float
    step: float
    bandwidth: float
    latency: float


@dataclass(frozen=True)
class Model:
    """A model: weights with a dense gradient, weights that a token is multiplied by; vocabulary and width of
    a row-sparse embedding (0: none); tokens of a stream in an update.
    """

    name: str
    dense: float
    active: float
    vocabulary: int = 0
    width: int = 0
    steps: int = 50


MACHINES = (
    Machine("CPU, 16 cores, 10 Gb/s", 1e12, 10e-6, 1.1e9, 50e-6),
    Machine("GPU, 400 Gb/s", 30e12, 5e-6, 40e9, 15e-6),
)
MODELS = (
    Model("characters, 2 x 512 (4 M weights)", 4.4e6, 4.4e6),
    Model("words, V = 200 k, 2 x 1024 (31 M dense)", 31e6, 20e6, 200_000, 512),
)
# Streams of a device where the work grows with the devices, and of all where it does not.
STREAMS, ALL_STREAMS = 32, 1024


def rows(model: Model, tokens: float) -> float:
    """Return how many different rows are expected among tokens, by Zipf's law."""
    total = sum(1 / rank for rank in range(1, model.vocabulary + 1))
    return sum(1 - exp(-tokens / (rank * total)) for rank in range(1, model.vocabulary + 1))


def seconds(machine: Machine, model: Model, devices: int, streams: float) -> tuple[float, float, float]:
    """Return the seconds of computation, of the dense gradient, and of the rows."""
    tokens = streams * model.steps
    # Forward once, backward twice; a factor and a sum each.
    computation = max(6 * model.active * tokens / machine.operations, 3 * model.steps * machine.step)
    levels = log2(devices)
    moved = 2 * (devices - 1) / devices * model.dense * WIDTH
    dense = moved / machine.bandwidth + 3 * levels * machine.latency
    sparse = 0.0
    if model.vocabulary:
        for level in range(int(levels)):
            there = rows(model, tokens * 2**level)
            sparse += there * (model.width * WIDTH + 8) / machine.bandwidth + 3 * machine.latency
    return computation, dense, sparse


def main() -> None:
    """Print the table."""
    counts = " | ".join(f"{count:,}" for count in DEVICES)
    sys.stdout.write(f"| devices | | {counts} |\n|---|---|{'---:|' * len(DEVICES)}\n")
    for machine in MACHINES:
        for model in MODELS:
            grown = [seconds(machine, model, count, STREAMS) for count in DEVICES]
            fixed = [seconds(machine, model, count, ALL_STREAMS / count) for count in DEVICES]
            one = seconds(machine, model, 1, ALL_STREAMS)[0]
            shares = " | ".join(f"{each[0] / sum(each):.0%}" for each in grown)
            rest = " | ".join(f"{each[2] / sum(each):.0%}" for each in grown)
            faster = " | ".join(f"{one / sum(each):,.0f}x" for each in fixed)
            sys.stdout.write(f"| {machine.name}; {model.name} | weak: computation | {shares} |\n")
            if model.vocabulary:
                sys.stdout.write(f"| | weak: rows of the embedding | {rest} |\n")
            sys.stdout.write(f"| | strong: faster than one | {faster} |\n")


if __name__ == "__main__":
    main()
