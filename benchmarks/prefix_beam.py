"""The time of a step of the prefix beam search, in C++ and in Python, and with a language model.

python benchmarks/prefix_beam.py [--width 20] [--symbols 29 5000] [--language-model RUN]

Frames of 10 s at 30 ms are drawn: one in three has a symbol of a random text, the others a blank, each with
95 % of the probability on average; the rest is spread by a random softmax. Times are the medians of rounds in
turn. A step with a language model reads each text that has entered the beam.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from bptt.data.vocabulary_options import END
from bptt.jobs.language.model import load_language_model
from bptt.jobs.rescore.rescoring import Weights
from bptt.jobs.transcribe.language_reader import LanguageReader
from bptt.jobs.transcribe.text_scorer import TextScorer
from bptt.nn.prefix_beam import PrefixBeam
from bptt.runtime.backend import backend

STEPS, ROUNDS = 333, 3


def frames_of(symbols: int, blank: int) -> Tensor:
    """Return ln P (STEPS, symbols)."""
    draw = torch.Generator().manual_seed(0)
    heard = torch.randint(symbols, (STEPS,), generator=draw)
    heard[torch.rand(STEPS, generator=draw) < 2 / 3] = blank
    logits = 2 * torch.randn(STEPS, symbols, generator=draw)
    rest = logits.logsumexp(-1) + 3.0 + 2 * torch.randn(STEPS, generator=draw)
    return logits.scatter(1, heard[:, None], rest[:, None]).log_softmax(-1)


def milliseconds(make: Callable[[], PrefixBeam], frames: Tensor) -> float:
    """Return the time of a step."""
    search = make()
    start = perf_counter()
    search.push(frames)
    return (perf_counter() - start) / len(frames) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=int, default=20)
    parser.add_argument("--symbols", type=int, nargs="+", default=[29, 5000])
    parser.add_argument("--language-model", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for symbols in asked.symbols:
        frames = frames_of(symbols, 0)
        times: dict[str, list[float]] = {"cpu": [], "reference": []}
        for _ in range(ROUNDS):
            for name, found in times.items():
                with backend(name):
                    found.append(milliseconds(partial(PrefixBeam, symbols, asked.width), frames))
        shown = ", ".join(f"{name} {median(found):.4f} ms" for name, found in times.items())
        print(f"{symbols} symbols, {asked.width} prefixes: {shown} a step")
    if asked.language_model is not None:
        model = load_language_model(asked.language_model)
        vocabulary = model.vocabulary
        reader = LanguageReader(model, map(vocabulary.show, range(2, vocabulary.size)))

        def make() -> PrefixBeam:
            scorer = TextScorer(vocabulary, END, Weights(0.5), reader)
            return PrefixBeam(vocabulary.size, asked.width, END, scorer, 0.5)

        found = [milliseconds(make, frames_of(vocabulary.size, END)) for _ in range(ROUNDS)]
        print(f"with {asked.language_model}, {vocabulary.size} symbols: {median(found):.4f} ms a step")


if __name__ == "__main__":
    main()
