"""Whole updates of word models with large vocabularies, beside torch's full and adaptive softmax.

python benchmarks/large_vocabulary.py [--sizes 10000,50000,200000,1000000] [--rounds 7] [--law real]

An update is embedding, one LSTM layer, output layer, loss, gradient, clipping and Adam: 35 steps, 20
rows, 256 units, an embedding of 256. Tokens are drawn by frequency. The law "real" is that of large
corpora, 1 / rank up to rank 7,873 and rank^-1.77 beyond (Gerlach & Altmann 2013); "zipf" is 1 / rank
throughout, a harder case. torch's adaptive softmax has our cut-offs, and the widths of its own. The
models take turns, a few updates each; a time is the median of the rounds, with the distance to the
quartiles. torch's full softmax is left out above the size at which its logits and its update take minutes
(`--most-full`). The last column is the greatest resident memory of a process that holds our model alone.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from bptt.cells import catalogue
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.options import ModelOptions
from bptt.models.heads.cutoffs import best_cutoffs
from bptt.training import row_updates
from bptt.training.optimiser import build_optimiser, clip_gradient
from bptt.training.options import TrainingOptions

STEPS, ROWS, WIDTH = 35, 20, 256
BEND, POWER = 7873, 1.77
# Batches that take turns, and updates of a model before the next has its turn.
BATCHES, UPDATES = 8, 2
OPTIONS = TrainingOptions(learning_rate=1e-4)

Update = Callable[[], None]


def frequencies(size: int, law: str) -> Tensor:
    """Return the share (V,) of each token in a text."""
    ranks = torch.arange(1, size + 1, dtype=torch.float64)
    found = 1 / ranks
    if law == "real":
        found = torch.where(ranks <= BEND, found, BEND ** (POWER - 1) / ranks**POWER)
    return found / found.sum()


def draw(shares: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return batches of inputs and targets (T, B)."""
    torch.manual_seed(0)
    drawn = torch.multinomial(shares, BATCHES * 2 * STEPS * ROWS, replacement=True)
    return [(each[0], each[1]) for each in drawn.view(BATCHES, 2, STEPS, ROWS)]


def ours(size: int, cutoffs: tuple[int, ...], batches: list[tuple[Tensor, Tensor]]) -> Update:
    """Return an update of the model of `bptt train lm`."""
    options = ModelOptions(
        WIDTH,
        num_layers=1,
        embedding_size=WIDTH,
        output_layer="adaptive",
        cutoffs=cutoffs,
        row_sparse=True,
    )
    model = LanguageModel(size, catalogue.get("lstm"), options)
    parameters = list(model.parameters())
    optimiser = build_optimiser(parameters, OPTIONS)

    def update() -> None:
        inputs, targets = _next(batches)
        optimiser.zero_grad()
        model.loss(model.read(inputs)[0], targets).backward()
        clip_gradient(parameters, OPTIONS)
        row_updates.step(optimiser)

    return update


class Plain(nn.Module):
    """A word model as a user of torch writes it; without cut-offs, with the full softmax."""

    def __init__(self, size: int, cutoffs: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH)
        self.adaptive = bool(cutoffs)
        self.output = (
            nn.AdaptiveLogSoftmaxWithLoss(WIDTH, size, list(cutoffs)) if cutoffs else nn.Linear(WIDTH, size)
        )

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss."""
        output = self.lstm(self.embedding(inputs))[0].flatten(0, 1)
        if self.adaptive:
            loss: Tensor = self.output(output, targets.flatten()).loss
            return loss
        return functional.cross_entropy(self.output(output), targets.flatten())


def theirs(model: Plain, batches: list[tuple[Tensor, Tensor]]) -> Update:
    """Return an update with torch's fused Adam."""
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, OPTIONS.peak_rate, fused=True)

    def update() -> None:
        inputs, targets = _next(batches)
        optimiser.zero_grad()
        model(inputs, targets).backward()
        clip_grad_norm_(parameters, OPTIONS.norm_limit)
        optimiser.step()

    return update


def _next(batches: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    batches.append(batches.pop(0))
    return batches[-1]


def take_turns(updates: dict[str, Update], rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of an update in each round, the models one after the other in each."""
    times: dict[str, list[float]] = {name: [] for name in updates}
    for number in range(rounds + 1):
        for name, update in updates.items():
            begin = perf_counter()
            for _ in range(UPDATES):
                update()
            if number:
                times[name].append(1e3 * (perf_counter() - begin) / UPDATES)
    return times


def said(times: Sequence[float]) -> str:
    """Return the median and the distance to the farther quartile."""
    low, _, high = quantiles(times, n=4)
    return f"{median(times):.1f} ± {max(high - median(times), median(times) - low):.1f}"


def memory(size: int, given: argparse.Namespace) -> str:
    """Return the greatest resident memory of a process that makes a few updates of our model."""
    command = [sys.executable, __file__, "--alone", "--sizes", str(size), "--threads", str(given.threads)]
    done = subprocess.run([*command, "--law", given.law], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="10000,50000,200000,1000000")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--law", choices=("real", "zipf"), default="real")
    parser.add_argument("--most-full", type=int, default=200_000)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if not given.alone:
        print("V", "cut-offs", "bptt ms", "torch full ms", "adaptive ms", "full / bptt", "memory", sep="\t")
    for size in map(int, given.sizes.split(",")):
        shares = frequencies(size, given.law)
        batches, cutoffs = draw(shares), best_cutoffs(shares.tolist(), WIDTH)
        updates = {"bptt": ours(size, cutoffs, batches)}
        if given.alone:
            take_turns(updates, 1)
            print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
            continue
        updates["adaptive"] = theirs(Plain(size, cutoffs), batches)
        if size <= given.most_full:
            updates["full"] = theirs(Plain(size), batches)
        times = take_turns(updates, given.rounds)
        full = said(times["full"]) if "full" in times else "-"
        ratio = f"{median(times['full']) / median(times['bptt']):.1f}" if "full" in times else "-"
        first = " ".join(map(str, cutoffs))
        rows = said(times["bptt"]), full, said(times["adaptive"]), ratio, memory(size, given)
        print(size, first, *rows, sep="\t", flush=True)


if __name__ == "__main__":
    main()
