"""onnxruntime: its recurrent operators, which know inference only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.bench.contender import Contender
from bptt.bench.contender_names import ONNXRUNTIME
from bptt.bench.layer_problem import LayerProblem

try:
    import onnxruntime
    from onnx import TensorProto, helper
except ImportError:
    INSTALLED = False
else:
    INSTALLED = True

_OPSET, _FORMAT = 14, 8


@dataclass(frozen=True)
class _Operator:
    """An operator of ONNX, the order of its gates, that of its peepholes, and a GRU's reset gate."""

    kind: str
    gates: str
    peepholes: str = ""
    attributes: tuple[tuple[str, int], ...] = ()


_OPERATORS = {
    "lstm": _Operator("LSTM", "iofg"),
    "lstm-peephole": _Operator("LSTM", "iofg", "iof"),
    "elman-tanh": _Operator("RNN", "h"),
    "gru-torch": _Operator("GRU", "zrn", attributes=(("linear_before_reset", 1),)),
    "gru": _Operator("GRU", "zrn", attributes=(("linear_before_reset", 0),)),
}


def make(problem: LayerProblem) -> Contender | None:
    """Return the operator as a model, or None in training and for a cell that ONNX does not have."""
    if problem.gradient is not None or problem.cell.name not in _OPERATORS:
        return None
    return OnnxLayer(problem, _OPERATORS[problem.cell.name])


class OnnxLayer(Contender):
    """A session on as many threads as torch has; the weights are constants of its model."""

    name = ONNXRUNTIME

    def __init__(self, problem: LayerProblem, operator: _Operator) -> None:
        bias = _reordered(problem, "b", operator.gates)
        apart = "d" in problem.parameters
        second = _reordered(problem, "d", operator.gates) if apart else torch.zeros_like(bias)
        weights = {
            "W": _reordered(problem, "W", operator.gates),
            "R": _reordered(problem, "R", operator.gates),
            "B": torch.cat([bias, second], 1),
        }
        if operator.peepholes:
            weights["P"] = _reordered(problem, "p", operator.peepholes)
        self._input = {"X": problem.x.numpy()}
        self._session = _session(operator, problem, weights)

    def step(self) -> object:
        """Run the session."""
        return self._session.run(None, self._input)

    def numbers(self) -> Mapping[str, Tensor]:
        """Return the output; ONNX puts the direction between T and B."""
        (output,) = self._session.run(None, self._input)
        return {"output": torch.from_numpy(output)[:, 0]}


def _reordered(problem: LayerProblem, family: str, order: str) -> Tensor:
    """Return the blocks of a family in the order of ONNX, with its leading dimension of directions."""
    members = next(f.members for f in problem.cell.families if f.name == family)
    blocks = dict(zip(members, problem.parameters[family].chunk(len(members)), strict=True))
    return torch.cat([blocks[f"{family}_{gate}"] for gate in order])[None]


def _session(
    operator: _Operator, problem: LayerProblem, weights: Mapping[str, Tensor]
) -> onnxruntime.InferenceSession:
    places = ["X", "W", "R", "B", "", "", "", "P"] if operator.peepholes else ["X", "W", "R", "B"]
    attributes = {"hidden_size": problem.sizes[1], **dict(operator.attributes)}
    node = helper.make_node(operator.kind, places, ["Y"], **attributes)
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.numpy().tobytes(), raw=True)
        for name, value in weights.items()
    ]
    graph = helper.make_graph(
        [node],
        problem.cell.name,
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, problem.x.shape)],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_FORMAT)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
