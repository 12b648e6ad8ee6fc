"""Whole updates of a language model: embedding, layers, loss, gradient, clipping, optimiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from bptt.bench.case_measurement import Entrants
from bptt.bench.cases import MODELS, Case, Model
from bptt.bench.contender import Contender
from bptt.bench.contender_names import OURS, PLAIN
from bptt.cells import catalogue
from bptt.data.batches import Batch
from bptt.jobs.language.evaluation import mean_loss
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.options import ModelOptions
from bptt.training.optimiser import build_optimiser, clip_gradient
from bptt.training.options import TrainingOptions

# Batches that take turns. The rates are small, so that the weights stay about what they are.
_BATCHES = 4
_RATES = {"adam": 1e-4, "sgd": 1e-2}
_TORCH_NAMES = {"weight_ih": "W", "weight_hh": "R", "bias_ih": "b"}
# Parameters whose gradients are compared, by their names in our model and in theirs.
_COMPARED = {
    "embedding": ("embedding", "embedding.weight"),
    "W": ("recurrent.W_l0", "lstm.weight_ih_l0"),
    "output": ("output.weight", "output.weight"),
}

States = tuple[Tensor, ...]
Loss = Callable[[Batch, States], tuple[Tensor, States]]


class PlainModel(nn.Module):
    """A language model as a user of torch writes it."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        _, _, width, hidden = model.shape
        self.embedding = nn.Embedding(model.vocabulary, width)
        self.lstm = nn.LSTM(width, hidden, model.layers)
        self.output = nn.Linear(hidden, model.vocabulary)

    def loss(self, batch: Batch, states: States) -> tuple[Tensor, States]:
        """Return the mean of -ln P over the tokens of a batch, and the states after it."""
        output, states = self.lstm(self.embedding(batch.inputs), states or None)
        logits = self.output(output)
        return functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten()), states

    def load(self, ours: LanguageModel) -> None:
        """Take over the weights; the second bias of torch's layers is zero."""
        values = {
            "embedding.weight": ours.embedding,
            "output.weight": ours.get_parameter("output.weight"),
            "output.bias": ours.get_parameter("output.bias"),
        }
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                part, _, layer = name.removeprefix("lstm.").rpartition("_")
                if part in _TORCH_NAMES:
                    parameter.copy_(ours.recurrent.get_parameter(f"{_TORCH_NAMES[part]}_{layer}"))
                else:
                    parameter.copy_(values.get(name, torch.zeros_like(parameter)))


class TrainingStep(Contender):
    """Updates on one batch after another, the states carried on. `compared` are parameters by name."""

    def __init__(
        self,
        name: str,
        module: nn.Module,
        loss: Loss,
        clip: Callable[[Sequence[nn.Parameter], TrainingOptions], object],
        model: Model,
        compared: Mapping[str, Tensor],
    ) -> None:
        self.name, self._loss, self._clip, self._compared = name, loss, clip, compared
        self._options = TrainingOptions(optimiser=model.optimiser, learning_rate=_RATES[model.optimiser])
        self._parameters = list(module.parameters())
        self._optimiser = build_optimiser(self._parameters, self._options)
        self._batches = draw_batches(model)
        self._states: States = ()

    def step(self) -> float:
        """Make one update, with the loss read as every training loop does."""
        loss = self._gradient()
        self._clip(self._parameters, self._options)
        self._optimiser.step()
        return loss

    def numbers(self) -> Mapping[str, Tensor]:
        """Return the loss of a batch and its gradients."""
        found = {"loss": torch.tensor(self._gradient())}
        gradients = {name: p.grad.clone() for name, p in self._compared.items() if p.grad is not None}
        return found | {f"gradient of {name}": gradient for name, gradient in gradients.items()}

    def _gradient(self) -> float:
        batch = self._batches.pop(0)
        self._batches.append(batch)
        self._optimiser.zero_grad()
        loss, states = self._loss(batch, self._states)
        loss.backward()  # type: ignore[no-untyped-call]
        self._states = tuple(state.detach() for state in states)
        return loss.item()


def draw_batches(model: Model) -> list[Batch]:
    """Draw tokens uniformly, as the time of a step does not depend on them."""
    generator = torch.Generator().manual_seed(0)
    steps, rows, _, _ = model.shape
    drawn = torch.randint(model.vocabulary, (_BATCHES, 2, steps, rows), generator=generator)
    return [Batch(inputs, targets, continues=True) for inputs, targets in drawn]


def entrants(case: Case) -> Entrants:
    """Return the model of `bptt train lm`, and the same model in plain PyTorch with the same fused
    optimiser.
    """
    torch.manual_seed(0)
    model = MODELS[case.name]
    _, _, width, hidden = model.shape
    options = ModelOptions(hidden, model.layers, embedding_size=width)
    ours = LanguageModel(model.vocabulary, catalogue.get("lstm"), options)
    theirs = PlainModel(model)
    theirs.load(ours)
    compared = (
        {name: ours.get_parameter(own) for name, (own, _) in _COMPARED.items()},
        {name: theirs.get_parameter(their) for name, (_, their) in _COMPARED.items()},
    )

    def own_loss(batch: Batch, states: States) -> tuple[Tensor, States]:
        return mean_loss(ours, batch, states)

    own = TrainingStep(OURS, ours, own_loss, clip_gradient, model, compared[0])
    plain = TrainingStep(PLAIN, theirs, theirs.loss, _clip_plainly, model, compared[1])
    return Entrants(own, {PLAIN: lambda: plain})


def _clip_plainly(parameters: Sequence[nn.Parameter], options: TrainingOptions) -> None:
    clip_grad_norm_(parameters, options.norm_limit)
