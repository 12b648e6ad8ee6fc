"""Windows of a text whose last token is predicted, for a probe to look back from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.data.batches import Lines
from bptt.data.checks import check_least
from bptt.errors import InputError
from bptt.tasks.language.evaluation import encode_text
from bptt.tasks.language.model import Trained
from bptt.tasks.language.network import LanguageModel


@dataclass(frozen=True)
class Windows:
    """B windows of T tokens: `inputs` (T, B) go in, then `targets` (B,) are to be predicted.

    `lags`, less than T, is how many steps to look back.
    """

    inputs: Tensor
    targets: Tensor
    lags: int

    def embed(self, model: LanguageModel) -> Tensor:
        """What goes into the recurrent stack, (T, B, D)."""
        return model.embed(self.inputs.to(model.device)).detach()

    def loss(self, model: LanguageModel, output: Tensor) -> Tensor:
        """-ln P of the targets (B,), in nats, given the last output (B, width) of the stack."""
        return model.loss(output, self.targets.to(model.device), "none")


def cut_windows(trained: Trained, text: str, lags: int, count: int) -> Windows:
    """At most `count` windows to look back in by `lags` steps, or by fewer where the text is short.

    A continuous text gives windows spread evenly, of twice as many steps, so that the states are
    typical when the looking begins. Where sentences are read, a window is the beginning of one of
    the longer half. Raises InputError for a text that is too short.
    """
    check_least("lags", lags, 1)
    check_least("windows", count, 1)
    tokens, _ = encode_text(trained.vocabulary, trained.config.data, text)
    cut = _sentences if trained.config.data.mode == "sentences" else _stretches
    windows = cut(tokens.long(), lags, count)
    if windows.lags < 1:
        rule = "must be long enough to look back in, 3 tokens at least"
        raise InputError("text", rule, len(tokens), "Give more text")
    return windows


def _stretches(tokens: Tensor, lags: int, count: int) -> Windows:
    steps = min(2 * lags, len(tokens) - 1)
    starts = torch.unique(torch.linspace(0, len(tokens) - 1 - steps, count).long())  # (B,)
    return Windows(
        tokens[starts + torch.arange(steps)[:, None]], tokens[starts + steps], min(lags, steps - 1)
    )


def _sentences(tokens: Tensor, lags: int, count: int) -> Windows:
    lines = Lines(tokens)
    lengths, order = lines.lengths.sort(descending=True, stable=True)
    longest = min(count, (len(lengths) + 1) // 2)
    steps = min(lags + 1, int(lengths[longest - 1]))
    batch = lines.batch(order[:longest])
    return Windows(batch.inputs[:steps], batch.targets[steps - 1], steps - 1)
