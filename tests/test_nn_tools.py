"""Tools that change, copy, measure or select modules: what they do with ours is what they do with torch's."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils import parametrizations, prune
from torch.optim.swa_utils import AveragedModel
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from bptt import nn
from bptt.errors import InputError

T, B, I, H = 5, 3, 4, 6
# See test_nn_torch.py.
LIMIT = 1e-12
KINDS = ["RNN", "LSTM", "GRU", "LSTMCell"]

# Of torch itself, which has moved these tools elsewhere.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

Tool = Callable[[torch.nn.Module], Any]


def pair(kind: str, **options: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(I, H, dtype=torch.float64, **options)
    return nn.from_torch(theirs), theirs


def sequence(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def weight(module: torch.nn.Module) -> str:
    return "weight_hh" if hasattr(module, "weight_hh") else "weight_hh_l0"


def close(found: Any, truth: Any) -> None:
    for one, two in zip(tree_leaves(found), tree_leaves(truth), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=LIMIT)


TOOLS: dict[str, Tool] = {
    "pruned": lambda m: prune.l1_unstructured(m, weight(m), 0.5),
    "pruned in rows": lambda m: prune.ln_structured(m, weight(m), 0.5, n=2, dim=0),
    "weight norm": lambda m: parametrizations.weight_norm(m, weight(m)),
    "weight norm, old": lambda m: torch.nn.utils.weight_norm(m, weight(m)),
    # In training every look at the weight is a step of its power iteration: torch's layers look oftener.
    "spectral norm": lambda m: parametrizations.spectral_norm(m.eval(), weight(m)),
    "spectral norm, old": lambda m: torch.nn.utils.spectral_norm(m, weight(m)),
    "orthogonal": lambda m: parametrizations.orthogonal(m, weight(m)),
    "averaged": lambda m: AveragedModel(m),
    "deep copy": copy.deepcopy,
    "data parallel": lambda m: torch.nn.DataParallel(m),
    "shared memory": lambda m: m.share_memory(),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_tool_does_the_same(kind: str, tool: str) -> None:
    x = sequence(B, I) if kind == "LSTMCell" else sequence(T, B, I)
    results = []
    for module in pair(kind):
        torch.manual_seed(1)
        made = TOOLS[tool](module)
        y = made(x)
        slopes = torch.autograd.grad(
            tree_leaves(y)[0].square().sum(), list(made.parameters()), allow_unused=True
        )
        results.append([*tree_leaves(y), *(torch.zeros(()) if s is None else s for s in slopes)])
    close(*results)


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_see_what_torchs_modules_show(kind: str) -> None:
    x = (sequence(B, I) if kind == "LSTMCell" else sequence(T, B, I)).requires_grad_()
    seen: list[list[Any]] = []
    for module in pair(kind):
        here: list[Any] = []
        module.register_forward_pre_hook(lambda m, given, here=here: here.append(given))
        module.register_forward_hook(lambda m, given, result, here=here: here.append(result))
        module.register_full_backward_hook(lambda m, into, out, here=here: here.append(into))
        tree_leaves(module(x))[0].square().sum().backward()
        seen.append(here)
    close(*seen)


def test_quantisation_takes_torchs_layers() -> None:
    """It selects by the exact type: ours stay as they are, and `to_torch` makes a model that it changes."""
    model = torch.nn.Sequential(nn.LSTM(I, 32))
    x = torch.randn(T, B, I)
    truth = model(x)[0]
    as_it_was = torch.ao.quantization.quantize_dynamic(model, {torch.nn.LSTM}, dtype=torch.qint8)
    assert type(as_it_was[0]) is nn.LSTM and torch.equal(as_it_was(x)[0], truth)
    theirs = nn.to_torch(model)
    narrow = torch.ao.quantization.quantize_dynamic(theirs, {torch.nn.LSTM}, dtype=torch.qint8)
    assert type(narrow[0]) is torch.ao.nn.quantized.dynamic.LSTM
    # Weights within ±0.18 in 256 steps; values below 1.
    torch.testing.assert_close(narrow(x)[0], truth, rtol=0, atol=0.05)


def test_loops_that_select_by_type_are_run_first() -> None:
    """Ours are no instances of torch's classes, which torch's compiler refuses; what the loop did stays."""

    def initialise(model: torch.nn.Module) -> int:
        found = [m for m in model.modules() if isinstance(m, torch.nn.LSTM | torch.nn.GRU)]
        for layer in found:
            torch.nn.init.orthogonal_(layer.weight_hh_l0)
        return len(found)

    model = torch.nn.Sequential(torch.nn.LSTM(I, H))
    assert initialise(model) == 1
    ours = nn.from_torch(model)
    assert initialise(ours) == 0
    assert torch.equal(ours[0].weight_hh_l0, model[0].weight_hh_l0)
    for kind in KINDS:
        assert not isinstance(getattr(nn, kind)(I, H), getattr(torch.nn, kind))
        assert isinstance(nn.to_torch(getattr(nn, kind)(I, H)), getattr(torch.nn, kind))


def test_counters_with_a_function_for_each_type_take_ours_by_name() -> None:
    """As thop has: its function for torch's LSTM reads these attributes."""
    ours, theirs = pair("LSTM", num_layers=2, bidirectional=True)
    names = ("bias", "input_size", "hidden_size", "num_layers", "bidirectional", "batch_first")
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]


