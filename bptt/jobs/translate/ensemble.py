"""Translators that write together: each token has the mean of the probabilities that they give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.jobs.ensembling import Ensembling, log_mean, mean, reading_of
from bptt.jobs.translate.hypotheses import Step
from bptt.jobs.translate.translator import Input, TrainedTranslator
from bptt.models.codecs.classes import ClassCodec
from bptt.models.codecs.codec import Padded, pad
from bptt.models.codecs.text import TextCodec
from bptt.nn import DecoderState


@dataclass(frozen=True)
class JointState:
    """The states of all decoders for N rows."""

    states: tuple[DecoderState, ...]

    def select(self, rows: Tensor) -> JointState:
        """Return the states of the rows `rows` (N,) int64, in that order."""
        return JointState(tuple(each.select(rows) for each in self.states))


class TranslatorEnsemble(TrainedTranslator):
    """Translators into the same vocabulary. Each reads a source by its own.

    P(y_t | y_1 ... y_{t-1}, x) is the mean over the members, so that ln P of a text is that of a
    distribution, as of a single network. Attention weights are averaged over the members with attention.
    """

    def __init__(self, members: Sequence[TrainedTranslator]) -> None:
        first = members[0]
        super().__init__(first.model, first.codec, first.vocabulary, first.config)
        self.members = tuple(members)

    def begin(self, inputs: Sequence[Input], batch: Padded) -> tuple[Step[JointState], JointState]:
        """Return the step of a search, and the state that it begins with."""
        sources = self._sources(inputs)
        states = (each.model.start(*source) for each, source in zip(self.members, sources, strict=True))
        return self._step, JointState(tuple(states))

    def loss(self, inputs: Sequence[Input], batch: Padded, targets: Tensor) -> float:
        """Return the sum of -ln P of the targets (T, B)."""
        pairs = zip(self.members, self._sources(inputs), strict=True)
        return -log_mean([each.model.score_targets(source, targets) for each, source in pairs]).sum().item()

    def _sources(self, inputs: Sequence[Input]) -> list[Padded]:
        return [
            pad([each.codec.encode(one) for one in inputs]).to(each.model.device) for each in self.members
        ]

    def _step(self, tokens: Tensor, state: JointState) -> tuple[Tensor, JointState, Tensor]:
        pairs = zip(self.members, state.states, strict=True)
        found = [each.model.step(tokens, before) for each, before in pairs]
        weights = [each for _, _, each in found if each.shape[1]]
        attention = mean(weights) if weights else torch.zeros(len(tokens), 0)
        return (
            log_mean([each for each, _, _ in found]),
            JointState(tuple(each[1] for each in found)),
            attention,
        )


def _shared(trained: TrainedTranslator) -> Mapping[str, object]:
    codec, config = trained.codec, trained.config
    shared: dict[str, object] = {
        "kind of inputs": config.pairs.kind,
        "columns": config.pairs.features,
        "reading of the target": reading_of(trained.vocabulary.options),
        "target vocabulary": trained.vocabulary.tokens,
        "longest translation": f"{config.limit.constant} + {config.limit.factor:g} S",
    }
    if isinstance(codec, TextCodec):
        # The steps of a source must be the same, as attention over them is averaged.
        shared["reading of the source"] = reading_of(config.vocabulary)
        if config.vocabulary.level == "bpe":
            shared["source vocabulary"] = codec.vocabulary.tokens
    if isinstance(codec, ClassCodec):
        shared["classes"] = codec.classes
    return shared


_CURE = "Train all on the same pairs: name held-out ones with `dev`, so that no seed splits them"
ENSEMBLING = Ensembling(_shared, TranslatorEnsemble, _CURE)
