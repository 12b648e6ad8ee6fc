"""RNN, LSTM and GRU against torch's: names, first values, results, and every gradient."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from bptt import nn

T, B, I, H, P = 6, 4, 3, 5, 2

# A value is a sum of at most T · layers · (I + 2H) ≈ 400 rounded terms of size about 1, a gradient one of
# T · B times as many: 400 · 24 · 2.2e-16 = 2e-12 at worst, all errors of one sign; the issue asks for 1e-12.
TOLERANCE = 1e-12

KINDS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("LSTM", {}),
    ("LSTM", {"proj_size": P}),
    ("GRU", {}),
]
FORMS = [
    {},
    {"bias": False},
    {"num_layers": 2, "batch_first": True},
    {"bidirectional": True},
    {"num_layers": 3, "bidirectional": True},
]
NAMED = [pytest.param(k, o, id="-".join([k, *map(str, o.values())])) for k, o in KINDS]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def pair(kind: str, options: dict[str, Any]) -> tuple[torch.nn.Module, torch.nn.Module]:
    theirs = getattr(torch.nn, kind)(I, H, dtype=torch.float64, **options)
    ours = getattr(nn, kind)(I, H, dtype=torch.float64, **options)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def states(kind: str, options: dict[str, Any], batch: tuple[int, ...] = (B,)) -> Any:
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    h = torch.randn(rows, *batch, options.get("proj_size", H), dtype=torch.float64, requires_grad=True)
    c = torch.randn(rows, *batch, H, dtype=torch.float64, requires_grad=True)
    return (h, c) if kind == "LSTM" else h


def flat(results: Any) -> list[Tensor]:
    """All tensors of a result, in order."""
    if isinstance(results, PackedSequence):
        return [results.data]
    return [results] if isinstance(results, Tensor) else [t for part in results for t in flat(part)]


def gradients(
    module: torch.nn.Module, results: Sequence[Tensor], leaves: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Of a weighted sum of all results, so that no gradient is hidden by a symmetry."""
    torch.manual_seed(1)
    loss = sum((r * torch.randn_like(r)).sum() for r in results)
    names = [f"input {k}" for k in range(len(leaves))] + [name for name, _ in module.named_parameters()]
    found = torch.autograd.grad(loss, [*leaves, *module.parameters()], retain_graph=True)
    return dict(zip(names, found, strict=True))


