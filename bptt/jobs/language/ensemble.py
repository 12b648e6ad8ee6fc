"""Language models that predict together: a mixture, whose P of each token is the mean of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, cast

import torch
from torch import Tensor, nn

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.jobs.ensembling import Ensembling, log_mean, reading_of
from bptt.jobs.language.network import START, States
from bptt.jobs.language.trained import TrainedLanguageModel


class Mixture(nn.Module):
    """The networks of several language models, or models of frames of music, as one that reads and scores.

    Its outputs are those of the members side by side, its states those of one after the other.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        # Recurrent layers and output layers, which nothing here changes.
        self._widths = [each.output_size for each in cast(Any, members)]
        self._states = [len(each.recurrent.state_form.tensors) for each in cast(Any, members)]

    @property
    def vocabulary_size(self) -> int:
        """The number of tokens."""
        return int(cast(Any, self.members[0]).vocabulary_size)

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    @property
    def recurrent(self) -> NoReturn:
        """Raise InputError: what steps through recurrent layers itself needs those of a single model."""
        rule = "score and predict texts: samples and a memory (`cache`, `dynamic`) are of a single run"
        raise InputError("run", f"several {rule}", f"{len(self.members)} runs", "Name one run")

    def read(self, tokens: Tensor, states: States = START) -> tuple[Tensor, States]:
        """Return the outputs (T, B, sum of the widths) of all members and their final states."""
        outputs, final, first = [], [], 0
        for member, count in zip(self.members, self._states, strict=True):
            output, after = cast(Any, member).read(tokens, states[first : first + count])
            outputs.append(output)
            final.extend(after)
            first += count
        return torch.cat(outputs, -1), tuple(final)

    def predict(self, output: Tensor) -> Tensor:
        """Return ln of the mean P of every token (..., V), which are logits of the same distribution."""
        return log_mean([member.log_probabilities(part) for member, part in self._pairs(output)])

    def row_log_probabilities(self, output: Tensor) -> Tensor:
        """Return ln of the mean P of every token (N, V) for outputs (N, width)."""
        return log_mean([member.row_log_probabilities(part) for member, part in self._pairs(output)])

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return ln of the mean P of `targets`; that of NOTHING is 0, but for rounding."""
        return log_mean([member.score(part, targets) for member, part in self._pairs(output)])

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of -ln P over `targets` (...) int64; NOTHING does not count."""
        counted = targets != NOTHING
        return -torch.where(counted, self.score(output, targets), 0.0).sum() / counted.sum()

    def _pairs(self, output: Tensor) -> Iterator[tuple[Any, Tensor]]:
        """Yield each member with its own part of outputs (..., sum of the widths)."""
        return zip(self.members, torch.split(output, self._widths, -1), strict=True)


def _combine(members: Sequence[TrainedLanguageModel]) -> TrainedLanguageModel:
    model = cast(Any, Mixture([each.model for each in members]))
    found = TrainedLanguageModel(model, members[0].vocabulary, members[0].config)
    found.members = tuple(members)
    return found


def _shared(trained: TrainedLanguageModel) -> Mapping[str, object]:
    return {
        "reading of a text": reading_of(trained.vocabulary.options),
        "mode": trained.config.data.mode,
        "vocabulary": trained.vocabulary.tokens,
    }


_CURE = "Train all on the same text, with the same `level` and `min_count`"
ENSEMBLING = Ensembling(_shared, _combine, _CURE)
