"""Connectionist temporal classification beside torch: log_softmax and ctc_loss, forward and backward.

python benchmarks/ctc.py
python benchmarks/ctc.py --threads 1 --rounds 5 --shapes 300,32,29,60

Both take turns in one process, in float32; times are medians over the rounds, with half the distance of the
quartiles, and a ratio is the median of the ratios within the rounds. The gradients are compared before.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from math import inf

import torch
from torch import Tensor
from torch.nn import functional

from bptt.bench.contender import Contender
from bptt.bench.contender_names import OURS, PLAIN
from bptt.bench.request import Budget
from bptt.bench.rounds import measure
from bptt.cli.machine import prepare
from bptt.nn import ctc_loss

# T, B, V, L: characters, and Chinese characters.
SHAPES = ("300,32,29,60", "300,32,5000,30")


class Step(Contender):
    """The loss of a batch and the gradient of its logits."""

    def __init__(self, name: str, shape: tuple[int, int, int, int]) -> None:
        steps, batch, classes, longest = shape
        torch.manual_seed(0)
        self.name = name
        self._logits = torch.randn(steps, batch, classes).requires_grad_()
        self._labels = torch.randint(1, classes, (batch, longest))
        self._lengths = torch.full((batch,), steps), torch.full((batch,), longest)

    def step(self) -> Tensor:
        """Forward and backward."""
        self._logits.grad = None
        if self.name == OURS:
            loss = ctc_loss(self._logits, self._labels, *self._lengths)
        else:
            loss = functional.ctc_loss(self._logits.log_softmax(-1), self._labels, *self._lengths)
        loss.backward()
        return loss.detach()

    def numbers(self) -> Mapping[str, Tensor]:
        """Compute the loss and its gradient."""
        return {"loss": self.step(), "gradient": self._logits.grad}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--shapes", nargs="+", default=SHAPES, help="T,B,V,L")
    given = parser.parse_args()
    prepare()
    print("| threads | T, B, V, L | bptt ms | torch ms | torch / bptt |")
    print("| --: | --: | --: | --: | --: |")
    for threads in given.threads:
        torch.set_num_threads(threads)
        for shape in given.shapes:
            steps, batch, classes, longest = map(int, shape.split(","))
            contenders = [Step(name, (steps, batch, classes, longest)) for name in (OURS, PLAIN)]
            ours, theirs = (contender.numbers() for contender in contenders)
            for name, found in ours.items():
                # Torch adds logarithms of the size of the loss, about 1000.
                torch.testing.assert_close(found, theirs[name], rtol=1e-3, atol=1e-3)
            found = measure(contenders, Budget(given.rounds, inf)).seconds
            times = [_shown(found[name]) for name in (OURS, PLAIN)]
            ratios = sorted(b / a for a, b in zip(found[OURS], found[PLAIN], strict=True))
            cells = (str(threads), shape.replace(",", ", "), *times, f"{ratios[len(ratios) // 2]:.1f}")
            print(f"| {' | '.join(cells)} |", flush=True)


def _shown(seconds: list[float]) -> str:
    times = sorted(1e3 * each for each in seconds)
    count = len(times)
    spread = (times[-1 - count // 4] - times[count // 4]) / 2
    return f"{times[count // 2]:.1f} ± {spread:.1f}"


if __name__ == "__main__":
    main()
