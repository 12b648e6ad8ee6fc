"""The modules under torch's modes and transforms: the numbers, and whether it is kernels that run."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable

import pytest
import tolerances
import torch
from kernel_doors import kernel_doors
from torch import Tensor
from torch.autograd.graph import save_on_cpu
from torch.func import functional_call, grad, jacrev, jvp, stack_module_state, vmap
from torch.utils.checkpoint import checkpoint

from bptt import nn as ours
from bptt.nn import GRU, LSTM, RNN, Recurrent
from bptt.runtime.backend import backend

# torch's own: forward mode scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

T, B, I, H = 5, 3, 4, 6
LIMIT = tolerances.gradient(torch.float64, T, B, 2 * I, 2 * H)
MODULES: dict[str, Callable[[], torch.nn.Module]] = {
    "LSTM": lambda: LSTM(I, H, 2, bidirectional=True),
    "GRU": lambda: GRU(I, H),
    "RNN": lambda: RNN(I, H),
    "Recurrent": lambda: Recurrent("lstm-layernorm", I, H),
}
STEPS = {"RNNCell": ours.RNNCell, "LSTMCell": ours.LSTMCell, "GRUCell": ours.GRUCell}


def sequence(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(found: Tensor, truth: Tensor, limit: float = LIMIT) -> None:
    torch.testing.assert_close(found, truth, rtol=0, atol=limit)


def output(module: torch.nn.Module, x: Tensor) -> Tensor:
    value: Tensor = module(x)[0]
    return value


@pytest.mark.parametrize("name", MODULES)
def test_transforms_of_functions_run_in_torch_operations(name: str) -> None:
    """functional_call, grad, jacrev, vmap over an ensemble and over samples, jvp: against plain autograd."""
    torch.manual_seed(0)
    members = [MODULES[name]().double() for _ in range(2)]
    module, x = members[0], sequence(T, B, I).requires_grad_()
    parameters = {k: v.detach() for k, v in module.named_parameters()}

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(module, parameters, (x,))[0].square().sum()

    truth = output(module, x)
    gradients = torch.autograd.grad(truth.square().sum(), [x, *module.parameters()], retain_graph=True)
    columns = [torch.autograd.grad(truth.sum((0, 1))[k], x, retain_graph=True)[0] for k in range(2)]
    with kernel_doors() as passed:
        found = grad(loss, argnums=(1, 0))(parameters, x.detach())
        jacobian = jacrev(lambda x: output(module, x).sum((0, 1))[:2])(x.detach())
        stacked, _ = stack_module_state(members)  # type: ignore[arg-type]
        ensemble = vmap(lambda p: functional_call(module, p, (x,))[0])(stacked)
        samples = vmap(lambda x: output(module, x[:, None]), in_dims=1)(x.detach())
        along = jvp(lambda x: output(module, x), (x.detach(),), (torch.ones_like(x),))[1]
    assert passed == []
    for value, true in zip((found[0], *found[1].values()), gradients, strict=True):
        close(value, true, LIMIT * tolerances.LAYER_NORM)
    for value, true in zip(jacobian, columns, strict=True):
        close(value, true, LIMIT * tolerances.LAYER_NORM)
    for value, member in zip(ensemble, members, strict=True):
        close(value, output(member, x), LIMIT * tolerances.LAYER_NORM)
    close(samples[:, :, 0].transpose(0, 1), truth, LIMIT * tolerances.LAYER_NORM)
    # Of a sum with weights, the change along ones is the sum of the gradient.
    (slope,) = torch.autograd.grad(truth[:, :, 0].sum(), x)
    close(along[:, :, 0].sum(), slope.sum(), LIMIT * tolerances.LAYER_NORM * T * B * I)


def test_functional_call_alone_runs_kernels() -> None:
    module, other = (LSTM(I, H).double() for _ in range(2))
    with kernel_doors() as passed:
        found = functional_call(module, dict(other.named_parameters()), (sequence(T, B, I),))[0]
    assert passed == ["forward"]
    close(found, output(other, sequence(T, B, I)), 0)


def test_a_second_derivative_is_one_of_torch_operations() -> None:
    """The gradient that shall have a gradient is; what goes back through the values is left to kernels."""
    module, x = LSTM(I, H).double(), sequence(T, B, I).requires_grad_()
    with kernel_doors() as passed:
        (first,) = torch.autograd.grad(output(module, x).square().sum(), x, create_graph=True)
        assert passed == ["forward"]
        (second,) = torch.autograd.grad(first.square().sum(), x)
    assert passed == ["forward", "backward"]
    with backend("reference"):
        (first,) = torch.autograd.grad(output(module, x).square().sum(), x, create_graph=True)
        close(second, torch.autograd.grad(first.square().sum(), x)[0])


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "torch.save"])
def test_a_copy_is_a_module_of_its_own(name: str, way: str) -> None:
    """Kernels keep packed weights: a copy's must not be those of the original."""
    module, x = MODULES[name]().double(), sequence(T, B, I)
    with torch.no_grad():
        truth = output(module, x)
        if way == "deepcopy":
            copied = copy.deepcopy(module)
        elif way == "pickle":
            copied = pickle.loads(pickle.dumps(module))
        else:
            torch.save(module, file := io.BytesIO())
            file.seek(0)
            copied = torch.load(file, weights_only=False)
        with kernel_doors() as passed:
            close(output(copied, x), truth, 0)
        assert set(passed) == {"forward"}
        for parameter in copied.parameters():
            parameter.mul_(0.5)
        with backend("reference"):
            halved = output(copied, x)
        close(output(copied, x), halved, LIMIT * tolerances.LAYER_NORM)
        close(output(module, x), truth, 0)


