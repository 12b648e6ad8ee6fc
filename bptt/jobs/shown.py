"""The `repr` of trained models: job, cell, sizes and number of parameters."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from bptt.cells.load import Cells, names_of
from bptt.models.options import StackOptions


def show_trained(
    trained: object,
    job: str,
    model: nn.Module,
    cell: Cells | None,
    options: StackOptions,
    facts: Mapping[str, object],
) -> str:
    """Return the text of `repr(trained)`; `cell` is None for a model without recurrence."""
    sizes: dict[str, object] = {"job": job}
    if cell is not None:
        sizes |= {
            "cell": names_of(cell),
            "num_layers": options.num_layers,
            "hidden_size": options.hidden_size,
        }
    sizes |= {**facts, "parameters": sum(parameter.numel() for parameter in model.parameters())}
    inside = ", ".join(f"{name}={value!r}" for name, value in sizes.items())
    return f"{type(trained).__name__}({inside})"
