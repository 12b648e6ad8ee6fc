"""The modules under torch.compile: one graph, the numbers of eager, and what is left out of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import tolerances
import torch
from kernel_doors import kernel_doors
from torch import Tensor
from torch._dynamo import lookup_backend
from torch._dynamo.exc import Unsupported
from torch.func import jvp, vmap
from torch.fx import GraphModule
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils._pytree import tree_leaves

from bptt.errors import InputError
from bptt.nn import GRU, LSTM, RNN, GRUCell, LSTMCell, Recurrent, RecurrentCell, RNNCell
from bptt.runtime.backend import backend

# torch's own: it scripts as it compiles, and for forward mode.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script(_method)?` is deprecated")

T, B, I, H = 5, 3, 4, 6
LENGTHS = torch.tensor([4, 0, 5])
LIMIT = tolerances.gradient(torch.float64, T, B, 2 * I, 2 * H)
OPERATOR = torch.ops.bptt.recurrence.default

Module = torch.nn.Module


class Graphs:
    """A compiler of graphs that counts them, and leaves their operations to eager torch."""

    def __init__(self) -> None:
        self.graphs: list[GraphModule] = []

    def __call__(self, graph: GraphModule, inputs: Sequence[Any]) -> Callable[..., Any]:
        self.graphs.append(graph)
        compiled: Callable[..., Any] = lookup_backend("aot_eager")(graph, inputs)
        return compiled

    @property
    def operators(self) -> int:
        """The recurrences in all graphs."""
        return sum(node.target == OPERATOR for g in self.graphs for node in g.graph.nodes)


@pytest.fixture(autouse=True)
def _forget_graphs() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def sequence(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def values_and_gradients(
    call: Callable[..., object], module: Module, *arguments: object, **options: object
) -> tuple[list[Tensor], list[Tensor | None]]:
    """What a call returns, and the gradients of every argument and parameter."""
    torch.manual_seed(1)
    outputs = tree_leaves(call(*arguments, **options))
    numbers = torch.cat([o.flatten() for o in outputs])
    loss = (numbers * torch.linspace(-1, 1, len(numbers), dtype=numbers.dtype)).sum()
    sources = [t for t in (*tree_leaves(arguments), *module.parameters()) if t.requires_grad]
    return outputs, list(torch.autograd.grad(loss, sources, allow_unused=True))


def assert_same(found: object, truth: object, limit: float = LIMIT) -> None:
    for value, true in zip(tree_leaves(found), tree_leaves(truth), strict=True):
        torch.testing.assert_close(value, true, rtol=0, atol=limit)


X = (T, B, I)
CASES: dict[str, tuple[Callable[[], Module], tuple[object, ...], dict[str, object]]] = {
    "LSTM": (lambda: LSTM(I, H), (X,), {}),
    "LSTM, all options": (
        lambda: LSTM(I, H, 2, bias=False, batch_first=True, dropout=0.4, bidirectional=True, proj_size=2),
        ((B, T, I), ((4, B, 2), (4, B, H))),
        {"return_states": True},
    ),
    "GRU": (lambda: GRU(I, H, 2, bidirectional=True), (X,), {"lengths": LENGTHS}),
    "GRU, lengths in a list": (lambda: GRU(I, H), (X,), {"lengths": [4, 0, 5]}),
    "RNN, one sequence": (lambda: RNN(I, H, nonlinearity="relu"), ((T, I),), {}),
    "Recurrent": (
        lambda: Recurrent("lstm-peephole", I, H, initial="learned"),
        (X,),
        {"lengths": LENGTHS, "return_states": True},
    ),
    "Recurrent without a state": (lambda: Recurrent("dense", I, H), (X,), {"lengths": LENGTHS}),
    "RNNCell": (lambda: RNNCell(I, H), ((B, I),), {}),
    "LSTMCell": (lambda: LSTMCell(I, H), ((B, I), ((B, H), (B, H))), {}),
    "GRUCell": (lambda: GRUCell(I, H), ((I,), (H,)), {}),
    "RecurrentCell": (lambda: RecurrentCell("mgu", I, H), ((B, I),), {}),
}


def filled(shapes: object) -> Any:
    """Tensors in place of shapes."""
    if isinstance(shapes, tuple) and all(isinstance(n, int) for n in shapes):
        return sequence(*shapes, seed=len(shapes)).requires_grad_()
    assert isinstance(shapes, tuple)
    return tuple(map(filled, shapes))


@pytest.mark.parametrize("case", CASES)
def test_a_module_is_one_graph_with_the_numbers_of_eager(case: str) -> None:
    make, shapes, options = CASES[case]
    torch.manual_seed(0)
    module, arguments, graphs = make().double(), filled(shapes), Graphs()
    truth = values_and_gradients(module, module, *arguments, **options)
    compiled = torch.compile(module, backend=graphs, fullgraph=True)
    with kernel_doors() as passed:
        found = values_and_gradients(compiled, module, *arguments, **options)
    assert_same(found, truth)
    layers = len(module.layers)  # type: ignore[arg-type]
    assert passed == ["forward"] * layers + ["backward"] * layers
    assert len(graphs.graphs) == 1
    assert graphs.operators == layers


def test_without_gradients_nothing_is_kept() -> None:
    module, graphs = LSTM(I, H).double(), Graphs()
    compiled = torch.compile(module, backend=graphs, fullgraph=True)
    with torch.no_grad():
        assert_same(compiled(sequence(*X)), module(sequence(*X)))
    (graph,) = graphs.graphs
    (call,) = (node for node in graph.graph.nodes if node.target == OPERATOR)
    assert call.args[5] is False


def test_one_graph_serves_all_numbers_of_steps_and_rows() -> None:
    module, graphs = LSTM(I, H, 2, bidirectional=True).double(), Graphs()
    compiled = torch.compile(module, backend=graphs, fullgraph=True)
    for steps, batch in ((5, 3), (9, 2), (7, 8)):
        x = sequence(steps, batch, I).requires_grad_()
        lengths = torch.arange(batch) % (steps + 1)
        for dimension in (0, 1):
            torch._dynamo.mark_dynamic(x, dimension)
        torch._dynamo.mark_dynamic(lengths, 0)
        truth = values_and_gradients(module, module, x, lengths=lengths)
        found = values_and_gradients(compiled, module, x, lengths=lengths)
        assert_same(found, truth, tolerances.gradient(torch.float64, steps, batch, 2 * I, 2 * H))
    assert len(graphs.graphs) == 1


def test_by_default_a_second_length_makes_the_last_graph() -> None:
    module, graphs = GRU(I, H).double(), Graphs()
    compiled = torch.compile(module, backend=graphs, fullgraph=True)
    for steps in (4, 5, 6, 7):
        assert_same(compiled(sequence(steps, B, I)), module(sequence(steps, B, I)))
    assert len(graphs.graphs) == 2


def test_a_model_is_compiled_to_machine_code() -> None:
    """With inductor, the compiler that torch.compile takes by default."""
    torch.manual_seed(0)
    model = torch.nn.ModuleDict({"layers": LSTM(I, H, 2), "out": torch.nn.Linear(H, 7)}).double()

    def loss(x: Tensor, lengths: Tensor) -> Tensor:
        scores = model["out"](model["layers"](x, lengths=lengths)[0])
        return scores.logsumexp(-1).square().mean()

    x = sequence(*X).requires_grad_()
    truth = values_and_gradients(loss, model, x, LENGTHS)
    assert_same(values_and_gradients(torch.compile(loss, fullgraph=True), model, x, LENGTHS), truth)


def test_a_graph_runs_in_torch_operations_where_there_are_no_kernels() -> None:
    module = LSTM(I, H).double()
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    x = sequence(*X).requires_grad_()
    truth = values_and_gradients(module, module, x, lengths=LENGTHS)
    with backend("reference"), kernel_doors() as passed:
        found = values_and_gradients(compiled, module, x, lengths=LENGTHS)
    assert_same(found, truth)
    assert passed == []


@pytest.mark.parametrize("storage", ["recompute", "segments"])
def test_a_graph_that_shall_not_keep_values_runs_the_forward_pass_twice(storage: str) -> None:
    module = LSTM(I, H).double()
    module.storage = storage  # type: ignore[assignment]
    x = sequence(*X).requires_grad_()
    truth = values_and_gradients(module, module, x)
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    with kernel_doors() as passed:
        assert_same(values_and_gradients(compiled, module, x), truth)
    assert passed == ["forward", "forward", "backward"]


def test_autocast_holds_in_a_graph() -> None:
    module = LSTM(I, H)
    x = sequence(*X).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = torch.compile(module, backend="aot_eager", fullgraph=True)(x)
        assert_same(found, module(x), 0)
    assert {value.dtype for value in tree_leaves(found)} == {torch.bfloat16}


def test_parameters_that_were_trained_are_seen() -> None:
    module = LSTM(I, H).double()
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    x = sequence(*X)
    for _ in range(2):
        with torch.no_grad():
            assert_same(compiled(x), module(x))
            for parameter in module.parameters():
                parameter.mul_(0.5)


def test_lengths_are_looked_at_when_the_graph_runs() -> None:
    compiled = torch.compile(LSTM(I, H).double(), backend="aot_eager", fullgraph=True)
    with pytest.raises(InputError, match=r"lengths are from 0 to the 5 steps of the input, got \[6\]"):
        compiled(sequence(*X), lengths=torch.tensor([1, 6, 2]))


def test_a_wrong_shape_is_named_as_in_eager() -> None:
    compiled = torch.compile(LSTM(I, H).double(), backend="aot_eager")
    with pytest.raises(InputError, match=r"expected shape \(T, B, 4\) or \(T, 4\), got \(5, 3, 9\)"):
        compiled(sequence(T, B, 9))


def test_packed_sequences_run_outside_of_the_graph() -> None:
    """Their lengths are numbers, not tensors, to torch: it breaks the graph, or refuses."""
    module = LSTM(I, H).double()
    packed = pack_padded_sequence(sequence(*X), torch.tensor([5, 3, 1]))
    found = torch.compile(module, backend="aot_eager")(packed)
    assert_same(found[0].data, module(packed)[0].data)
    torch._dynamo.reset()
    with pytest.raises(Unsupported):
        torch.compile(module, backend="aot_eager", fullgraph=True)(packed)


@pytest.mark.parametrize("transform", ["vmap", "grad", "jvp"])
def test_transforms_run_outside_of_the_graph(transform: str) -> None:
    """In torch operations, which torch.func knows. A whole graph is refused with that reason."""
    module = LSTM(I, H).double()

    def output(x: Tensor) -> Tensor:
        value: Tensor = module(x)[0]
        return value

    def transformed(x: Tensor) -> object:
        if transform == "vmap":
            return vmap(output, in_dims=1)(x)
        if transform == "grad":
            return torch.func.grad(lambda x: output(x).sum())(x)
        return jvp(output, (x,), (x,))

    x = sequence(*X)
    with kernel_doors() as passed:
        assert_same(torch.compile(transformed, backend="aot_eager")(x), transformed(x))
    assert passed == []
    torch._dynamo.reset()
    with pytest.raises(Unsupported, match=r"under torch\.func and in forward mode"):
        torch.compile(transformed, backend="aot_eager", fullgraph=True)(x)


def test_a_second_derivative_of_a_graph_is_refused_by_torch() -> None:
    module = LSTM(I, H).double()
    x = sequence(*X).requires_grad_()
    output = torch.compile(module, backend="aot_eager", fullgraph=True)(x)[0]
    (first,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="does not currently support double backward"):
        first.square().sum().backward()