def test_thop_counts_ours_by_its_own_function() -> None:
    thop = pytest.importorskip("thop")
    count = pytest.importorskip("thop.rnn_hooks").count_lstm
    ours, theirs = (module.float() for module in pair("LSTM"))
    x = torch.randn(T, B, I)
    (truth, _), (none, _) = (
        thop.profile(m, inputs=(x,), verbose=False) for m in (theirs, copy.deepcopy(ours))
    )
    found, _ = thop.profile(ours, inputs=(x,), verbose=False, custom_ops={nn.LSTM: count})
    assert (none, found) == (0, truth)


def test_torchinfo_sees_the_same() -> None:
    torchinfo = pytest.importorskip("torchinfo")
    x = torch.randn(T, B, I)
    found, truth = (torchinfo.summary(m.float(), input_data=x, verbose=0) for m in pair("LSTM"))
    assert (found.total_params, found.total_mult_adds) == (truth.total_params, truth.total_mult_adds)


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
def test_operations_are_counted_as_torch_counts_them(kind: str) -> None:
    """In double precision, where torch's layers are seen as products; those of a GRU it takes for fewer."""
    counts = []
    for module in pair(kind, num_layers=2, bidirectional=True):
        x, h = sequence(T, B, I).requires_grad_(), sequence(4, B, H).requires_grad_()
        hx = (h, h) if kind == "LSTM" else h
        with FlopCounterMode(display=False) as forward:
            module(x, hx)
        with FlopCounterMode(display=False) as both:
            module(x, hx)[0].sum().backward()
        counts.append((forward.get_total_flops(), both.get_total_flops()))
    assert counts[0] == counts[1]


