"""Transcribers that answer together: the mean of their probabilities of the symbols at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from bptt.data.examples import Example
from bptt.jobs.ensembling import Ensembling, log_mean
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.models.codecs.codec import Padded, pad


class TranscriberEnsemble(TrainedTranscriber):
    """Transcribers of the same symbols and steps. Each normalises the features of a recording itself.

    ln of a mean probability is a logit of the same probability, so that each search, and the loss, take the
    mean as they take the output of a network.
    """

    def __init__(self, members: Sequence[TrainedTranscriber]) -> None:
        first = members[0]
        super().__init__(first.model, first.codec, first.vocabulary, first.config, first.workers)
        self.members = tuple(members)

    def score(self, examples: Sequence[Example[Any, Any]], batch: Padded) -> Tensor:
        """Return ln of the mean probability of each symbol at each step, (T, B, V)."""
        device = batch.tensors[0].device
        others = [pad([each.encode_one(row) for row in examples]).to(device) for each in self.members[1:]]
        batches = zip(self.members, (batch, *others), strict=True)
        return log_mean([each.model(read).log_softmax(2) for each, read in batches])


def _shared(trained: TrainedTranscriber) -> Mapping[str, object]:
    config = trained.config
    return {
        "kind of inputs": config.source.kind,
        "symbols": tuple(trained.vocabulary.tokens),
        "level": trained.vocabulary.options.level,
        "length of a step": trained.seconds,
        "longest recording": config.data.max_length,
        "sampling rate, window and hop": _framing(trained),
        "columns": config.source.features,
    }


def _framing(trained: TrainedTranscriber) -> str:
    sound = getattr(trained.codec, "options", None)
    return "none" if sound is None else f"{sound.rate} Hz, {sound.window:g} ms, {sound.hop:g} ms"


ENSEMBLING = Ensembling(_shared, TranscriberEnsemble, "Train all with the same `dev`, level and features")
