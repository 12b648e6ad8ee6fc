"""The fused loss under torch's modes and transforms: by kernel or by torch's functions, and which."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional

from bptt.nn import linear_cross_entropy
from bptt.runtime.backend import backend
from bptt.runtime.kernels import linear_loss

ROWS, WIDTH, CLASSES = 12, 5, 7
# Of the sums of a row's and a class's terms, each of magnitude 1, on both sides.
LIMIT = 2 * (ROWS + WIDTH + CLASSES) * torch.finfo(torch.float64).eps
# torch's own: forward mode scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def draw(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((ROWS, WIDTH), (CLASSES, WIDTH), (CLASSES,))
    drawn = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    input, weight, bias = (tensor.to(dtype).requires_grad_() for tensor in drawn)
    return input, weight, bias


TARGET = torch.arange(ROWS) % CLASSES
TARGET[3] = -100


def ours(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return linear_cross_entropy(input, weight, TARGET, linear_bias=bias)


def theirs(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return functional.cross_entropy(functional.linear(input, weight, bias), TARGET)


def close(found: object, truth: object) -> None:
    torch.testing.assert_close(found, truth, rtol=LIMIT, atol=LIMIT)


@contextmanager
def kernel_calls() -> Iterator[list[list[bool]]]:
    """For each call of the kernel, which gradients it is to compute."""
    calls: list[list[bool]] = []
    outputs = linear_loss.outputs_of

    def noted(input: Tensor, weight: Tensor, wanted: list[bool]) -> tuple[Tensor, ...]:
        calls.append(wanted)
        return outputs(input, weight, wanted)

    with patch.object(linear_loss, "outputs_of", noted):
        yield calls


@pytest.mark.parametrize(
    "transform",
    [
        lambda loss: torch.func.grad(loss, argnums=(0, 1, 2)),
        lambda loss: torch.func.hessian(loss, argnums=2),
        lambda loss: lambda *a: torch.func.jvp(loss, a, tuple(map(torch.cos, a))),
        lambda loss: lambda x, w, b: torch.func.vmap(loss, (None, 0, None))(x, torch.stack([w, 2 * w]), b),
    ],
    ids=["grad", "hessian", "jvp", "vmap"],
)
def test_transforms_run_torch(transform: Callable[[Loss], Callable[..., object]]) -> None:
    operands = [tensor.detach() for tensor in draw()]
    with kernel_calls() as calls:
        close(transform(ours)(*operands), transform(theirs)(*operands))
    assert not calls


def test_forward_mode_runs_torch() -> None:
    operands = draw()

    def tangent(loss: Loss) -> Tensor:
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(operands[1], torch.cos(operands[1]))
            return forward_ad.unpack_dual(loss(operands[0], dual, operands[2])).tangent

    close(tangent(ours), tangent(theirs))


@pytest.mark.parametrize("backward", [False, True])
def test_forward_and_backward_are_one_call(backward: bool) -> None:
    operands = draw()
    with kernel_calls() as calls, torch.set_grad_enabled(backward):
        loss = ours(*operands)
        if backward:
            loss.backward()
    assert calls == [[backward] * 3] and loss.requires_grad == backward


def test_gradients_that_nobody_wants_are_not_computed() -> None:
    input, weight, bias = draw()
    with kernel_calls() as calls:
        ours(input, weight.detach(), bias)
        linear_cross_entropy(input.detach(), weight, TARGET)
        linear_cross_entropy(input, weight, TARGET, reduction="none")
    assert calls == [[True, False, True], [False, True, False], [False] * 3]


def test_the_reference_backend_runs_torch() -> None:
    with backend("reference"), kernel_calls() as calls:
        loss = ours(*draw())
    assert not calls and torch.equal(loss, theirs(*draw()))


def test_what_was_begun_by_kernels_ends_so() -> None:
    operands, truth = draw(), draw()
    losses = linear_cross_entropy(operands[0], operands[1], TARGET, linear_bias=operands[2], reduction="none")
    linear_loss.loaded.cache_clear()
    with backend("reference"):
        losses.sum().backward()
    functional.cross_entropy(functional.linear(*truth), TARGET, reduction="sum").backward()
    for tensor, expected in zip(operands, truth, strict=True):
        close(tensor.grad, expected.grad)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_runs_torch(dtype: torch.dtype) -> None:
    with kernel_calls() as calls:
        assert torch.equal(ours(*draw(dtype)), theirs(*draw(dtype)))
    assert not calls


def test_what_torch_refuses_is_left_to_torch() -> None:
    input, weight, bias = draw()
    with pytest.raises(RuntimeError, match="dtype"):
        ours(input, weight.float(), bias)


def test_an_input_without_numbers_leaves_the_bias() -> None:
    bias = draw()[2]
    losses = linear_cross_entropy(
        torch.ones(2, 0).double(), torch.ones(CLASSES, 0).double(), TARGET[:2], linear_bias=bias
    )
    close(losses, -bias.log_softmax(0)[:2].mean())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_computes_in_single_precision(dtype: torch.dtype) -> None:
    """The input as a bfloat16 layer leaves it; torch too gives a single precision loss."""
    input, weight, bias = draw(torch.float32)
    input = input.detach().to(dtype).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16), kernel_calls() as calls:
        loss = ours(input, weight, bias)
        assert theirs(input, weight, bias).dtype == loss.dtype == torch.float32
    loss.backward()
    assert len(calls) == 1
    exact = [t.detach().double().requires_grad_() for t in (input, weight, bias)]
    theirs(*exact).backward()
    for tensor, truth in zip((input, weight, bias), exact, strict=True):
        assert tensor.grad.dtype == tensor.dtype
        eps = torch.finfo(tensor.dtype).eps
        torch.testing.assert_close(tensor.grad.double(), truth.grad, rtol=eps, atol=24 * 2.0**-23)


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        _, weight, bias = draw()
        self.weight, self.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())

    def forward(self, input: Tensor) -> Tensor:
        return 2 * ours(torch.tanh(input), self.weight, self.bias)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled_without_a_break_it_is_the_kernel(reduction: str) -> None:
    def step(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        losses = linear_cross_entropy(
            torch.tanh(input), weight, TARGET, linear_bias=bias, reduction=reduction
        )
        return (2 * losses).sum()

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    operands, truth = draw(), draw()
    with kernel_calls() as calls:
        compiled(*operands).backward()
    assert calls
    step(*truth).backward()
    for tensor, expected in zip(operands, truth, strict=True):
        close(tensor.grad, expected.grad)


@pytest.mark.parametrize("strict", [False, True])
def test_exported_it_is_one_operator(strict: bool) -> None:
    head, input = Head(), draw()[0].detach()
    program = torch.export.export(head, (input,), strict=strict)
    graphs = [module.graph for module in program.graph_module.modules()]
    targets = [str(node.target) for graph in graphs for node in graph.nodes]
    assert targets.count("bptt.linear_loss.default") == 1 and "aten.log_softmax.int" not in targets
    close(program.module()(input), head(input))


@pytest.mark.parametrize("wanted", [[False] * 3, [True] * 3])
def test_the_operator_keeps_its_promises(wanted: list[bool]) -> None:
    """Its schema, and that its fake is of the same shapes."""
    operands = [tensor.detach() for tensor in draw()]
    tests = ("test_schema", "test_faketensor", "test_aot_dispatch_static")
    torch.library.opcheck(
        linear_loss.linear_loss, (*operands, TARGET, None, -100, True, wanted), test_utils=tests
    )


def with_little_memory(code: str) -> str:
    """What a fresh process prints, in which at_most(n) leaves n bytes for what comes after.

    In this one memory that earlier tests have given back may be taken again.
    """
    head = """
