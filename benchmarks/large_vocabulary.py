"""Whole updates of word models with large vocabularies, beside torch's full and adaptive softmax.

python benchmarks/large_vocabulary.py [--sizes 10000,50000,200000,1000000] [--rounds 7] [--law real]

The work of `bptt bench vocabularies`, for any sizes and two laws of the frequencies of words, with the
memory of our model: 35 steps, 20 rows, one LSTM layer of 256 units, an embedding of 256, Adam. The
models take turns, a few updates each; a time is the median of the rounds, with the distance to the
quartiles. torch's full softmax is left out above the size at which its logits and its update take minutes
(`--most-full`). The last column is the greatest resident memory of a process that holds our model alone.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from time import perf_counter

import torch

from bptt.bench.cases import Model
from bptt.bench.contender import Contender
from bptt.bench.contender_names import ADAPTIVE
from bptt.bench.training import PlainModel, TrainingStep, clip_plainly
from bptt.bench.word_models import draw_words, frequencies, own_options, own_step, torch_adaptive
from bptt.models.heads.cutoffs import best_cutoffs

# T, B, D, H.
SHAPE = (35, 20, 256, 256)
# Updates of a model before the next has its turn.
UPDATES = 2


def take_turns(updates: Mapping[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of an update in each round, the models one after the other in each."""
    times: dict[str, list[float]] = {name: [] for name in updates}
    for number in range(rounds + 1):
        for name, update in updates.items():
            begin = perf_counter()
            for _ in range(UPDATES):
                update.step()
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
        model, shares = Model(size, 1, SHAPE, "adam"), frequencies(size, given.law)
        batches, cutoffs = draw_words(model, shares), best_cutoffs(shares.tolist(), SHAPE[3])
        options = own_options(model, "adaptive", cutoffs)
        updates = {"bptt": own_step(ADAPTIVE, model, options, batches)}
        if given.alone:
            take_turns(updates, 1)
            print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
            continue
        updates["adaptive"] = torch_adaptive(model, cutoffs, batches)
        if size <= given.most_full:
            plain = PlainModel(model)
            updates["full"] = TrainingStep("full", plain, plain.loss, clip_plainly, model, {}, batches)
        times = take_turns(updates, given.rounds)
        full = said(times["full"]) if "full" in times else "-"
        ratio = f"{median(times['full']) / median(times['bptt']):.1f}" if "full" in times else "-"
        first = " ".join(map(str, cutoffs))
        rows = said(times["bptt"]), full, said(times["adaptive"]), ratio, memory(size, given)
        print(size, first, *rows, sep="\t", flush=True)


if __name__ == "__main__":
    main()
