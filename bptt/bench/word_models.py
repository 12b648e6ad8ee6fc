"""Whole updates of word models with each output layer for large vocabularies, on words drawn by frequency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from bptt.bench.case_measurement import Entrants
from bptt.bench.cases import VOCABULARIES, Case, Model
from bptt.bench.contender import Contender
from bptt.bench.contender_names import ADAPTIVE, PLAIN, SAMPLED, TORCH_ADAPTIVE
from bptt.bench.training import PlainModel, States, TrainingPair, TrainingStep, clip_plainly
from bptt.cells import catalogue
from bptt.data.batches import Batch
from bptt.jobs.language.evaluation import mean_loss
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.options import LARGE, ModelOptions
from bptt.models.heads.cutoffs import best_cutoffs
from bptt.training.optimiser import clip_gradient

Law = Literal["real", "zipf"]

# Where the frequencies of words in large corpora bend, and the power beyond (Gerlach & Altmann 2013).
_BEND, _POWER = 7873, 1.77
# Batches that take turns.
_BATCHES = 8


class AdaptiveModel(PlainModel):
    """The word model of a user of torch with its adaptive softmax, whose clusters begin at `cutoffs`."""

    def __init__(self, model: Model, cutoffs: Sequence[int]) -> None:
        hidden = model.shape[3]
        super().__init__(model, nn.AdaptiveLogSoftmaxWithLoss(hidden, model.vocabulary, list(cutoffs)))

    def loss(self, batch: Batch, states: States) -> tuple[Tensor, States]:
        """Return the mean of -ln P over the tokens of a batch, and the states after it."""
        output, states = self.lstm(self.embedding(batch.inputs), states or None)
        return self.output(output.flatten(0, 1), batch.targets.flatten()).loss, states


def frequencies(size: int, law: Law = "real") -> Tensor:
    """Return the share (V,) float64 of each word in a text, the most frequent first.

    The law "real" is that of large corpora, 1 / rank up to rank 7,873 and rank^-1.77 beyond; "zipf" is
    1 / rank throughout, a harder case.
    """
    ranks = torch.arange(1, size + 1, dtype=torch.float64)
    found = 1 / ranks
    if law == "real":
        found = torch.where(ranks <= _BEND, found, _BEND ** (_POWER - 1) / ranks**_POWER)
    return found / found.sum()


def draw_words(model: Model, shares: Tensor) -> list[Batch]:
    """Draw batches of words by their shares (V,), always the same."""
    generator = torch.Generator().manual_seed(0)
    steps, rows, _, _ = model.shape
    count = _BATCHES * 2 * steps * rows
    drawn = torch.multinomial(shares, count, replacement=True, generator=generator)
    words = drawn.view(_BATCHES, 2, steps, rows)
    return [Batch(inputs, targets, continues=True) for inputs, targets in words]


def entrants(case: Case) -> Entrants:
    """Return our full softmax beside that of torch, and the other output layers, compared with nobody."""
    model = VOCABULARIES[case.name]
    shares = frequencies(model.vocabulary)
    batches, cutoffs = draw_words(model, shares), best_cutoffs(shares.tolist(), model.shape[3])
    full, plain = TrainingPair(model, own_options(model, "full"), batches=batches).steps()
    others: list[Contender] = [
        own_step(ADAPTIVE, model, own_options(model, "adaptive", cutoffs), batches),
        own_step(SAMPLED, model, own_options(model, "sampled"), batches),
        torch_adaptive(model, cutoffs, batches),
    ]
    peers: dict[str, Callable[[], Contender | None]] = {PLAIN: lambda: plain}
    return Entrants(full, peers, companions=others)


def own_options(model: Model, layer: str, cutoffs: Sequence[int] = ()) -> ModelOptions:
    """Return the options of `bptt train lm` with an output layer; updates are row-sparse as it chooses."""
    _, _, width, hidden = model.shape
    sparse = True if model.vocabulary > LARGE else None
    return ModelOptions(
        hidden,
        model.layers,
        embedding_size=width,
        output_layer=layer,
        cutoffs=tuple(cutoffs),
        row_sparse=sparse,
    )


def own_step(name: str, model: Model, options: ModelOptions, batches: Sequence[Batch]) -> TrainingStep:
    """Return updates of the model of `bptt train lm`."""
    torch.manual_seed(0)
    module = LanguageModel(model.vocabulary, catalogue.get("lstm"), options)
    return TrainingStep(name, module, partial(mean_loss, module), clip_gradient, model, {}, batches)


def torch_adaptive(model: Model, cutoffs: Sequence[int], batches: Sequence[Batch]) -> TrainingStep:
    """Return updates with torch's adaptive softmax: our cut-offs, and the widths of its own."""
    module = AdaptiveModel(model, cutoffs)
    return TrainingStep(TORCH_ADAPTIVE, module, module.loss, clip_plainly, model, {}, batches)
