"""The constants of the cost model of the adaptive softmax, measured on this machine.

python benchmarks/adaptive_costs.py [--rounds 15]

Times one softmax of a cluster, forward, backward and Adam's step, on one thread, over a grid of N outputs, V
classes and D columns, and fits

    fixed + product * N V D + logit * N V + weight * V D

by least squares of the relative error on the least time of each case. `bptt/models/heads/cutoffs.py` keeps
the constants in units of `product`; the choice of cut-offs depends on their ratios only.
"""

from __future__ import annotations

import argparse
from itertools import product
from time import perf_counter

import torch

from bptt.models.heads.adaptive import Softmax

ROWS, CLASSES, WIDTHS = (8, 32, 96, 384), (1_000, 8_000, 64_000), (16, 64, 256)
# Larger cases than this take seconds and say nothing more.
MOST = 3_000_000_000


def seconds(rows: int, classes: int, width: int, rounds: int) -> float:
    """Return the least time of an update of one softmax."""
    torch.manual_seed(0)
    layer = Softmax(classes, width)
    layer.reset_parameters()
    optimiser = torch.optim.Adam(layer.parameters(), 1e-4, fused=True)
    output = torch.randn(rows, width, requires_grad=True)
    targets = torch.randint(classes, (rows,))
    times = []
    for _ in range(rounds):
        optimiser.zero_grad()
        begin = perf_counter()
        layer.loss(output, targets, "sum").backward()
        optimiser.step()
        times.append(perf_counter() - begin)
    return min(times)


def main() -> None:
    """Print each case with the fit, and the constants."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    cases = [case for case in product(ROWS, CLASSES, WIDTHS) if case[0] * case[1] * case[2] <= MOST]
    times = torch.tensor([seconds(*case, rounds) for case in cases], dtype=torch.float64)
    terms = torch.tensor([[1, n * v * d, n * v, v * d] for n, v, d in cases], dtype=torch.float64)
    found = torch.linalg.lstsq(terms / times[:, None], torch.ones(len(cases), 1, dtype=torch.float64))
    constants = found.solution[:, 0]
    for case, time, fitted in zip(cases, times.tolist(), (terms @ constants).tolist(), strict=True):
        print(*case, f"{1e3 * time:.3f} ms, by the fit {1e3 * fitted:.3f}", sep="\t")
    fixed, each, logit, weight = constants.tolist()
    units = {"fixed": fixed / each, "logit": logit / each, "weight": weight / each}
    print(
        f"product {1e9 * each:.5f} ns, in units of it:", *(f"{n} {value:.4g}" for n, value in units.items())
    )


if __name__ == "__main__":
    main()