def test_onnx_takes_the_model_with_torchs_layers(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model = nn.to_torch(torch.nn.Sequential(nn.LSTM(I, H)))
    torch.onnx.export(model, (torch.randn(T, B, I),), tmp_path / "model.onnx", dynamo=False, verbose=False)
    assert b"LSTM" in (tmp_path / "model.onnx").read_bytes()


def test_files_of_weights_load_without_code(tmp_path: Path) -> None:
    ours, theirs = pair("GRU", num_layers=2)
    for one, two in ((ours, theirs), (theirs, ours)):
        with torch.no_grad():
            one.weight_hh_l1.mul_(2)
        torch.save(one.state_dict(), tmp_path / "weights.pt")
        two.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
        assert torch.equal(one.weight_hh_l1, two.weight_hh_l1)
    torch.save(ours, tmp_path / "module.pt")
    again = torch.load(tmp_path / "module.pt", weights_only=False)
    assert torch.equal(again(sequence(T, B, I))[0], ours(sequence(T, B, I))[0])


@pytest.mark.parametrize("kind", KINDS)
def test_states_that_do_not_fit_are_refused_as_by_torch(kind: str) -> None:
    for module, other in zip(pair(kind), reversed(pair(kind)), strict=True):
        state = other.state_dict()
        with pytest.raises(RuntimeError, match="size mismatch"):
            module.load_state_dict({name: value[1:] for name, value in state.items()})
        with pytest.raises(RuntimeError, match="Missing key"):
            module.load_state_dict({weight(module): state[weight(module)]})
        assert module.load_state_dict(state | {"more": torch.zeros(1)}, strict=False).unexpected_keys == [
            "more"
        ]


def wrong_states(kind: str) -> list[Any]:
    """A batch of another size, another width, another number of layers, a dimension too few."""
    good = torch.zeros(2, B, H, dtype=torch.float64)
    bad = [good[:, 1:], good[:, :1], good[..., 1:], good[1:], good[0]]
    return [(h, good) for h in bad] + [(good, c) for c in bad] if kind == "LSTM" else bad


@pytest.mark.parametrize("form", ["padded", "single", "packed"])
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_initial_states_of_another_shape(kind: str, form: str) -> None:
    x: Any = sequence(T, I) if form == "single" else sequence(T, B, I)
    if form == "packed":
        x = torch.nn.utils.rnn.pack_padded_sequence(x, [5, 3, 1])
    ours, theirs = pair(kind, num_layers=2)
    for hx in wrong_states(kind):
        with pytest.raises(RuntimeError):
            ours(x, hx)
        if form != "packed":  # there torch's LSTM takes some of them, and fails over others by chance
            with pytest.raises(RuntimeError):
                theirs(x, hx)


def test_single_steps_do_not_broadcast_states() -> None:
    for kind in ("RNNCell", "GRUCell", "LSTMCell"):
        state = torch.zeros(1, H, dtype=torch.float64)
        for module in pair(kind):
            with pytest.raises(RuntimeError):
                module(sequence(B, I), (state, state) if kind == "LSTMCell" else state)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_dropout_changes_with_mode_and_value(kind: str) -> None:
    x = sequence(T, B, I)
    results = []
    for module in pair(kind, num_layers=2, dropout=0.5):
        torch.manual_seed(3)
        here = []
        for dropout, training in ((0.5, True), (0.5, False), (0.0, True), (1.0, True), (0.3, True)):
            module.dropout = dropout
            here.append(module.train(training)(x))
        results.append(here)
    close(*results)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_tied_and_frozen_weights(kind: str) -> None:
    """Two layers of one matrix, of which gradients are the sum; a frozen one has none; three walks back."""
    x = sequence(T, B, H).requires_grad_()
    results = []
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(H, H, num_layers=2, dtype=torch.float64)
    for module in (nn.from_torch(theirs), theirs):
        module.weight_hh_l1 = module.weight_hh_l0
        module.bias_ih_l0.requires_grad_(False)
        module.flatten_parameters()
        loss = module(x)[0].square().sum()
        for _ in range(3):
            loss.backward(retain_graph=True)
        assert module.bias_ih_l0.grad is None
        results.append([p.grad for p in module.parameters() if p.requires_grad])
    close(*results)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_batches_without_rows_and_sequences_without_steps(kind: str) -> None:
    for module in pair(kind, bidirectional=True):
        y, states = module(sequence(T, 0, I))
        assert y.shape == (T, 0, 2 * H) and tree_leaves(states)[0].shape == (2, 0, H)
        with pytest.raises(RuntimeError):
            module(sequence(0, B, I))


def test_a_programs_own_class_of_a_layer_keeps_its_name() -> None:
    class Mine(nn.LSTM):
        def forward(self, *given: Any, **named: Any) -> Any:
            return super().forward(*given, **named)[0]

    assert Mine(I, H)(torch.randn(T, B, I)).shape == (T, B, H)
    with pytest.raises(InputError, match=r"Mine\(input_size=4\)"):
        Mine(I, H)(torch.randn(T, B, H))
    with pytest.raises(InputError, match="got Mine"):
        nn.to_torch(Mine(I, H))
