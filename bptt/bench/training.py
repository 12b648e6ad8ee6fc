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
from bptt.bench.contender_names import AUTOCAST, BF16, OURS, PLAIN
from bptt.cells import catalogue
from bptt.data.batches import Batch
from bptt.jobs.language.evaluation import mean_loss
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.options import ModelOptions
from bptt.nn import weight_format
from bptt.training import row_updates
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
Clip = Callable[[Sequence[nn.Parameter], TrainingOptions], object]


class PlainModel(nn.Module):
    """A language model as a user of torch writes it; `output` takes the place of the linear output layer."""

    def __init__(self, model: Model, output: nn.Module | None = None) -> None:
        super().__init__()
        _, _, width, hidden = model.shape
        self.embedding = nn.Embedding(model.vocabulary, width)
        self.lstm = nn.LSTM(width, hidden, model.layers)
        self.output = output or nn.Linear(hidden, model.vocabulary)

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
        clip: Clip,
        model: Model,
        compared: Mapping[str, Tensor],
        batches: Sequence[Batch] = (),
    ) -> None:
        self.name, self._loss, self._clip, self._compared = name, loss, clip, compared
        self._options = TrainingOptions(optimiser=model.optimiser, learning_rate=_RATES[model.optimiser])
        self._parameters = list(module.parameters())
        self._optimiser = build_optimiser(self._parameters, self._options)
        self._batches = list(batches or draw_batches(model))
        self._states: States = ()

    def step(self) -> float:
        """Make one update, with the loss read as every training loop does."""
        loss = self._gradient()
        self._clip(self._parameters, self._options)
        row_updates.step(self._optimiser)
        return loss

    def numbers(self) -> Mapping[str, Tensor]:
        """Return the loss of a batch and its gradients."""
        found = {"loss": torch.tensor(self._gradient())}
        gradients = {name: p.grad.to_dense() for name, p in self._compared.items() if p.grad is not None}
        return found | {f"gradient of {name}": gradient.clone() for name, gradient in gradients.items()}

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
    optimiser; beside them both with narrow products.
    """
    model = MODELS[case.name]
    _, _, width, hidden = model.shape
    options = ModelOptions(hidden, model.layers, embedding_size=width)
    own, plain = (TrainingPair(model, options, narrow).steps() for narrow in (False, True))
    return Entrants(own[0], {PLAIN: lambda: own[1]}, companions=plain)


class TrainingPair:
    """The model of `bptt train lm` with `options`, and the same one in plain PyTorch with the same weights.

    If `narrow`, products are in bfloat16: ours of recurrent layers, those of torch by autocast.
    """

    def __init__(
        self, model: Model, options: ModelOptions, narrow: bool = False, batches: Sequence[Batch] = ()
    ) -> None:
        torch.manual_seed(0)
        self._model, self._narrow, self._batches = model, narrow, batches
        self._ours = LanguageModel(model.vocabulary, catalogue.get("lstm"), options)
        self._theirs = PlainModel(model)
        self._theirs.load(self._ours)

    def steps(self) -> tuple[TrainingStep, TrainingStep]:
        """Return our updates, and those of torch."""
        own = {name: self._ours.get_parameter(ours) for name, (ours, _) in _COMPARED.items()}
        their = {name: self._theirs.get_parameter(theirs) for name, (_, theirs) in _COMPARED.items()}
        names = (BF16, AUTOCAST) if self._narrow else (OURS, PLAIN)
        return (
            self._step(names[0], self._ours, self._own_loss, clip_gradient, own),
            self._step(names[1], self._theirs, self._their_loss, clip_plainly, their),
        )

    def _step(
        self, name: str, module: nn.Module, loss: Loss, clip: Clip, compared: Mapping[str, Tensor]
    ) -> TrainingStep:
        return TrainingStep(name, module, loss, clip, self._model, compared, self._batches)

    def _own_loss(self, batch: Batch, states: States) -> tuple[Tensor, States]:
        with weight_format("bf16" if self._narrow else "float32"):
            return mean_loss(self._ours, batch, states)

    def _their_loss(self, batch: Batch, states: States) -> tuple[Tensor, States]:
        with torch.autocast("cpu", torch.bfloat16, enabled=self._narrow):
            return self._theirs.loss(batch, states)


def clip_plainly(parameters: Sequence[nn.Parameter], options: TrainingOptions) -> None:
    """Clip the norm of the gradients as a user of torch does."""
    clip_grad_norm_(parameters, options.norm_limit)
