"""Taggers that answer together.

Without a CRF the probabilities of the tags of a word are averaged. With one, the scores of whole sequences
are: emissions and transitions are sums in the score of a sequence, so the mean of the scores is a CRF, whose
probability is the normalised geometric mean of those of its members. Its best sequence, its alternatives and
its marginals are exact, and no transition is taken that the scheme forbids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor

from bptt.data.examples import Words
from bptt.jobs.ensembling import Ensembling, log_mean, mean
from bptt.jobs.tag.network import Tagger
from bptt.jobs.tag.trained import TrainedTagger
from bptt.models.codecs.codec import Padded, pad


class TaggerEnsemble(TrainedTagger):
    """Taggers of the same tags. Each reads words by its own vocabulary."""

    def __init__(self, members: Sequence[TrainedTagger]) -> None:
        first = members[0]
        super().__init__(_decoder([each.model for each in members]), first.codec, first.tags, first.config)
        self.members = tuple(members)

    def score(self, sentences: Sequence[Words], batch: Padded) -> Tensor:
        """Return the mean of the members' scores (T, B, K); without a CRF, ln of their mean probability."""
        device = self.model.output.weight.device
        found = [
            each.model(pad([each.codec.encode(words) for words in sentences]).to(device))
            for each in self.members
        ]
        return log_mean([each.log_softmax(2) for each in found]) if self.model.crf is None else mean(found)


@torch.no_grad()
def _decoder(models: Sequence[Tagger]) -> Tagger:
    """Return a tagger whose CRF has the mean of the scores of transitions."""
    found = deepcopy(models[0])
    if found.crf is not None:
        others = [each.crf for each in models if each.crf is not None]
        for name, scores in found.crf.named_parameters():
            scores.copy_(mean([each.get_parameter(name) for each in others]))
    return found


def shared(trained: TrainedTagger) -> Mapping[str, object]:
    """Return what taggers have in common whose answers are averaged."""
    scheme = trained.tags.scheme
    return {
        "tags": trained.tags.tags,
        "scheme": "none" if scheme is None else scheme.name,
        "kind of decoder": "softmax" if trained.model.crf is None else "CRF",
    }


ENSEMBLING = Ensembling(shared, TaggerEnsemble, "Train all on sentences with the same tags and `crf`")