import resource
from contextlib import contextmanager
from pathlib import Path
import torch
from torch.nn import functional
from bptt.nn import linear_cross_entropy

torch.set_num_threads(1)
small = torch.ones(2, 2, requires_grad=True)
for loss in linear_cross_entropy, lambda x, w, t: functional.cross_entropy(functional.linear(x, w), t):
    loss(small, small, torch.zeros(2, dtype=torch.int64)).backward()

@contextmanager
def at_most(more):
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
"""
    done = subprocess.run([sys.executable, "-c", head + dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="how much memory there is")
def test_logits_are_never_all_in_memory() -> None:
    """160 MB of logits in single precision, and their gradients, in a quarter of that."""
    printed = with_little_memory("""
        input, weight = torch.ones(2000, 2, requires_grad=True), torch.ones(20_000, 2, requires_grad=True)
        target = torch.zeros(2000, dtype=torch.int64)
        with at_most(40 << 20):
            linear_cross_entropy(input, weight, target).backward()
            try:
                functional.cross_entropy(functional.linear(input, weight), target)
            except RuntimeError as error:
                print("memory" in str(error), abs(weight.grad.sum().item()) < 1e-4)
    """)
    assert printed == "True True\n"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="how much memory there is")
def test_memory_that_does_not_suffice_is_an_error() -> None:
    printed = with_little_memory("""
        input, weight = torch.ones(100, 1), torch.ones(1_000_000, 1, requires_grad=True)
        with at_most(100 << 20):
            try:
                linear_cross_entropy(input, weight, torch.zeros(100, dtype=torch.int64))
            except MemoryError as error:
                print(error)
    """)
    assert "logits of a few rows" in printed
