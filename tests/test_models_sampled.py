"""The sampled softmax against its formula on materialised logits, and against the full one."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest
import torch
from language_models import make_task
from tiny_task import goes_on_exactly
from torch import Tensor
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.jobs.language.options import ModelOptions
from bptt.models.heads.full import FullSoftmax
from bptt.models.heads.output_layer import OutputShape
from bptt.models.heads.sampled import SampledSoftmax
from bptt.training.options import TrainingOptions

V, D = 12, 6
DOUBLE = torch.float64
TARGETS = torch.tensor([[3, NOTHING, 0], [11, 4, NOTHING], [NOTHING, 3, 3]])
# Some dozens of products and sums of numbers of size 1.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def make(samples: int, tied: bool = False) -> tuple[SampledSoftmax, Tensor | None, Tensor]:
    torch.manual_seed(0)
    layer = SampledSoftmax(OutputShape(V, D, tied, samples=samples)).double()
    layer.reset_parameters()
    torch.nn.init.normal_(layer.bias)
    table = torch.randn(V, D, dtype=DOUBLE, requires_grad=True) if tied else None
    return layer, table, torch.randn(*TARGETS.shape, D, dtype=DOUBLE, requires_grad=True)


def law(tokens: Tensor) -> Tensor:
    return ((tokens + 2.0) / (tokens + 1.0)).log() / log(V + 1)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_loss_and_its_gradients_are_those_of_the_formula(reduction: str, tied: bool) -> None:
    layer, table, output = make(5, tied)
    matrix = layer.matrix(table)
    torch.manual_seed(1)
    loss = layer.loss(output, TARGETS, table, reduction)
    torch.manual_seed(1)
    samples = layer.draw(output.device)
    logits, counts = output @ matrix.T + layer.bias, (5 * law(torch.arange(V).double())).tolist()
    each = []
    for logit, target in zip(logits.flatten(0, 1), TARGETS.flatten().tolist(), strict=True):
        if target == NOTHING:
            each.append(logit[0] * 0)
            continue
        terms = [logit[target], *(logit[k] - log(counts[k]) for k in samples.tolist() if k != target)]
        each.append(torch.stack(terms).logsumexp(0) - logit[target])
    wanted = torch.stack(each).view(TARGETS.shape)
    wanted = wanted if reduction == "none" else wanted.sum() / (6 if reduction == "mean" else 1)
    torch.testing.assert_close(loss, wanted, **CLOSE)
    variables = (output, matrix, layer.bias)
    pairs = zip(
        torch.autograd.grad(loss.sum(), variables),
        torch.autograd.grad(wanted.sum(), variables),
        strict=True,
    )
    for found, right in pairs:
        torch.testing.assert_close(found.to_dense() if found.is_sparse else found, right, **CLOSE)


def test_only_the_rows_drawn_or_wanted_have_a_gradient() -> None:
    layer, _, output = make(2)
    torch.manual_seed(1)
    layer.loss(output, TARGETS).backward()
    torch.manual_seed(1)
    rows = {*layer.draw(output.device).tolist(), 0, 3, 4, 11}
    assert layer.weight is not None and layer.weight.grad is not None
    assert set(layer.weight.grad.coalesce().indices()[0].tolist()) == rows
    assert len(rows) < V


def test_samples_follow_their_law() -> None:
    layer, _, _ = make(40_000)
    counts = torch.bincount(layer.draw(torch.device("cpu")), minlength=V).double()
    chances = law(torch.arange(V).double())
    torch.testing.assert_close(chances.sum(), torch.tensor(1.0, dtype=DOUBLE), **CLOSE)
    deviations = (counts - 40_000 * chances) / (40_000 * chances * (1 - chances)).sqrt()
    assert deviations.abs().max() < 5


def test_the_gradient_tends_to_that_of_the_full_softmax() -> None:
    """The error of an estimate by S samples is some 1/√S of it, here 0.007; entries of M and of P are below
    1, and the mean is over 6 targets.
    """
    layer, _, output = make(20_000)
    found = torch.autograd.grad(layer.loss(output, TARGETS), output)[0]
    full = torch.autograd.grad(FullSoftmax.loss(layer.eval(), output, TARGETS), output)[0]
    torch.testing.assert_close(found, full, rtol=0, atol=0.007)


def test_everywhere_else_it_is_the_full_softmax() -> None:
    layer, _, output = make(2)
    truth = functional.linear(output, layer.matrix(None), layer.bias).log_softmax(-1)
    torch.testing.assert_close(layer.log_probabilities(output), truth, **CLOSE)
    wanted = functional.nll_loss(truth.flatten(0, 1), TARGETS.flatten(), ignore_index=NOTHING)
    torch.testing.assert_close(layer.eval().loss(output, TARGETS), wanted, **CLOSE)
    torch.testing.assert_close(-layer.score(output, TARGETS).sum() / 6, wanted, **CLOSE)


def test_it_cannot_be_smoothed() -> None:
    with pytest.raises(InputError, match="smoothing: needs an output layer with all logits, got sampled"):
        SampledSoftmax(OutputShape(V, D, smoothing=0.1))


def test_a_run_goes_on_with_the_samples_of_one_that_never_stopped(tmp_path: Path) -> None:
    model = ModelOptions(
        hidden_size=7, embedding_size=5, output_layer="sampled", samples=6, row_sparse=True, dropout=0.2
    )
    options = TrainingOptions(epochs=2, learning_rate=0.02, schedule="constant")
    assert goes_on_exactly(lambda: make_task(model=model, dtype=torch.float32), options, tmp_path)


def test_samples_are_of_a_sampled_layer() -> None:
    with pytest.raises(InputError, match="samples: are of the output layer sampled, got full"):
        ModelOptions(samples=10)
    with pytest.raises(InputError, match="cutoffs: are of the output layer adaptive, got sampled"):
        ModelOptions(output_layer="sampled", cutoffs=(4,))