def assert_same(kind: str, options: dict[str, Any], x: Any, leaf: Tensor, hx: Any) -> None:
    """Output, final states and all gradients of ours equal torch's."""
    ours, theirs = pair(kind, options)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    results, truth = flat(ours(x, hx)), flat(theirs(x, hx))
    for result, expected in zip(results, truth, strict=True):
        torch.testing.assert_close(result, expected, rtol=0, atol=TOLERANCE)
    leaves = [leaf, *([] if hx is None else flat(hx))]
    expected_gradients = gradients(theirs, truth, leaves)
    for name, gradient in gradients(ours, results, leaves).items():
        torch.testing.assert_close(
            gradient, expected_gradients[name], rtol=0, atol=TOLERANCE, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize(("kind", "options"), NAMED)
def test_equals_torch(kind: str, options: dict[str, Any], form: dict[str, Any]) -> None:
    shape = (B, T, I) if form.get("batch_first") else (T, B, I)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert_same(kind, options | form, x, x, states(kind, options | form))
    assert_same(kind, options | form, x, x, None)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(("kind", "options"), NAMED)
def test_a_single_sequence_equals_torch(kind: str, options: dict[str, Any], batch_first: bool) -> None:
    options = options | {"num_layers": 2, "bidirectional": True, "batch_first": batch_first}
    x = torch.randn(T, I, dtype=torch.float64, requires_grad=True)
    assert_same(kind, options, x, x, states(kind, options, ()))
    assert_same(kind, options, x, x, None)


@pytest.mark.parametrize("lengths", [[3, 6, 1, 6], [6, 5, 5, 2]], ids=["any order", "sorted"])
@pytest.mark.parametrize(("kind", "options"), NAMED)
def test_packed_equals_torch(kind: str, options: dict[str, Any], lengths: list[int]) -> None:
    options = options | {"num_layers": 2, "bidirectional": True}
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    packed = pack_padded_sequence(x, lengths, enforce_sorted=lengths[0] == T)
    assert_same(kind, options, packed, x, states(kind, options))
    ours, theirs = pair(kind, options)
    output, expected = ours(packed)[0], theirs(packed)[0]
    for part, truth in zip(output[1:], expected[1:], strict=True):
        assert (part is None) == (truth is None)
        assert part is None or torch.equal(part, truth)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize(("kind", "options"), NAMED)
def test_a_seed_gives_the_parameters_of_torch(
    kind: str, options: dict[str, Any], form: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    ours = getattr(nn, kind)(I, H, **options, **form)
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(I, H, **options, **form)
    found, expected = ours.state_dict(), theirs.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    theirs.load_state_dict(found, strict=True)
    names = [[id(p) for p in row] for row in ours.all_weights]
    assert names == [[id(getattr(ours, n)) for n in row] for row in theirs._all_weights]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_single_steps_equal_torch(name: str, bias: bool) -> None:
    torch.manual_seed(0)
    ours = getattr(nn, name)(I, H, bias, dtype=torch.float64)
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(I, H, bias, dtype=torch.float64)
    assert repr(ours) == repr(theirs)
    assert (ours.bias_ih is None) == (ours.bias_hh is None) == (theirs.bias_ih is None) == (not bias)
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    for batch in ((B,), ()):
        x = torch.randn(*batch, I, dtype=torch.float64, requires_grad=True)
        hx = states("LSTM", {}, batch) if name == "LSTMCell" else states("GRU", {}, batch)
        hx = tuple(s[0] for s in hx) if name == "LSTMCell" else hx[0]
        for start in (hx, None):
            leaves = [x, *([] if start is None else flat(start))]
            results, truth = flat(ours(x, start)), flat(theirs(x, start))
            found, expected = gradients(ours, results, leaves), gradients(theirs, truth, leaves)
            for a, b in zip([*results, *found.values()], [*truth, *expected.values()], strict=True):
                torch.testing.assert_close(a, b, rtol=0, atol=TOLERANCE)


def test_relu_step_equals_torch() -> None:
    ours = nn.RNNCell(I, H, nonlinearity="relu")
    theirs = torch.nn.RNNCell(I, H, nonlinearity="relu")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(B, I)
    torch.testing.assert_close(ours(x), theirs(x))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_dropout_draws_the_numbers_of_torch(bidirectional: bool) -> None:
    options = {"num_layers": 3, "dropout": 0.4, "bidirectional": bidirectional}
    ours, theirs = pair("LSTM", options)
    x = torch.randn(T, B, I, dtype=torch.float64)
    torch.manual_seed(2)
    found = ours(x)[0]
    torch.manual_seed(2)
    torch.testing.assert_close(found, theirs(x)[0], rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(ours.eval()(x)[0], theirs.eval()(x)[0], rtol=0, atol=TOLERANCE)


def test_arguments_stand_where_torch_has_them() -> None:
    rnn = nn.RNN(I, H, 2, "relu", False, True, 0.25, True, "cpu", torch.float64)
    assert repr(rnn) == repr(torch.nn.RNN(I, H, 2, "relu", False, True, 0.25, True)).replace(
        ")", ", nonlinearity=relu)"
    )
    assert rnn.weight_ih_l1_reverse.dtype == torch.float64
    arguments = (I, H, 2, False, True, 0.25, True)
    assert repr(nn.LSTM(*arguments, P)) == repr(torch.nn.LSTM(*arguments, P))
    assert repr(nn.GRU(*arguments)) == repr(torch.nn.GRU(*arguments))
    for kind in ("RNN", "LSTM", "GRU"):
        ours, theirs = getattr(nn, kind), getattr(torch.nn, kind)
        names = list(inspect.signature(ours.forward).parameters)
        assert names[:3] == list(inspect.signature(theirs.forward).parameters)
    ours = nn.LSTM(I, H)
    ours.flatten_parameters()


def test_a_parameter_put_in_place_of_another_is_used() -> None:
    """Tied weights, weight norm, weight drop and functional_call replace parameters."""
    ours, theirs = pair("GRU", {})
    x = torch.randn(T, B, I, dtype=torch.float64)
    for module in (ours, theirs):
        torch.nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
        module.parametrizations.weight_hh_l0.original0.data.mul_(2)
    torch.testing.assert_close(ours(x)[0], theirs(x)[0], rtol=0, atol=TOLERANCE)
    ours, theirs = pair("GRU", {})
    half = {name: p / 2 for name, p in ours.named_parameters()}
    found = torch.func.functional_call(ours, half, (x,))[0]
    theirs.load_state_dict(half)
    torch.testing.assert_close(found, theirs(x)[0], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_narrow_types_equal_torch(dtype: torch.dtype) -> None:
    ours, theirs = (m.to(dtype) for m in pair("LSTM", {"num_layers": 2}))
    x = torch.randn(T, B, I, dtype=dtype)
    (found, (h, c)), (expected, _) = ours(x), theirs(x)
    # Values below 1, each a handful of roundings from the other: about T · layers · eps.
    tolerance = 2 * T * torch.finfo(dtype).eps
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)
    assert {found.dtype, h.dtype, c.dtype} == {dtype}


def test_under_autocast_an_input_of_another_type_is_taken() -> None:
    ours, theirs = (m.float() for m in pair("LSTM", {}))
    x = torch.randn(T, B, I, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = ours(x.bfloat16())[0], theirs(x.bfloat16())[0]
    torch.testing.assert_close(found.float(), expected.float(), rtol=0, atol=0.05)
    found.float().square().sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in ours.parameters())
