"""A graph of ONNX under construction, and the one door to the package `onnx`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from torch import Tensor

from bptt.errors import InputError
from bptt.graphs.operator_sets import DEFAULT_OPSET, OLDEST_OPSET
from bptt.version import __version__

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    onnx = None

# The axes of ReduceMax and ReduceMean are an attribute before this operator set, an input from it on.
_AXES_AS_INPUT = 18
# Constants up to this number of bytes are looked up by value, so that each is stored once.
_SMALL = 64

# The types of values: float32, int64, int32, bool.
FLOAT, INT, INT32, BOOL = "FLOAT", "INT64", "INT32", "BOOL"
# A dimension: a number, or the name of one that varies from call to call.
Shape = Sequence[int | str]


def check_onnx(opset: int) -> None:
    """Raise InputError if the package `onnx` is not installed or does not have the operator set `opset`."""
    if onnx is None:
        cure = "Install it: pip install 'bptt[onnx]'"
        raise InputError("export", "writing ONNX needs onnx", "no such package", cure)
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise InputError("opset", f"is from {OLDEST_OPSET} to {newest}, the newest of onnx here", opset)


@dataclass
class _Names:
    """State shared by a graph and the bodies of its loops: the counter of names, constants, the opset."""

    opset: int
    count: int = 0
    constants: dict[str, Any] = field(default_factory=dict)
    known: dict[tuple[Any, ...], str] = field(default_factory=dict)


class OnnxGraph:
    """Nodes, inputs and outputs in order; a value is known by its name."""

    def __init__(self, opset: int = DEFAULT_OPSET, names: _Names | None = None) -> None:
        self._names = names or _Names(opset)
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def body(self) -> OnnxGraph:
        """Return an empty graph for the body of a loop; it may read every value of this one."""
        return OnnxGraph(names=self._names)

    def fresh(self, hint: str) -> str:
        """Return a name that no other value has."""
        self._names.count += 1
        return f"{hint}_{self._names.count}"

    def constant(self, value: Any, hint: str = "constant", kind: type = numpy.float32) -> str:
        """Return the name of a constant: a tensor, an array, a number or a list, stored as float32 by
        default.
        """
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        array = numpy.ascontiguousarray(numpy.asarray(value, kind).reshape(numpy.shape(value)))
        key = (array.dtype.str, array.shape, array.tobytes()) if array.nbytes <= _SMALL else None
        if key in self._names.known:
            return self._names.known[key]
        name = self.fresh(hint)
        self._names.constants[name] = array
        if key is not None:
            self._names.known[key] = name
        return name

    def integers(self, *values: int) -> str:
        """Return the name of a constant list of int64."""
        return self.constant(list(values), "sizes", numpy.int64)

    def integer(self, value: int) -> str:
        """Return the name of a constant int64."""
        return self.constant(value, "number", numpy.int64)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output and return that; the input "" is one that is left out."""
        return self.ops(kind, inputs, 1, **attributes)[0]

    def ops(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Append a node and return its outputs."""
        names = [self.fresh(kind.lower()) for _ in range(outputs)]
        given = {key: _attribute(value) for key, value in attributes.items()}
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], **given))
        return names

    def input(self, name: str, kind: str, shape: Shape | None) -> str:
        """Add an input to the graph and return its name."""
        self._inputs.append(helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape))
        return name

    def output(self, name: str, value: str, kind: str, shape: Shape | None) -> None:
        """Add an output to the graph: a value under a name of its own."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape))

    def cast(self, value: str, kind: str) -> str:
        """Convert a value to another type."""
        return self.op("Cast", value, to=getattr(TensorProto, kind))

    def size(self, value: str, axis: int) -> str:
        """Return the length of an axis, (1,) int64."""
        return self.op("Gather", self.op("Shape", value), self.integers(axis), axis=0)

    def sizes(self, *parts: str | int) -> str:
        """Return a shape made of numbers and of values (1,)."""
        each = [self.integers(part) if isinstance(part, int) else part for part in parts]
        return self.op("Concat", *each, axis=0)

    def zeros(self, *parts: str | int) -> str:
        """Return zeros of a shape made of numbers and of values (1,)."""
        shape = self.sizes(*parts)
        tensor = numpy_helper.from_array(numpy.zeros(1, numpy.float32))
        return self.op("ConstantOfShape", shape, value=tensor)

    def cut(self, value: str, axis: int, start: int, end: int) -> str:
        """Return `start` to `end` along an axis."""
        limits = (self.integers(start), self.integers(end), self.integers(axis))
        return self.op("Slice", value, *limits)

    def squeeze(self, value: str, axis: int) -> str:
        """Remove an axis of length 1."""
        return self.op("Squeeze", value, self.integers(axis))

    def unsqueeze(self, value: str, axis: int) -> str:
        """Insert an axis of length 1."""
        return self.op("Unsqueeze", value, self.integers(axis))

    def concat(self, values: Sequence[str], axis: int) -> str:
        """Join values along an axis."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)

    def split(self, value: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Cut a value into parts of these lengths along an axis."""
        if len(sizes) == 1:
            return [value]
        return self.ops("Split", [value, self.integers(*sizes)], len(sizes), axis=axis)

    def reduce(self, kind: str, value: str, axis: int, keep: bool = False) -> str:
        """Return the ReduceSum, ReduceMean or ReduceMax along an axis."""
        if kind != "ReduceSum" and self._names.opset < _AXES_AS_INPUT:
            return self.op(kind, value, axes=[axis], keepdims=int(keep))
        return self.op(kind, value, self.integers(axis), keepdims=int(keep))

    def linear(self, value: str, weight: Tensor, bias: Tensor | None, hint: str) -> str:
        """Return `value @ weight.T + bias` for values (..., columns)."""
        found = self.op("MatMul", value, self.constant(weight.detach().t(), f"{hint}_weight"))
        return found if bias is None else self.op("Add", found, self.constant(bias, f"{hint}_bias"))

    def scan(self, body: OnnxGraph, states: Sequence[str], read: Sequence[str], reverse: bool) -> list[str]:
        """Append a Scan over the first axis of the values in `read`, and return its outputs.

        The body has the states and one step of each value as inputs; the new states, and values that are
        collected step by step, as outputs.
        """
        collected = len(body._outputs) - len(states)
        directions = {"scan_input_directions": [int(reverse)] * len(read)}
        if collected:
            directions["scan_output_directions"] = [int(reverse)] * collected
        graph = helper.make_graph(body._nodes, self.fresh("body"), body._inputs, body._outputs)
        return self.ops(
            "Scan", [*states, *read], len(body._outputs), body=graph, num_scan_inputs=len(read), **directions
        )

    def model(self, name: str, facts: Mapping[str, str]) -> bytes:
        """Return the finished model as the bytes of its file; `facts` are its metadata.

        Raises InputError if it is larger than the 2 GiB that one file may have.
        """
        constants = [numpy_helper.from_array(array, key) for key, array in self._names.constants.items()]
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, constants)
        opset = self._names.opset
        imports = [helper.make_opsetid("", opset)]
        model = helper.make_model(
            graph,
            opset_imports=imports,
            ir_version=helper.find_min_ir_version_for(imports),
            producer_name="bptt",
            producer_version=__version__,
        )
        helper.set_model_props(model, {**facts, "bptt_version": __version__})
        try:
            written: bytes = model.SerializeToString()
        except ValueError as error:
            rule = "a model that fits into one file of ONNX has less than 2 GiB of weights"
            raise InputError(name, rule, error) from error
        onnx.checker.check_model(written)
        return written


def _attribute(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
