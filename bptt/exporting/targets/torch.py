"""torch: recurrent layers for programs without this package, as modules of torch.nn or as plain source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from bptt.exporting.options import ExportOptions
from bptt.exporting.plain.torch_modules import torch_layers
from bptt.exporting.plain.torch_source import stack_source
from bptt.exporting.target import Target
from bptt.jobs.loading import load
from bptt.nn.stack import Stack

# The weights of the whole model, by their names in it.
MODEL = "model.safetensors"


def _of_run(run: Path, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    options.refuse_others("torch")
    model = load(run).model
    files = {MODEL: _packed(model.state_dict())}
    for name, module in model.named_modules():
        if isinstance(module, Stack):
            # The name of a module may have dots, which that of a file of Python may not.
            own = name.replace(".", "_")
            files |= {own + end: data for end, data in _of_module(module, options)[0].items()}
    return files, {}


def _of_module(stack: Stack, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    options.refuse_others("torch")
    found = torch_layers(stack)
    if found is not None:
        source, tensors = found
    else:
        source = stack_source(stack)
        tensors = {
            name + layer.suffix: value
            for layer in stack.layers
            for name, value in layer.members(stack).items()
        }
    return {".py": source.encode(), ".safetensors": _packed(tensors)}, {}


def _packed(tensors: Mapping[str, Tensor]) -> bytes:
    return save({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()})


TARGET = Target("torch", _of_run, _of_module)
