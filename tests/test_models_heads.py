"""Output layers against torch's loss on materialised logits, in float64."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from language_models import make_task
from torch import Tensor
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.jobs.language.config import ModelOptions
from bptt.models.heads.full import FullSoftmax
from bptt.models.heads.output_layer import MatrixLayer, OutputLayer, OutputShape
from bptt.runs.evaluating import evaluating
from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE, restore, save
from bptt.training.optimiser import build_optimiser
from bptt.training.options import TrainingOptions
from bptt.training.state import State

V, D = 11, 6
DOUBLE = torch.float64
TARGETS = torch.tensor([[3, NOTHING, 0], [10, 4, NOTHING], [NOTHING, 3, 3], [1, 9, 2]])
# A logit is D products of numbers below 10 and the loss a sum over V of them; the mean is over 9 targets.
CLOSE = torch.finfo(DOUBLE).eps * 100 * (D + V + 9)


class Plain(MatrixLayer):
    """The same probabilities by the methods of the base class alone: logits shifted by a number."""

    def logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        return output @ self.matrix(tied).t() + self.bias + 3.0


class Rowless(OutputLayer):
    """A layer without a row for each token."""

    def __init__(self, shape: OutputShape) -> None:
        super().__init__(shape)
        self.linear = torch.nn.Linear(shape.width, shape.vocabulary_size)

    def logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        found: Tensor = self.linear(output)
        return found


def make(kind: type[MatrixLayer], tied: bool, smoothing: float) -> tuple[MatrixLayer, Tensor, Tensor, Tensor]:
    """A layer with its matrix, what it is given as `tied`, and outputs (4, 3, D)."""
    torch.manual_seed(0)
    layer = kind(OutputShape(V, D, tied, smoothing)).double()
    layer.reset_parameters()
    torch.nn.init.normal_(layer.bias)
    table = torch.randn(V, D, dtype=DOUBLE, requires_grad=True)
    output = torch.randn(*TARGETS.shape, D, dtype=DOUBLE, requires_grad=True)
    return layer, table if tied else layer.get_parameter("weight"), table, output


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("kind", [FullSoftmax, Plain])
def test_the_loss_and_its_gradients_are_those_of_torch(
    kind: type[MatrixLayer], reduction: str, tied: bool, smoothing: float
) -> None:
    layer, matrix, table, output = make(kind, tied, smoothing)
    inputs = output, matrix, layer.bias
    truth = functional.cross_entropy(
        functional.linear(*inputs).flatten(0, 1),
        TARGETS.flatten(),
        ignore_index=NOTHING,
        reduction=reduction,
        label_smoothing=smoothing,
    )
    loss = layer.loss(output, TARGETS, table if tied else None, reduction)
    assert loss.shape == (TARGETS.shape if reduction == "none" else ())
    torch.testing.assert_close(loss.flatten(), truth.flatten(), rtol=CLOSE, atol=CLOSE)
    for found, wanted in zip(
        torch.autograd.grad(loss.sum(), inputs), torch.autograd.grad(truth.sum(), inputs), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kind", [FullSoftmax, Plain])
def test_scores_are_log_probabilities_and_never_smoothed(kind: type[MatrixLayer], tied: bool) -> None:
    layer, matrix, table, output = make(kind, tied, 0.3)
    given = table if tied else None
    truth = functional.linear(output, matrix, layer.bias).log_softmax(-1)
    torch.testing.assert_close(layer.log_probabilities(output, given), truth, rtol=CLOSE, atol=CLOSE)
    torch.testing.assert_close(layer.logits(output, given).softmax(-1), truth.exp(), rtol=CLOSE, atol=CLOSE)
    counted = TARGETS != NOTHING
    wanted = torch.where(counted, truth.gather(-1, TARGETS.clamp(min=0)[..., None])[..., 0], 0.0)
    torch.testing.assert_close(layer.score(output, TARGETS, given), wanted, rtol=CLOSE, atol=CLOSE)
    mean = -wanted.sum() / counted.sum()
    torch.testing.assert_close(layer.eval().loss(output, TARGETS, given), mean, rtol=CLOSE, atol=CLOSE)


def test_a_tied_layer_has_no_matrix_of_its_own() -> None:
    assert set(FullSoftmax(OutputShape(V, D, tied=True)).state_dict()) == {"bias"}
    assert set(FullSoftmax(OutputShape(V, D)).state_dict()) == {"weight", "bias"}
    with pytest.raises(InputError, match=r"tied: needs an output layer .* got Rowless"):
        Rowless(OutputShape(V, D, tied=True))


def test_the_parts_of_a_layer_are_drawn_anew() -> None:
    layer = Rowless(OutputShape(V, D))
    before = layer.linear.weight.clone()
    layer.reset_parameters()
    assert not torch.equal(before, layer.linear.weight)


def test_label_smoothing_of_a_language_model_is_that_of_torch_and_in_training_only() -> None:
    model = make_task(model=ModelOptions(hidden_size=D, smoothing=0.2)).model
    output, targets = torch.randn(5, D, dtype=DOUBLE), torch.tensor([3, 0, 2, NOTHING, 1])
    for mode, smoothing in ((True, 0.2), (False, 0.0)):
        truth = functional.cross_entropy(
            model.predict(output), targets, ignore_index=NOTHING, label_smoothing=smoothing
        )
        limit = CLOSE * model.vocabulary_size
        torch.testing.assert_close(model.train(mode).loss(output, targets), truth, rtol=limit, atol=limit)


def test_the_order_of_the_parameters_is_that_of_the_first_checkpoints() -> None:
    """An optimiser numbers what it keeps of them; so does the norm of the gradient add them."""
    model = make_task(model=ModelOptions(hidden_size=4, num_layers=1, embedding_size=3)).model
    names = [name for name, _ in model.named_parameters()]
    assert names[:3] == ["embedding", "output.weight", "output.bias"]
    assert all(name.startswith("recurrent.") for name in names[3:])


def test_files_of_the_first_version_have_other_names_for_the_output_layer(tmp_path: Path) -> None:
    task, other = (make_task(seed=seed, dtype=torch.float32) for seed in (0, 1))
    options = TrainingOptions()
    optimisers = [build_optimiser(list(each.model.parameters()), options) for each in (task, other)]
    state = State()
    save(tmp_path, task.model, optimisers[0], state)
    whole = nested_tensors.load(tmp_path / FILE)
    former = {"output.weight": "output_weight", "output.bias": "output_bias"}
    whole["weights"] = {former.get(name, name): value for name, value in whole["weights"].items()}
    assert former.keys().isdisjoint(whole["weights"])
    (tmp_path / FILE).write_bytes(nested_tensors.dumps(whole))
    restore(tmp_path, other.model, optimisers[1])
    with evaluating(task.model), evaluating(other.model):
        tokens = torch.tensor([[3], [2]])
        assert torch.equal(task.model(tokens)[0], other.model(tokens)[0])