def gradients(module: torch.nn.Module, x: Tensor, value: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value.square().sum(), [x, *module.parameters()])


@pytest.mark.parametrize("storage", ["recompute", "segments"])
def test_storing_less_gives_the_same_gradients(storage: str) -> None:
    """Over more steps than the backward pass takes at once: 4 MiB hold the δ of 64."""
    steps, batch, width = 150, 32, 64
    module, x = LSTM(I, width, bidirectional=True).double(), sequence(steps, batch, I).requires_grad_()
    lengths = torch.arange(batch) * 5 % (steps + 1)
    truth = gradients(module, x, module(x, lengths=lengths)[0])
    module.storage = storage  # type: ignore[assignment]
    limit = tolerances.gradient(torch.float64, steps, batch, I, width)
    for one, two in zip(gradients(module, x, module(x, lengths=lengths)[0]), truth, strict=True):
        close(one, two, limit * float(two.abs().max()))


@pytest.mark.parametrize("storage", ["keep", "recompute", "segments"])
@pytest.mark.parametrize("name", MODULES)
def test_a_checkpoint_runs_kernels_twice(name: str, storage: str) -> None:
    """The memory of the first forward pass is gone when the backward pass begins."""
    module, x = MODULES[name]().double(), sequence(T, B, I).requires_grad_()
    module.storage = storage  # type: ignore[assignment]
    truth = gradients(module, x, output(module, x))
    with kernel_doors() as passed:
        value = checkpoint(output, module, x, use_reentrant=False)
        others = [torch.full((n,), torch.nan, dtype=torch.float64) for n in range(1, 2000, 7)]
        found = gradients(module, x, value)
        del others
    assert passed.count("forward") == 2 * passed.count("backward")
    for one, two in zip(found, truth, strict=True):
        close(one, two, 0)


def test_what_is_saved_can_be_kept_elsewhere() -> None:
    module, x = LSTM(I, H, 2).double(), sequence(T, B, I).requires_grad_()
    truth = gradients(module, x, output(module, x))
    with save_on_cpu():
        value = output(module, x)
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor.clone())
        return saved[-1]

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        other = output(module, x)
    for one in (value, other):
        for two, three in zip(gradients(module, x, one), truth, strict=True):
            close(two, three, 0)
    # Of each layer the gates and the cell of all steps in one block.
    assert sum(tensor.numel() == T * B * 5 * H for tensor in saved) == 2


