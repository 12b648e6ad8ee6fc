"""Texts that a language model reads on side by side, one token of each at a step; any may join or leave."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from bptt.jobs.language.network import LanguageModel, States
from bptt.nn import Stepper

# A stepper has a fixed number of rows and a copy of the weights: this many times more rows than the next
# smaller one, so that few copies are made, and rows without a text cost less than a step of their own.
_GROWTH = 4


class LiveRows:
    """The states of rows, each with the same bits whatever the others are; no gradients, no dropout."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model.eval()
        self._steppers: dict[int, Stepper] = {}
        self._size, self._count = 1, 0
        # Where a text starts that has no states yet.
        self._initial = self._states()

    @torch.no_grad()
    def regroup(self, kept: Sequence[int], joined: Sequence[States]) -> None:
        """Keep some rows in a new order, and add a row for each of `joined`, (num_layers, 1, width) each.

        A row that joins without states starts as a text does.
        """
        index = torch.tensor(kept, dtype=torch.int64)
        stayed = [state.index_select(1, index.to(state.device)) for state in self._states()]
        added = [states or self._initial for states in joined]
        parts = zip(stayed, *added, strict=True) if added else ((state,) for state in stayed)
        self._count = len(kept) + len(joined)
        self._size = 1
        while self._size < self._count:
            self._size *= _GROWTH
        padding = self._size - self._count
        together = (torch.cat([each.to(part[0]) for each in part], 1) for part in parts)
        self._stepper.states = tuple(functional.pad(state, (0, 0, 0, padding)) for state in together)

    @torch.no_grad()
    def step(self, tokens: Sequence[int]) -> Tensor:
        """Read a token of each row; return the logits (B, V) of those that come next."""
        read = torch.tensor(tokens, device=self._model.device)
        x = self._model.embed(read[None])[0]
        x = functional.pad(x, (0, 0, 0, self._size - self._count))
        return self._model.row_logits(self._stepper.step(x)[: self._count])

    def states(self, row: int) -> States:
        """Return a copy of the states of a row, (num_layers, 1, width) each."""
        return tuple(state[:, row : row + 1].clone() for state in self._states())

    @property
    def _stepper(self) -> Stepper:
        if self._size not in self._steppers:
            self._steppers[self._size] = Stepper(self._model.recurrent, self._size)
        return self._steppers[self._size]

    def _states(self) -> States:
        found = self._stepper.states
        return (found,) if isinstance(found, Tensor) else found
