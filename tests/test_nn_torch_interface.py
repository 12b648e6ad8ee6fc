"""What programs written for torch ask of a layer beside its results, against torch's own."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils._pytree import tree_leaves

from bptt import nn
from bptt.errors import InputError

T, B, I, H = 5, 3, 4, 6
# See test_nn_torch.py.
LIMIT = 1e-12

# Of torch itself, which recommends its compiler.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]


def pair(kind: str, **options: Any) -> tuple[Any, Any]:
    theirs = getattr(torch.nn, kind)(I, H, dtype=torch.float64, **options)
    return nn.from_torch(theirs), theirs


def sequence(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def close(found: Any, truth: Any) -> None:
    for one, two in zip(tree_leaves(found), tree_leaves(truth), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=LIMIT)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}])
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_methods_and_attributes_answer_as_torch_does(kind: str, options: dict[str, Any]) -> None:
    ours, theirs = pair(kind, **options, **({"proj_size": 2} if kind == "LSTM" else {}))
    x, packed = sequence(T, B, I), pack_padded_sequence(sequence(T, B, I), [5, 2, 2])
    assert ours.mode == theirs.mode
    for name in ("_flat_weights_names", "_all_weights"):
        assert getattr(ours, name) == getattr(theirs, name)
    close(ours._flat_weights, theirs._flat_weights)
    close(ours.all_weights, theirs.all_weights)
    for arguments in ((x, None), (packed.data, packed.batch_sizes)):
        shape = theirs.get_expected_hidden_size(*arguments)
        assert ours.get_expected_hidden_size(*arguments) == shape
        state: Any = torch.zeros(shape, dtype=torch.float64)
        if kind == "LSTM":
            assert ours.get_expected_cell_size(*arguments) == theirs.get_expected_cell_size(*arguments)
            state = (state, torch.zeros(theirs.get_expected_cell_size(*arguments), dtype=torch.float64))
        order = torch.tensor([2, 0, 1])[: shape[1]]
        for module in (ours, theirs):
            module.flatten_parameters()
            module.check_input(*arguments)
            module.check_forward_args(arguments[0], state, arguments[1])
            module.check_hidden_size(tree_leaves(state)[0], shape)
            with pytest.raises(RuntimeError):
                module.check_input(arguments[0][..., 1:], arguments[1])
            with pytest.raises(RuntimeError):
                module.check_hidden_size(tree_leaves(state)[0], (7, *shape[1:]), "wanted {}, got {}")
        random = torch.utils._pytree.tree_map(lambda s: sequence(*s.shape), state)
        for permutation in (None, order) if shape[1] == B else (None,):
            close(ours.permute_hidden(random, permutation), theirs.permute_hidden(random, permutation))
    assert torch.nn.RNN(I, H, nonlinearity="relu").mode == nn.RNN(I, H, nonlinearity="relu").mode


@pytest.mark.parametrize("lengths", [[5, 4, 2], [1, 5, 3]])
@pytest.mark.parametrize(("kind", "options"), [("LSTM", {}), ("GRU", {"bidirectional": True}), ("RNN", {})])
def test_dropout_in_packed_sequences_draws_the_numbers_of_torch(
    kind: str, options: dict[str, Any], lengths: list[int]
) -> None:
    ours, theirs = pair(kind, num_layers=3, dropout=0.4, **options)
    x = sequence(T, B, I)
    results = []
    for module in (ours, theirs):
        leaf = x.clone().requires_grad_()
        packed = pack_padded_sequence(leaf, lengths, enforce_sorted=lengths[0] == T)
        torch.manual_seed(2)
        output, states = module(packed)
        (slope,) = torch.autograd.grad(output.data.square().sum(), [leaf])
        results.append([output.data, *tree_leaves(states), slope, torch.rand(1)])
    close(*results)
    for module in (ours, theirs):
        module.dropout = 1.0
        assert module(packed)[0].data.shape == (sum(lengths), ours.output_size * ours.num_directions)
    close(ours(packed)[0].data, theirs(packed)[0].data)
    close(ours.eval()(packed)[0].data, theirs.eval()(packed)[0].data)


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_another_default_device_changes_nothing(device: str) -> None:
    """Tensors that a program makes while `torch.device` is set are elsewhere: ours are where the input is."""
    (ours, theirs), x = pair("LSTM", num_layers=2, bidirectional=True), sequence(T, B, I)
    packed = pack_padded_sequence(x, [2, 5, 3], enforce_sorted=False)
    truth, by_lengths = theirs(packed), ours(x, lengths=[2, 5, 3])
    with torch.device(device):
        found = ours(packed)
        again = ours(x, lengths=[2, 5, 3])
        step = nn.GRUCell(I, H, device="cpu", dtype=torch.float64)(x[0])
        loss = ours(packed)[0].data.sum()
    close(found[0].data, truth[0].data)
    close(found[1], truth[1])
    close(again, by_lengths)
    loss.backward()
    assert step.device.type == "cpu" and ours.weight_hh_l1.grad.abs().sum() > 0


@pytest.mark.parametrize("sizes", [(I, 0), (0, H), (0, 0)])
@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_single_steps_of_no_width(kind: str, sizes: tuple[int, int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: initialising tensors without elements does nothing
        theirs, ours = (getattr(module, kind)(*sizes) for module in (torch.nn, nn))
    ours.load_state_dict(theirs.state_dict())
    for x in (torch.randn(B, sizes[0]), torch.randn(sizes[0])):
        for one, two in zip(tree_leaves(ours(x)), tree_leaves(theirs(x)), strict=True):
            torch.testing.assert_close(one, two)
    sum(t.sum() for t in tree_leaves(ours(torch.randn(B, sizes[0])))).backward()


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layers_of_no_width_are_refused_as_by_torch(kind: str) -> None:
    for sizes in ((I, 0), (0, H)):
        for module in (torch.nn, nn):
            with pytest.raises(ValueError):
                getattr(module, kind)(*sizes)


class Wrapped:
    """A container of a tensor that torch's functions unwrap; what it does not have, its tensor has."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        bare = [a.data if isinstance(a, Wrapped) else a for a in args]
        found = func(*bare, **(kwargs or {}))
        return tuple(Wrapped(f) for f in found) if isinstance(found, tuple) else Wrapped(found)


