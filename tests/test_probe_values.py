"""Every value of a stack against the equations typed from the papers, and against torch."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from numpy.testing import assert_allclose
from torch.nn.utils.rnn import pack_sequence

from bptt import Cell, nn
from bptt.cells import catalogue
from bptt.errors import InputError
from bptt.probe import LayerValues, values
from bptt.runtime.values import values as named_values

STEPS, BATCH, INPUTS, HIDDEN, PROJECTED = 7, 3, 4, 6, 2
EPS = np.finfo(np.float64).eps
# A value is a sum of at most INPUTS + HIDDEN products, and errors are handed on for at most STEPS steps.
CLOSE = {"rtol": 0, "atol": float(EPS * 4 * STEPS * (INPUTS + HIDDEN))}


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def tensors(layer: LayerValues) -> dict[str, torch.Tensor]:
    return {value.name: value.tensor for value in layer.values}


def test_gates_of_an_lstm_as_its_paper_has_them() -> None:
    stack = nn.LSTM(INPUTS, HIDDEN, 2, dtype=torch.float64)
    x = draw(STEPS, BATCH, INPUTS)
    seen = x.numpy()
    for k, layer in enumerate(values(stack, x)):
        assert (layer.layer, layer.direction, layer.name) == (k + 1, "forward", f"layer {k + 1}")
        assert [(v.name, v.kind, v.function) for v in layer.values] == [
            ("i", "gate", "sigmoid"), ("f", "gate", "sigmoid"), ("g", "other", "tanh"),
            ("o", "gate", "sigmoid"), ("c", "state", ""), ("h", "state", ""),
        ]  # fmt: skip
        weight = {n: p.detach().numpy() for n, p in stack.named_parameters() if n.endswith(f"l{k}")}
        W, R = (
            dict(zip("ifgo", weight[f"weight_{side}_l{k}"].reshape(4, HIDDEN, -1), strict=True))
            for side in ("ih", "hh")
        )
        bias = weight[f"bias_ih_l{k}"] + weight[f"bias_hh_l{k}"]
        b = dict(zip("ifgo", bias.reshape(4, HIDDEN), strict=True))
        zero, found = np.zeros(HIDDEN), tensors(layer)
        for row in range(BATCH):
            h, c = oracle.lstm(seen[:, row], zero, zero, W, R, b)
            before = np.vstack([zero, h[:-1]])
            net = {gate: seen[:, row] @ W[gate].T + before @ R[gate].T + b[gate] for gate in "ifgo"}
            truth = {
                gate: np.tanh(net[gate]) if gate == "g" else oracle.sigmoid(net[gate]) for gate in "ifgo"
            }
            for name, value in {**truth, "h": h, "c": c}.items():
                assert_allclose(found[name][:, row], value, **CLOSE)
        seen = found["h"].numpy()


@pytest.mark.parametrize("cell", list(catalogue.CATALOGUE))
@pytest.mark.parametrize("lengths", [None, [3, STEPS, 0]])
def test_states_are_those_of_the_kernels(cell: str, lengths: list[int] | None) -> None:
    """Two layers, both directions: the second layer reads what the first one gave."""
    torch.manual_seed(0)
    proj_size = PROJECTED if "P" in catalogue.get(cell).letters else 0
    stack = nn.Recurrent(
        cell, INPUTS, HIDDEN, 2, bidirectional=True, proj_size=proj_size, dtype=torch.float64
    )
    x, hx = draw(STEPS, BATCH, INPUTS), None
    if lengths:
        x[3:, 0], x[:, 2] = torch.nan, torch.nan
    if stack.cell.states:
        hx = [draw(4, BATCH, width) for width in stack.layers[0].widths]
    output, _, histories = stack(x, hx, lengths=lengths, return_states=True)
    found = values(stack, x, hx, lengths)
    assert [layer.name for layer in found] == ["layer 1 →", "layer 1 ←", "layer 2 →", "layer 2 ←"]
    states = [direction for history in histories for direction in history]
    for layer, truth in zip(found, states, strict=True):
        for state, tensor in zip(stack.cell.states, truth, strict=True):
            assert_allclose(tensors(layer)[state], tensor.detach(), **CLOSE)
        for value in layer.values:
            assert value.tensor.shape[:2] == (STEPS, BATCH)
            if lengths and value.kind != "state":
                assert not value.tensor[3:, 0].any() and not value.tensor[:, 2].any()
    top = torch.cat([tensors(layer)[stack.cell.output] for layer in found[2:]], -1)
    valid = torch.ones(STEPS, BATCH, dtype=torch.bool) if found[0].valid is None else found[0].valid
    assert valid.sum() == (sum(lengths) if lengths else STEPS * BATCH)
    assert_allclose(top[valid], output.detach()[valid], **CLOSE)


def test_any_form_of_input_gives_time_first() -> None:
    x = draw(STEPS, BATCH, INPUTS)
    stack = nn.GRU(INPUTS, HIDDEN, batch_first=True, dtype=torch.float64)
    (layer,) = values(stack, x.transpose(0, 1))
    (single,) = values(stack, x[:, 0])
    (packed,) = values(stack, pack_sequence([x[:, 0], x[:3, 1]]))
    for name, whole in tensors(layer).items():
        assert whole.shape == (STEPS, BATCH, HIDDEN)
        assert_allclose(tensors(single)[name], whole[:, :1], **CLOSE)
        assert_allclose(tensors(packed)[name][:3], whole[:3, :2], **CLOSE)
    assert packed.valid is not None and packed.valid.sum(0).tolist() == [STEPS, 3]


def test_a_cell_of_ones_own_and_its_kinds() -> None:
    equations = """
    u = sigmoid(W_u @ x)
    v = 1 - u
    m = mean(u)
    h = sigmoid(R_h @ h_prev + v * m)
    """
    stack = nn.Recurrent(Cell.define("mine", equations, states="h"), INPUTS, HIDDEN, dtype=torch.float64)
    (layer,) = values(stack, draw(STEPS, BATCH, INPUTS))
    kinds = {value.name: (value.kind, value.function) for value in layer.values}
    assert kinds == {
        "u": ("gate", "sigmoid"), "v": ("other", ""), "m": ("other", ""), "h": ("state", "sigmoid")
    }  # fmt: skip
    found = tensors(layer)
    assert_allclose(found["m"], found["u"].mean(-1, keepdim=True), **CLOSE)
    assert_allclose(found["v"], 1 - found["u"], **CLOSE)


def test_a_gate_can_be_differentiated_by_the_input_as_torch_does() -> None:
    theirs = torch.nn.GRUCell(INPUTS, HIDDEN, dtype=torch.float64)
    stack = nn.GRU(INPUTS, HIDDEN, dtype=torch.float64)
    stack.load_state_dict({f"{name}_l0": value for name, value in theirs.state_dict().items()})
    x = draw(STEPS, 1, INPUTS).requires_grad_()
    z = tensors(values(stack, x)[0])["z"]
    (found,) = torch.autograd.grad(z[-1].sum(), x)

    h = torch.zeros(1, HIDDEN, dtype=torch.float64)
    for step in x[:-1]:
        h = theirs(step, h)
    net = x[-1] @ theirs.weight_ih.T + h @ theirs.weight_hh.T + theirs.bias_ih + theirs.bias_hh
    (truth,) = torch.autograd.grad(torch.sigmoid(net[:, HIDDEN : 2 * HIDDEN]).sum(), x)
    # A sum of HIDDEN gradients, each handed through STEPS steps.
    assert_allclose(found, truth, rtol=0, atol=float(EPS * 10 * STEPS * HIDDEN * (INPUTS + HIDDEN)))


def test_no_graph_unless_the_input_asks_for_it() -> None:
    stack = nn.GRU(INPUTS, HIDDEN)
    x = torch.randn(STEPS, BATCH, INPUTS)
    assert not any(value.tensor.requires_grad for value in values(stack, x)[0].values)
    with torch.no_grad():
        seen = values(stack, x.requires_grad_())
    assert not any(value.tensor.requires_grad for value in seen[0].values)


def test_the_stack_is_left_as_it_was() -> None:
    stack = nn.LSTM(INPUTS, HIDDEN, 2, dropout=0.5).train()
    weights = {name: p.clone() for name, p in stack.named_parameters()}
    x, random_state = torch.randn(STEPS, BATCH, INPUTS), torch.random.get_rng_state()
    first, again = values(stack, x), values(stack, x)
    assert torch.equal(first[1].values[0].tensor, again[1].values[0].tensor)  # without dropout
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert stack.training
    assert all(p.grad is None and torch.equal(p, weights[name]) for name, p in stack.named_parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_values_come_in_the_dtype_of_the_input(dtype: torch.dtype) -> None:
    stack = nn.LSTM(INPUTS, HIDDEN, 2, dtype=dtype)
    x = torch.randn(STEPS, BATCH, INPUTS, dtype=dtype)
    found = tensors(values(stack, x)[1])["h"]
    assert found.dtype == dtype
    assert_allclose(found.float(), stack(x)[0].float().detach(), rtol=0, atol=8 * torch.finfo(dtype).eps)


def test_sums_of_the_normal_form_on_request() -> None:
    stack = nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    zero = (torch.zeros(BATCH, HIDDEN, dtype=torch.float64),) * 2
    found = stack.layers[0].values(stack, draw(STEPS, BATCH, INPUTS), zero, ("net_f", "f", "tanh_c", "c"))
    assert list(found) == ["net_f", "f", "tanh_c", "c"]
    assert_allclose(found["f"].detach(), oracle.sigmoid(found["net_f"].detach().numpy()), **CLOSE)
    assert_allclose(found["tanh_c"].detach(), found["c"].detach().tanh(), **CLOSE)


def test_a_name_that_the_cell_does_not_have_is_refused() -> None:
    cell = catalogue.get("gru")
    with pytest.raises(InputError, match=r"its values are net_r, r, .*, got q"):
        named_values(cell, draw(STEPS, BATCH, INPUTS), (), (), ("r", "q"))
