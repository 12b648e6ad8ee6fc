"""torch.func over a recurrence: ensembles, gradients per sample, curvature; against loops over the same."""

from __future__ import annotations

import pytest
import tolerances
import torch
from drawn import SIZES, B, T, draw
from torch import Tensor
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

from bptt.cells import CATALOGUE
from bptt.errors import InputError

# torch's own: forward mode scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

LIMIT = tolerances.gradient(torch.float64, T, B, *SIZES.values(), magnitude=tolerances.LAYER_NORM)
LENGTHS = torch.tensor([4, 0, 5])
SMALL = {"I": 2, "H": 3, "P": 1}


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=LIMIT)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("name", CATALOGUE)
def test_an_ensemble_is_its_members(name: str, lengths: Tensor | None) -> None:
    """vmap over the parameters, and over their gradients."""
    cell = CATALOGUE[name]
    count = 1 + len(cell.states)
    members = [draw(cell, seed=seed) for seed in range(3)]
    shared = members[0].tensors[:count]
    stacked = [torch.stack(parts) for parts in zip(*(m.tensors[count:] for m in members), strict=True)]

    def values(*parameters: Tensor) -> tuple[Tensor, ...]:
        return members[0].run(*shared, *parameters, lengths=lengths)

    def loss(parameters: tuple[Tensor, ...]) -> Tensor:
        return torch.stack([(o**2).sum() for o in values(*parameters)]).sum()

    together = vmap(values)(*stacked)
    gradients = vmap(grad(loss))(tuple(stacked))
    for k, member in enumerate(members):
        for found, truth in zip(together, values(*member.tensors[count:]), strict=True):
            close(found[k], truth)
        for found, truth in zip(gradients, grad(loss)(member.tensors[count:]), strict=True):
            close(found[k], truth)


@pytest.mark.parametrize("name", CATALOGUE)
def test_gradients_per_sample(name: str) -> None:
    cell = CATALOGUE[name]
    drawn = draw(cell)
    count = len(cell.states)
    x, *rest = drawn.tensors
    states, parameters = tuple(rest[:count]), tuple(rest[count:])

    def loss(parameters: tuple[Tensor, ...], x: Tensor, states: tuple[Tensor, ...]) -> Tensor:
        outputs = drawn.run(x[:, None], *(s[None] for s in states), *parameters)
        return torch.stack([(o**2).sum() for o in outputs]).sum()

    each = vmap(grad(loss), in_dims=(None, 1, 0))(parameters, x, states)
    for row in range(B):
        alone = grad(loss)(parameters, x[:, row], tuple(s[row] for s in states))
        for found, truth in zip(each, alone, strict=True):
            close(found[row], truth)


def test_batched_initial_states_over_one_input() -> None:
    """vmap over one argument only: the others are not batched."""
    drawn = draw(CATALOGUE["gru"])
    x, h, *parameters = drawn.tensors
    starts = torch.stack([h, 2 * h, -h])
    together = vmap(lambda start: drawn.run(x, start, *parameters)[0])(starts)
    for found, start in zip(together, starts, strict=True):
        close(found, drawn.run(x, start, *parameters)[0])


@pytest.mark.parametrize("name", ["elman-tanh", "lstm", "gru", "lstm-layernorm"])
def test_forward_and_reverse_mode_give_one_jacobian_and_one_hessian(name: str) -> None:
    drawn = draw(CATALOGUE[name], 2, 1, SMALL)
    x, *rest = drawn.tensors

    def loss(x: Tensor) -> Tensor:
        return torch.stack([(o**2).sum() for o in drawn.run(x, *rest)]).sum()

    def values(x: Tensor) -> Tensor:
        return drawn.run(x, *rest)[0]

    close(jacfwd(values)(x), jacrev(values)(x))
    curvature = hessian(loss)(x)
    close(curvature, jacrev(jacrev(loss))(x))
    rows = curvature.reshape(x.numel(), x.numel())
    close(rows, rows.T)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_product_with_the_hessian(name: str) -> None:
    """Forward over reverse, and reverse over reverse (double backward), one number against the other."""
    drawn = draw(CATALOGUE[name])
    moves = draw(CATALOGUE[name], seed=1).tensors

    def loss(*tensors: Tensor) -> Tensor:
        return torch.stack([(o**2).sum() for o in drawn.run(*tensors, lengths=LENGTHS)]).sum()

    order = tuple(range(len(moves)))
    _, forward = jvp(grad(loss, argnums=order), drawn.tensors, moves)
    leaves = drawn.leaves().tensors
    first = torch.autograd.grad(loss(*leaves), leaves, create_graph=True)
    along = torch.stack([(g * m).sum() for g, m in zip(first, moves, strict=True)]).sum()
    for found, truth in zip(forward, torch.autograd.grad(along, leaves), strict=True):
        torch.testing.assert_close(found, truth, rtol=LIMIT, atol=LIMIT)


