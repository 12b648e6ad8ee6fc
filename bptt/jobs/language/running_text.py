"""A language model that remembers the text it reads: a cache of it, and weights that follow it.

Every token is predicted before it is remembered, so the probabilities of all tokens add up to 1 at each step,
and their product is the probability of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from math import log

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from bptt.data.batches import Batch, Continuous, Lines
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.network import START, LanguageModel, States
from bptt.jobs.language.options import DataOptions
from bptt.nn.float64 import doubles
from bptt.runs.evaluating import evaluating

# Of the gradient of a piece of text, in dynamic evaluation: that of training by default.
_CLIP_NORM = 1.0


class RunningText:
    """A model, and what it remembers of the pieces of text that it has read. `model` keeps its weights."""

    def __init__(self, model: LanguageModel, options: MemoryOptions) -> None:
        # An ensemble has none, and says so before anything is copied.
        width = model.recurrent.output_size
        self._options = options
        self._model = _follower(model) if options.dynamic else model
        self._optimiser = torch.optim.SGD(self._model.parameters(), options.dynamic or 1.0)
        # The outputs (N, width) before the last N tokens, and these tokens (N,).
        self._outputs = torch.empty(0, width, device=model.device)
        self._tokens = torch.empty(0, dtype=torch.int64, device=model.device)

    def read(self, batch: Batch, states: States = START, learn: bool = True) -> tuple[Tensor, States]:
        """Return ln P (T,) float64 of the targets of one stream (T, 1), and the states after it.

        Each is given all that was read before, in this piece and in those before. The piece is remembered,
        unless it is not to `learn`.
        """
        follows = learn and self._options.dynamic > 0
        with evaluating(self._model), torch.set_grad_enabled(follows):
            output, states = self._model.read(batch.inputs, states)
            found = self._model.score(output, batch.targets)
        if follows:
            self._follow(-found.mean())
        outputs, targets = output.detach()[:, 0], batch.targets[:, 0]
        whole = self._with_cache(doubles(found.detach()[:, 0]), outputs, targets)
        if learn and self._options.cache:
            kept = self._options.cache
            self._outputs = torch.cat([self._outputs.to(outputs), outputs])[-kept:]
            self._tokens = torch.cat([self._tokens, targets])[-kept:]
        return whole, tuple(state.detach() for state in states)

    def _follow(self, loss: Tensor) -> None:
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self._model.parameters(), _CLIP_NORM)
        self._optimiser.step()

    def _with_cache(self, found: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return ln P of the mixture with the cache for outputs (T, width); where it is empty, that given."""
        options = self._options
        if not options.cache or not options.cache_share:
            return found
        keys = doubles(torch.cat([self._outputs.to(outputs), outputs]))  # (N + T, width)
        outputs, targets, earlier = (each.to(keys.device) for each in (outputs, targets, self._tokens))
        tokens = torch.cat([earlier, targets])
        before = len(self._tokens) + torch.arange(len(outputs), device=outputs.device)[:, None]  # (T, 1)
        places = torch.arange(len(keys), device=outputs.device)
        held = (places < before) & (places >= before - options.cache)  # (T, N + T)
        weights = (options.cache_flatness * doubles(outputs) @ keys.T).masked_fill(~held, -torch.inf)
        same = weights.masked_fill(tokens != targets[:, None], -torch.inf)
        cached = same.logsumexp(1) - weights.logsumexp(1)
        mixed = torch.logaddexp(found + log(1 - options.cache_share), cached + log(options.cache_share))
        return torch.where(held.any(1), mixed, found)


def pieces(tokens: Tensor, options: DataOptions) -> Iterator[Batch]:
    """Yield a text (T,) from its first to its last token, as one stream: pieces of the `sequence_length` of a
    continuous text, or the lines of a model of sentences.
    """
    if options.mode == "sentences":
        lines = Lines(tokens, options.before_line)
        yield from (lines.batch(torch.tensor([row])) for row in range(len(lines.lengths)))
        return
    stream = Continuous(tokens, 1, options.sequence_length)
    yield from (stream.batch(0, index) for index in range(stream.steps))


def _follower(model: LanguageModel) -> LanguageModel:
    """Return a copy whose gradients are dense, for these are clipped."""
    found = deepcopy(model)
    found.options = replace(found.options, row_sparse=None)
    return found
