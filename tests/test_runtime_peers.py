"""The recurrence against operators of others: torch's layers, and onnxruntime's LSTM and GRU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
import pytest
import tolerances
import torch
from drawn import SIZES, Drawn, draw
from onnx import TensorProto, helper
from torch import Tensor, nn

from bptt.cells import CATALOGUE

T, B = 7, 3

# ---- torch: outputs, states and the gradients of all arguments

TORCH = {
    "elman-tanh": lambda i, h: nn.RNN(i, h),
    "elman-relu": lambda i, h: nn.RNN(i, h, nonlinearity="relu"),
    "lstm": nn.LSTM,
    "gru-torch": nn.GRU,
}


def same_weights(drawn: Drawn) -> nn.RNNBase:
    """torch's layer with these weights; a bias that the cell does not have is zero."""
    named = drawn.named()
    layer = TORCH[drawn.cell.name](SIZES["I"], SIZES["H"]).double()
    with torch.no_grad():
        layer.weight_ih_l0.copy_(named["W"])
        layer.weight_hh_l0.copy_(named["R"])
        layer.bias_ih_l0.copy_(named["b"])
        layer.bias_hh_l0.copy_(named.get("d", torch.zeros_like(named["b"])))
    return layer


@pytest.mark.parametrize("name", TORCH)
def test_torch_computes_the_same(name: str) -> None:
    drawn = draw(CATALOGUE[name], T, B).leaves()
    layer = same_weights(drawn)
    x, *rest = drawn.tensors
    count = len(drawn.cell.states)
    outputs = drawn.run()
    given = tuple(s[None] for s in rest[:count])
    h, last = layer(x, given if count > 1 else given[0])
    limit = tolerances.sequence(torch.float64, T, *SIZES.values())
    torch.testing.assert_close(outputs[0], h, rtol=0, atol=limit)
    for found, truth in zip(outputs, last if count > 1 else (last,), strict=True):
        torch.testing.assert_close(found[-1], truth[0], rtol=0, atol=limit)
    weight = torch.linspace(-1, 2, h.numel(), dtype=h.dtype).reshape(h.shape)
    found = torch.autograd.grad((weight * outputs[0]).sum(), drawn.tensors)
    names = {"W": "weight_ih_l0", "R": "weight_hh_l0", "b": "bias_ih_l0", "d": "bias_hh_l0"}
    wanted = [x, *rest[:count], *(getattr(layer, names[f.name]) for f in drawn.cell.families)]
    # The loss weighs up to T·B numbers by up to 2 each.
    limit = tolerances.gradient(torch.float64, T, B, *SIZES.values(), magnitude=2.0 * T * B)
    for gradient, truth in zip(found, torch.autograd.grad((weight * h).sum(), wanted), strict=True):
        torch.testing.assert_close(gradient, truth, rtol=0, atol=limit)


# ---- onnxruntime, float32: its gates are i o f c for an LSTM, its peepholes i o f, and z r h for a GRU


def onnx_run(
    kind: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str], **attributes: object
) -> list[np.ndarray]:
    """One operator as a model; an input that is left out stands as "" in its place."""
    order = "X W R B sequence_lens initial_h initial_c P".split()[: 6 if kind == "GRU" else 8]
    names = [name if name in inputs else "" for name in order]
    node = helper.make_node(kind, names, outputs, hidden_size=SIZES["H"], **attributes)
    types = {
        name: TensorProto.INT32 if a.dtype == np.int32 else TensorProto.FLOAT for name, a in inputs.items()
    }
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(name, types[name], a.shape) for name, a in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, dict(inputs)))


def gates(drawn: Drawn, family: str, order: str) -> np.ndarray:
    """The blocks of a family in another order of gates, with ONNX's leading dimension of directions."""
    members = next(f.members for f in drawn.cell.families if f.name == family)
    blocks = dict(zip(members, drawn.named()[family].chunk(len(members)), strict=True))
    return torch.cat([blocks[f"{family}_{gate}"] for gate in order])[None].numpy()


def onnx_inputs(drawn: Drawn, order: str, lengths: Tensor | None) -> dict[str, np.ndarray]:
    bias = gates(drawn, "b", order)
    found = {
        "X": drawn.tensors[0].numpy(),
        "W": gates(drawn, "W", order),
        "R": gates(drawn, "R", order),
        "B": np.concatenate([bias, np.zeros_like(bias)], 1),
        **{
            f"initial_{s}": t[None].numpy()
            for s, t in zip(drawn.cell.states, drawn.tensors[1:], strict=False)
        },
    }
    return found if lengths is None else {**found, "sequence_lens": lengths.numpy().astype(np.int32)}


# onnxruntime's tanh and sigmoid are rational approximations: each counts as four operations.
ONNX_LIMIT = 4 * tolerances.sequence(torch.float32, T, *SIZES.values())


@pytest.mark.parametrize("lengths", [None, torch.tensor([4, 7, 1])])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_onnxruntime_computes_the_same_peephole_lstm(direction: str, lengths: Tensor | None) -> None:
    drawn = draw(CATALOGUE["lstm-peephole"], T, B, dtype=torch.float32)
    inputs = {**onnx_inputs(drawn, "iofg", lengths), "P": gates(drawn, "p", "iof")}
    ys, last_h, last_c = onnx_run("LSTM", inputs, ["Y", "Y_h", "Y_c"], direction=direction)
    compare(drawn, ys, (last_h, last_c), direction, lengths)


@pytest.mark.parametrize("lengths", [None, torch.tensor([4, 7, 1])])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_onnxruntime_computes_the_same_published_gru(direction: str, lengths: Tensor | None) -> None:
    drawn = draw(CATALOGUE["gru"], T, B, dtype=torch.float32)
    inputs = onnx_inputs(drawn, "zrn", lengths)
    ys, last = onnx_run("GRU", inputs, ["Y", "Y_h"], direction=direction, linear_before_reset=0)
    compare(drawn, ys, (last,), direction, lengths)


def compare(
    drawn: Drawn, ys: np.ndarray, last: Sequence[np.ndarray], direction: str, lengths: Tensor | None
) -> None:
    reverse = direction == "reverse"
    found = drawn.run(reverse=reverse, lengths=lengths)
    valid = torch.arange(T)[:, None] < (torch.full((B,), T) if lengths is None else lengths)
    h = torch.where(valid[:, :, None], found[0], 0)
    np.testing.assert_allclose(h.numpy(), ys[:, 0], rtol=0, atol=ONNX_LIMIT)
    for state, truth in zip(found, last, strict=True):
        np.testing.assert_allclose(state[0 if reverse else -1].numpy(), truth[0], rtol=0, atol=ONNX_LIMIT)