def test_a_third_derivative_of_one_number() -> None:
    """tanh''' = (1 - y²)(6y² - 2) of a network of one unit without recurrence."""
    drawn = draw(CATALOGUE["elman-tanh"], 1, 1, {"I": 1, "H": 1, "P": 1})
    x, h, W, R, b = drawn.tensors
    R, b = torch.zeros_like(R), torch.zeros_like(b)

    def value(x: Tensor) -> Tensor:
        return drawn.run(x.reshape(1, 1, 1), h, torch.ones_like(W), R, b)[0].sum()

    y = torch.tanh(x).reshape(())
    close(grad(grad(grad(value)))(x.reshape(())), (1 - y**2) * (6 * y**2 - 2))


def test_gradients_flow_through_functional_optimisation() -> None:
    """A step of descent inside the graph: the gradient of the loss after it, by the learning rate."""
    drawn = draw(CATALOGUE["lstm"])
    x, h, c, *parameters = drawn.tensors

    def loss(parameters: tuple[Tensor, ...]) -> Tensor:
        return (drawn.run(x, h, c, *parameters)[0] ** 2).sum()

    def after(rate: Tensor) -> Tensor:
        slopes = grad(loss)(tuple(parameters))
        return loss(tuple(p - rate * g for p, g in zip(parameters, slopes, strict=True)))

    rate = torch.tensor(0.1, dtype=torch.float64)
    step = 1e-5
    # Central differences: (step)² and eps/step relative to the loss, about 1e-10.
    difference = (after(rate + step) - after(rate - step)) / (2 * step)
    torch.testing.assert_close(grad(after)(rate), difference, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("name", CATALOGUE)
def test_an_ensemble_is_trained_as_its_members(name: str, lengths: Tensor | None) -> None:
    """Backward through vmap, not vmap of a gradient."""
    cell = CATALOGUE[name]
    count = 1 + len(cell.states)
    members = [draw(cell, seed=seed) for seed in range(3)]
    shared = members[0].tensors[:count]
    alone = [[p.clone().requires_grad_() for p in m.tensors[count:]] for m in members]
    stacked = [
        torch.stack([p.detach() for p in parts]).requires_grad_() for parts in zip(*alone, strict=True)
    ]

    def loss(*parameters: Tensor) -> Tensor:
        return torch.stack(
            [(o**2).sum() for o in members[0].run(*shared, *parameters, lengths=lengths)]
        ).sum()

    vmap(loss)(*stacked).sum().backward()
    torch.stack([loss(*parameters) for parameters in alone]).sum().backward()
    for together, *parts in zip(stacked, *alone, strict=True):
        for found, part in zip(together.grad.unbind(), parts, strict=True):
            close(found, part.grad)


def test_forward_over_forward_is_right_or_refused() -> None:
    drawn = draw(CATALOGUE["elman-tanh"])
    x, *rest = drawn.tensors
    ones = torch.ones_like(x)

    def loss(x: Tensor) -> Tensor:
        return torch.stack([(o**2).sum() for o in drawn.run(x, *rest)]).sum()

    def slope(x: Tensor) -> Tensor:
        return jvp(loss, (x,), (ones,))[1]

    twice = jvp(slope, (x,), (ones,))[1]
    curvature = hessian(loss)(x).reshape(x.numel(), x.numel()).sum()
    close(twice, curvature)
    rest[-1] = rest[-1].clone().requires_grad_()
    with pytest.raises(InputError, match="forward mode cannot be nested"):
        jvp(slope, (x,), (ones,))
