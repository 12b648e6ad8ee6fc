"""Classifiers that answer together: the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from bptt.jobs.classify.trained import Input, Labelled, TrainedClassifier
from bptt.jobs.ensembling import Ensembling, log_mean, mean
from bptt.models.codecs.given import as_list


class ClassifierEnsemble(TrainedClassifier):
    """Classifiers of the same labels. Each reads an input by its own vocabulary, at its own level."""

    def __init__(self, members: Sequence[TrainedClassifier]) -> None:
        first = members[0]
        super().__init__(first.model, first.codec, first.labels, first.config)
        self.members = tuple(members)

    def log_probabilities(self, inputs: Iterable[Input], places: Sequence[str] = ()) -> Tensor:
        """Return ln of the mean probability of each label, (N, K). Raises the errors of each member."""
        given = as_list(inputs, "inputs", "inputs")
        return log_mean([each.log_probabilities(given, places) for each in self.members])

    def log_probabilities_of(self, examples: Labelled) -> Tensor:
        """Return the same for examples as they were read."""
        return log_mean([each.log_probabilities_of(examples) for each in self.members])

    @property
    def offsets(self) -> Tensor | None:
        """The mean of the decision offsets, 0 those of a member without; None if no member has any."""
        found = [each.offsets for each in self.members]
        if all(each is None for each in found):
            return None
        return mean([torch.zeros(len(self.labels)) if each is None else each for each in found])


def _shared(trained: TrainedClassifier) -> Mapping[str, object]:
    source = trained.config.source
    return {
        "kind of inputs": source.kind,
        "number of labels of an example": "several" if trained.config.head.multi_label else "one",
        "labels": trained.labels,
        "columns": source.features,
    }


ENSEMBLING = Ensembling(_shared, ClassifierEnsemble, "Train all on examples of the same labels")
