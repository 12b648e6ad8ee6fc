"""A pass through a whole network against torch's autograd: loss, every gradient, summands, update."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch_networks import loss_of, tensors

from bptt.cells import CATALOGUE, Cell, get
from bptt.derive.network import Loss, Network
from bptt.derive.network_pass import NetworkExample, Parameters, evaluate, total, update
from bptt.derive.network_shapes import parameter_shapes
from bptt.errors import InputError

# Sums of at most a few hundred products of numbers of order one.
CLOSE = {"rel": 1e-12, "abs": 1e-12}
STEPS = 5


def drawn(network: Network, widths: tuple[int, ...], steps: int = STEPS) -> tuple[Parameters, NetworkExample]:
    source = random.Random(3)

    def draw(shape: tuple[int, ...]) -> Any:
        return [draw(shape[1:]) for _ in range(shape[0])] if shape else source.uniform(-1, 1)

    shapes = parameter_shapes(network, widths)
    parameters = {
        place: {name: draw(shape) for name, shape in names.items()} for place, names in shapes.items()
    }
    last = widths[-1]
    if network.loss is Loss.SOFTMAX:
        targets = [one_hot(source.randrange(last), last) for _ in range(steps)]
    else:
        targets = [[float(source.random() < 0.5) for _ in range(last)] for _ in range(steps)]
    inputs = [draw((widths[0],)) for _ in range(steps)]
    if network.embedding:
        inputs = [one_hot(source.randrange(widths[0]), widths[0]) for _ in range(steps)]
    return parameters, NetworkExample(inputs, targets)


def one_hot(index: int, width: int) -> list[float]:
    return [float(k == index) for k in range(width)]


def flat(array: Any) -> list[float]:
    return [n for part in array for n in flat(part)] if isinstance(array, list) else [array]


def check(network: Network, widths: tuple[int, ...], steps: int = STEPS) -> None:
    parameters, example = drawn(network, widths, steps)
    found = evaluate(network, parameters, example)
    truth = tensors(parameters)
    error = loss_of(network, truth, example)
    error.backward()
    assert found.error == pytest.approx(error.item(), **CLOSE)
    for place, names in truth.items():
        for name, tensor in names.items():
            expected = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            assert flat(found.gradients[place][name]) == pytest.approx(flat(expected.tolist()), **CLOSE)
            assert len(found.summands[place][name]) == steps
            with torch.no_grad():
                tensor -= 0.1 * expected
    after = update(found, 0.1).after
    assert after.error == pytest.approx(loss_of(network, truth, example).item(), **CLOSE)


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=lambda cell: cell.name)
def test_every_cell_with_every_loss(cell: Cell, loss: Loss) -> None:
    check(Network((cell,), loss), (2, 3, 2))


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=lambda cell: cell.name)
def test_two_layers_without_biases(cell: Cell, steps: int) -> None:
    bare = cell.without("b", "d")
    check(Network((bare, bare), Loss.SOFTMAX, bias=False), (2, 4, 3, 2), steps)


@pytest.mark.parametrize("loss", Loss)
def test_a_stack_of_different_cells_on_an_embedding_with_the_loss_on_its_states(loss: Loss) -> None:
    check(Network((get("lstm"), get("gru")), loss, output_layer=False, embedding=True), (4, 2, 3, 2))


def test_minus_delta_flips_every_delta_and_leaves_the_update() -> None:
    network = Network((get("lstm"),), Loss.SQUARED)
    parameters, example = drawn(network, (2, 3, 2))
    plus, minus = (evaluate(network, parameters, example, sign) for sign in (1, -1))
    for step in range(STEPS):
        for name, vector in plus.layers[0].deltas[step].items():
            assert minus.layers[0].deltas[step][name] == pytest.approx([-d for d in vector], **CLOSE)
    assert update(minus, 0.5).after.error == pytest.approx(update(plus, 0.5).after.error, **CLOSE)


def test_the_summands_are_those_of_the_losses_cut_off_step_by_step() -> None:
    """With the weights of step k replaced by copies, autograd gives the summand of step k alone."""
    network = Network((get("elman-tanh"),), Loss.SQUARED, output_layer=False)
    parameters, example = drawn(network, (2, 3))
    found = evaluate(network, parameters, example)
    copies = [tensors(parameters)["1"] for _ in range(STEPS)]
    state, error = torch.zeros(3, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for own, x, target in zip(copies, example.inputs, example.targets, strict=True):
        state = torch.tanh(
            own["W_h"] @ torch.tensor(x, dtype=torch.float64) + own["R_h"] @ state + own["b_h"]
        )
        error = error + (state - torch.tensor(target)).square().sum() / 2
    error.backward()
    for step, own in enumerate(copies):
        for name, tensor in own.items():
            assert tensor.grad is not None
            summand = found.summands["1"][name][step]
            assert flat(summand) == pytest.approx(flat(tensor.grad.tolist()), **CLOSE)
    listed = found.summands["1"]["R_h"]
    assert flat(total(listed)) == flat(found.gradients["1"]["R_h"])


def test_another_number_of_widths_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"needs 3 widths for this network, got 4\. Expected input, layer 1, "
    ):
        parameter_shapes(Network((get("lstm"),), Loss.SOFTMAX), (2, 3, 3, 2))
