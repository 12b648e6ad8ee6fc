"""A whole network in torch, from the text of its equations alone: the truth for losses and gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bptt.cells import Cell
from bptt.derive.network import Loss, Network
from bptt.derive.network_pass import NetworkExample

Tensors = dict[str, dict[str, Tensor]]
FUNCTIONS = {name: getattr(torch, name) for name in ("sigmoid", "tanh", "relu", "rsqrt", "mean")}
FUNCTIONS["softplus"] = torch.nn.functional.softplus


def tensors(parameters: Mapping[str, Mapping[str, Any]]) -> Tensors:
    """Copy parameters into tensors that require gradients."""
    return {
        place: {
            name: torch.tensor(array, dtype=torch.float64, requires_grad=True)
            for name, array in names.items()
        }
        for place, names in parameters.items()
    }


def loss_of(network: Network, parameters: Tensors, example: NetworkExample) -> Tensor:
    """Compute E by evaluating the text of each equation as Python, over torch's own functions."""
    sequence = [torch.tensor(x, dtype=torch.float64) for x in example.inputs]
    if network.embedding:
        sequence = [one_hot @ parameters["embedding"]["M"] for one_hot in sequence]
    for number, cell in enumerate(network.layers, 1):
        state = {f"{s}_prev": _zero(parameters[str(number)], s, cell) for s in cell.states}
        handed_on = []
        for x in sequence:
            names: dict[str, Any] = {
                **FUNCTIONS,
                **cell.constants,
                **parameters[str(number)],
                **state,
                "x": x,
            }
            for equation in cell.equations:
                exec(equation.text, names)
            handed_on.append(names[cell.output])
            state = {f"{s}_prev": names[s] for s in cell.states}
        sequence = handed_on
    if network.output_layer:
        own = parameters["output"]
        sequence = [own["V"] @ s + own.get("b", torch.zeros(())) for s in sequence]
    targets = [torch.tensor(t, dtype=torch.float64) for t in example.targets]
    return torch.stack([_loss(network.loss, o, t) for o, t in zip(sequence, targets, strict=True)]).sum()


def _zero(parameters: dict[str, Tensor], state: str, cell: Cell) -> Tensor:
    letter = cell.width(state)
    rows = [parameters[m].shape[0] for m, (r, _) in cell.matrices.items() if r == letter]
    return torch.zeros(rows[0], dtype=torch.float64)


def _loss(loss: Loss | None, net: Tensor, target: Tensor) -> Tensor:
    if loss is Loss.SOFTMAX:
        return functional.cross_entropy(net, target.argmax())
    if loss is Loss.LOGISTIC:
        return functional.binary_cross_entropy_with_logits(net, target, reduction="sum")
    return (net - target).square().sum() / 2