class Marked(Tensor):
    """A subclass that torch's functions hand on."""


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "LSTMCell"])
def test_what_behaves_like_a_tensor_is_one(kind: str) -> None:
    ours, theirs = pair(kind)
    x = sequence(B, I) if kind == "LSTMCell" else sequence(T, B, I)
    truth = theirs(x)
    found = ours(Wrapped(x))
    assert isinstance(found[0], Wrapped)
    close(found[0].data, truth[0])
    leaf = x.as_subclass(Marked).requires_grad_()
    marked = ours(leaf)
    assert type(tree_leaves(marked)[0]) is type(tree_leaves(theirs(leaf))[0]) is Marked
    close(tree_leaves(marked)[0], tree_leaves(truth)[0])
    tree_leaves(marked)[0].sum().backward()
    assert leaf.grad.abs().sum() > 0


class Model(torch.nn.Module):
    def __init__(self, layer: torch.nn.Module, **options: Any) -> None:
        super().__init__()
        self.layer, self.head, self.options = layer, torch.nn.Linear(H, 2), options

    def forward(self, x: Tensor) -> Tensor:
        output = self.layer(x, **self.options)[0]
        found: Tensor = self.head(torch.relu(output))
        return found


LAYERS: dict[str, Any] = {
    "LSTM": lambda: nn.LSTM(I, H),
    "GRU": lambda: nn.GRU(I, H, 2),
    "any": lambda: nn.Recurrent("lstm-peephole", I, H),
}


@pytest.mark.parametrize("name", LAYERS)
def test_symbolic_traces_have_layers_as_leaves(name: str) -> None:
    model = Model(LAYERS[name]()).double()
    graph = torch.fx.symbolic_trace(model)
    calls = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    assert calls == ["layer", "head"]
    x = sequence(T + 2, B, I)
    close(graph(x), model(x))
    step = torch.fx.symbolic_trace(torch.nn.Sequential(nn.GRUCell(I, H)))
    assert [node.op for node in step.graph.nodes] == ["placeholder", "call_module", "output"]
    tied = torch.fx.symbolic_trace(Model(LAYERS[name](), lengths=[1, 2, 3]).double())
    assert any(node.kwargs.get("lengths") == [1, 2, 3] for node in tied.graph.nodes)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_traces_run_for_any_number_of_steps_and_rows(name: str, training: bool) -> None:
    model = Model(LAYERS[name]()).double()
    with torch.set_grad_enabled(training):
        traced = torch.jit.trace(model, (sequence(T, B, I),))
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    loaded = torch.jit.load(file)
    x = sequence(T + 3, B + 2, I).requires_grad_()
    truth = model(x)
    slopes = torch.autograd.grad(truth.square().sum(), [x, *model.parameters()])
    for module in (traced, loaded):
        found = module(x)
        close(found, truth)
        close(torch.autograd.grad(found.square().sum(), [x, *module.parameters()]), slopes)


def test_traces_of_steps_packed_sequences_and_lengths() -> None:
    step, x = nn.LSTMCell(I, H).double(), sequence(B, I)
    close(torch.jit.trace(step, (x,))(sequence(B + 2, I)), step(sequence(B + 2, I)))

    class Sorted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.GRU(I, H)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            found: Tensor = self.layer(x, lengths=lengths)[0]
            return found

    model = Sorted().double()
    traced = torch.jit.trace(model, (sequence(T, B, I), torch.tensor([5, 1, 2])))
    for lengths in (torch.tensor([0, 5, 5]), torch.tensor([2, 2, 1])):
        close(traced(sequence(T, B, I), lengths), model(sequence(T, B, I), lengths))
    with pytest.raises(Exception, match="lengths are from 0 to the 5 steps"):
        traced(sequence(T, B, I), torch.tensor([0, 5, 6]))


def test_a_graph_for_tensorboard(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(tmp_path) as writer:
        writer.add_graph(Model(nn.LSTM(I, H)), torch.randn(T, B, I))
    (file,) = tmp_path.iterdir()
    assert b"recurrence" in file.read_bytes()


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "LSTMCell"])
def test_scripts_have_torchs_layers_with_the_same_parameters(kind: str) -> None:
    ours, theirs = pair(kind)
    x = sequence(B, I) if kind == "LSTMCell" else sequence(T, B, I)
    scripted = torch.jit.script(torch.nn.Sequential(ours))
    close(scripted(x), theirs(x))
    with torch.no_grad():
        next(ours.parameters()).mul_(2)
    close(scripted(x), ours(x))


def test_a_cell_that_torch_has_not_is_refused_by_scripts_with_a_word() -> None:
    for module in (nn.Recurrent("mgu", I, H), nn.RecurrentCell("gru", I, H)):
        with pytest.raises(InputError, match=r"cells that torch has layers of, got \w+. torch.jit.trace,"):
            torch.jit.script(torch.nn.Sequential(module))