def test_a_graph_is_walked_twice() -> None:
    """The memory of the first backward pass has gone to others by then."""
    module, x = LSTM(I, H, 2).double(), sequence(T, B, I).requires_grad_()
    loss = output(module, x).square().sum()
    once = torch.autograd.grad(loss, [x, *module.parameters()], retain_graph=True)
    gradients(module, x, output(module, 2 * x))
    for one, two in zip(once, torch.autograd.grad(loss, [x, *module.parameters()]), strict=True):
        close(one, two, 0)


def dtypes(returned: object) -> list[torch.dtype]:
    return [t.dtype for t in torch.utils._pytree.tree_leaves(returned)]


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
@pytest.mark.parametrize("input_type", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["LSTM", "RNN", "GRU"])
def test_under_autocast_layers_return_what_autocast_asks_for(
    name: str, input_type: torch.dtype, chosen: str
) -> None:
    """As torch's LSTM and RNN; its GRU does so for a narrow input. Inside it is the parameters' dtype."""
    mine = getattr(ours, name)(I, H, 2)
    theirs = getattr(torch.nn, name)(I, H, 2)
    theirs.load_state_dict(mine.state_dict())
    x = sequence(T, B, I).to(input_type)
    exact = mine(x.float())
    slopes = torch.autograd.grad(exact[0].sum(), list(mine.parameters()))
    with torch.autocast("cpu", torch.bfloat16), backend(chosen), kernel_doors() as passed:
        found = mine(x)
        found[0].float().sum().backward()
        try:
            truth = theirs(x)
        except RuntimeError as refused:  # oneDNN has no narrow LSTM for processors without AVX-512
            assert name == "LSTM" and "could not create a primitive" in str(refused)
            truth = None
    if truth is not None and (name != "GRU" or input_type == torch.bfloat16):
        assert dtypes(found) == dtypes(truth)
    assert set(dtypes(found)) == {torch.bfloat16}
    assert passed == (["forward"] * 2 + ["backward"] * 2 if chosen == "cpu" else [])
    # One rounding at the end; torch rounds at every step and layer: values below 1, T·layers steps.
    half = torch.finfo(torch.bfloat16).eps / 2
    rounding = tolerances.sequence(torch.float32, 2 * T, I, H)
    close(found[0].float(), exact[0], half + rounding)
    if truth is not None:
        close(found[0].float(), truth[0].float(), 2 * 2 * T * 2 * half)
    # The gradient of the output is one exactly: nothing is rounded to fewer digits on the way back.
    limit = tolerances.gradient(torch.float32, 2 * T, B, I, 2 * H)
    for parameter, slope in zip(mine.parameters(), slopes, strict=True):
        close(parameter.grad, slope, limit * float(slope.abs().max()))


def test_autocast_leaves_double_precision_alone() -> None:
    module, x = LSTM(I, H).double(), sequence(T, B, I)
    with torch.autocast("cpu", torch.bfloat16):
        found = module(x)
    assert set(dtypes(found)) == {torch.float64}
    close(found[0], output(module, x), 0)


@pytest.mark.parametrize("name", STEPS)
def test_under_autocast_a_step_keeps_the_dtype_of_the_states(name: str) -> None:
    """As torch's LSTMCell and GRUCell; its RNNCell narrows the state."""
    step = STEPS[name](I, H)
    count = len(step.cell.states)
    x = sequence(B, I).float()
    for kind in (torch.float32, torch.bfloat16):
        states = tuple(torch.zeros(B, H, dtype=kind) for _ in range(count))
        with torch.autocast("cpu", torch.bfloat16):
            assert set(dtypes(step(x.to(kind)))) == {kind}
            assert set(dtypes(step(x, states if count > 1 else states[0]))) == {kind}
            if name != "RNNCell":
                theirs = getattr(torch.nn, name)(I, H)
                assert dtypes(theirs(x.to(kind))) == [kind] * count
                assert dtypes(theirs(x, states if count > 1 else states[0])) == [kind] * count
