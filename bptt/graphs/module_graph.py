"""A recurrent module as a model of ONNX: input, lengths and states in, output and states out."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bptt.graphs.equations_text import equations_text
from bptt.graphs.onnx_graph import FLOAT, INT, OnnxGraph
from bptt.graphs.recurrent_graph import (
    join_states,
    padding,
    read_states,
    state_shapes,
    write_stack,
)
from bptt.graphs.written import GraphExample, WrittenGraphs
from bptt.nn.stack import Stack

FILE = "module.onnx"
# Steps and rows of the inputs that a module is compared on.
_CHECKED = ((1, 1), (7, 3), (25, 2))


def module_graphs(stack: Stack, opset: int) -> WrittenGraphs:
    """Return the model of a module in evaluation mode.

    Its inputs are `input`, as the module takes it, `lengths` (B,) int64, and each tensor of the initial
    states; its outputs `output` and each of the final states, as `final_h`.
    """
    graph = OnnxGraph(opset)
    leading = ("batch", "time") if stack.batch_first else ("time", "batch")
    x = graph.input("input", FLOAT, (*leading, stack.input_size))
    lengths = graph.input("lengths", INT, ("batch",))
    states = [graph.input(name, FLOAT, shape) for name, shape in state_shapes(stack).items()]
    if stack.batch_first:
        x = graph.op("Transpose", x, perm=[1, 0, 2])
    output, final = write_stack(
        graph, stack, x, padding(graph, x, lengths), read_states(graph, stack, states)
    )
    if stack.batch_first:
        output = graph.op("Transpose", output, perm=[1, 0, 2])
    graph.output("output", output, FLOAT, (*leading, stack.num_directions * stack.output_size))
    shapes = state_shapes(stack).items()
    for (name, shape), value in zip(shapes, join_states(graph, stack, final), strict=True):
        graph.output(f"final_{name}", value, FLOAT, shape)
    data = graph.model(stack.cell_name, {"equations": equations_text(stack.cells)})
    return WrittenGraphs({FILE: data}, lambda: _examples(stack))


def _examples(stack: Stack) -> Iterator[GraphExample]:
    generator = torch.Generator().manual_seed(0)
    dtype = next(stack.parameters()).dtype
    for steps, rows in _CHECKED:
        x = torch.randn(steps, rows, stack.input_size, generator=generator)
        lengths = torch.randint(steps + 1, (rows,), generator=generator)
        lengths[0] = steps
        given = [
            torch.randn(len(each.rows), rows, each.width, generator=generator)
            for each in stack.state_form.tensors
        ]
        x = x.transpose(0, 1) if stack.batch_first else x
        cast = tuple(each.to(dtype) for each in given)
        output, final = stack(x.to(dtype), stack.hand_over(cast), lengths=lengths)
        finals = (final,) if isinstance(final, Tensor) else final
        names = [each.name for each in stack.state_form.tensors]
        yield GraphExample(
            FILE,
            {
                "input": x.contiguous().numpy(),
                "lengths": lengths.numpy(),
                **{name: each.numpy() for name, each in zip(names, given, strict=True)},
            },
            {
                "output": output.float().numpy(),
                **{f"final_{n}": each.float().numpy() for n, each in zip(names, finals, strict=True)},
            },
        )
