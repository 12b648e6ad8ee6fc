"""A language model in plain PyTorch, as its examples write one: what `bptt train lm` is measured beside.

    python benchmarks/plain_language_model.py TEXT FOLDER --level character --cell LSTM

The same text, split, tokens, model, streams, optimiser and schedule as those of `bptt train lm`; nn.LSTM or
nn.GRU, nn.Linear and cross_entropy over the whole vocabulary. The weights are saved, and a record is
printed: tokens learned, seconds of the updates, held-out loss. `--most-seconds` ends training early.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from math import cos, pi
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

RATE, CLIP, HELD_OUT = 0.004, 1.0, 0.1
SIZES = {"layers": 2, "hidden": 256, "embedding": 64, "batch-size": 32, "length": 50}

State = Tensor | tuple[Tensor, ...]


class PlainModel(nn.Module):
    """Embedding, recurrent layers and a linear output."""

    def __init__(self, tokens: int, given: Namespace) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, given.embedding)
        kind = {"LSTM": nn.LSTM, "GRU": nn.GRU}[given.cell]
        self.recurrent = kind(given.embedding, given.hidden, given.layers)
        self.output = nn.Linear(given.hidden, tokens)

    def forward(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Return logits (T, B, V) and the state after inputs (T, B)."""
        hidden, state = self.recurrent(self.embedding(inputs), state)
        return self.output(hidden), state


def words(text: str) -> list[str]:
    """Return the words of a text, and the ends of its lines."""
    return [word for word in text.replace("\n", " \n ").split(" ") if word]


def read_tokens(given: Namespace) -> tuple[Tensor, Tensor, int]:
    """Return the numbers of the tokens to learn from and held out, and how many tokens there are."""
    text = given.text.read_text("utf-8")
    seam = int(len(text) * (1 - HELD_OUT))
    parts = [text[:seam], text[seam:]]
    learned, held_out = ([*part] if given.level == "character" else words(part) for part in parts)
    frequent = Counter(learned).most_common(given.vocab_size)
    numbers = {token: number for number, (token, _) in enumerate(frequent, 1)}
    found = [torch.tensor([numbers.get(token, 0) for token in part]) for part in (learned, held_out)]
    return found[0], found[1], len(numbers) + 1


def batches(tokens: Tensor, given: Namespace) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and targets (T, B) of streams that lie one behind the other in the text."""
    length = (len(tokens) - 1) // given.batch_size
    inputs = tokens[: length * given.batch_size].view(given.batch_size, length).t().contiguous()
    targets = tokens[1 : length * given.batch_size + 1].view(given.batch_size, length).t().contiguous()
    for at in range(0, length, given.length):
        yield inputs[at : at + given.length], targets[at : at + given.length]


def detached(state: State) -> State:
    """Return the state without its past."""
    return tuple(each.detach() for each in state) if isinstance(state, tuple) else state.detach()


def loss_of(model: nn.Module, inputs: Tensor, targets: Tensor, state: State | None) -> tuple[Tensor, State]:
    """Return the mean loss of a batch, and the state after it."""
    logits, state = model(inputs, state)
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), state


def train(model: nn.Module, tokens: Tensor, given: Namespace) -> tuple[int, float]:
    """Learn for an epoch; return the tokens learned and the seconds."""
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    steps = -(-((len(tokens) - 1) // given.batch_size) // given.length)
    state: State | None = None
    learned, start = 0, perf_counter()
    for step, (inputs, targets) in enumerate(batches(tokens, given)):
        optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + cos(pi * step / steps))
        loss, state = loss_of(model, inputs, targets, state)
        state = detached(state)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        learned += targets.numel()
        if given.most_seconds and perf_counter() - start > given.most_seconds:
            break
    return learned, perf_counter() - start


def evaluate(model: nn.Module, tokens: Tensor, given: Namespace) -> float:
    """Return the mean loss of the held-out tokens, read as one stream."""
    total = 0.0
    state: State | None = None
    one_stream = Namespace(batch_size=1, length=given.length * given.batch_size)
    with torch.no_grad():
        for inputs, targets in batches(tokens, one_stream):
            loss, state = loss_of(model, inputs, targets, state)
            total += float(loss) * targets.numel()
    return total / (len(tokens) - 1)


def main() -> None:
    """Train, evaluate, save and print the record."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--level", choices=("character", "whitespace"), default="character")
    parser.add_argument("--cell", choices=("LSTM", "GRU"), default="LSTM")
    for name, usual in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--vocab-size", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most-seconds", type=float, default=0.0)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    learned, held_out, tokens = read_tokens(given)
    model = PlainModel(tokens, given)
    count, seconds = train(model, learned, given)
    record = {"tokens": count, "seconds": seconds, "loss": evaluate(model, held_out, given)}
    given.folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), given.folder / "weights.pt")
    sys.stdout.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
