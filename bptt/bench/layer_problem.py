"""The work of one layer, the same for all who take part, drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt

import torch
from torch import Tensor, nn

from bptt.bench.cases import Case
from bptt.bench.contender import Contender
from bptt.cells import catalogue
from bptt.cells.cell import Cell
from bptt.nn.parameters import Names

_SEED = 20


@dataclass(frozen=True)
class LayerProblem:
    """A cell, its stacked parameters by family, an input (T, B, I); in training the gradient (T, B, H)
    that comes back from above; `lengths` (B,) if the sequences are of unequal length.
    """

    cell: Cell
    x: Tensor
    parameters: Mapping[str, Tensor]
    gradient: Tensor | None
    lengths: Tensor | None

    @property
    def sizes(self) -> tuple[int, int]:
        """I and H."""
        return self.x.shape[2], self.parameters["R"].shape[1]

    @property
    def flops(self) -> float:
        """Floating-point operations of the matrix products: forward, and twice as many backward."""
        inputs, hidden = self.sizes
        widths = {"I": inputs, "H": hidden}
        steps = self.x.shape[0] * self.x.shape[1] if self.lengths is None else int(self.lengths.sum())
        weights = sum(prod(widths[letter] for letter in pair) for pair in self.cell.matrices.values())
        return 2.0 * steps * weights * (1 if self.gradient is None else 3)


def draw(case: Case) -> LayerProblem:
    """Draw the problem of a case, always the same. Parameters are uniform within ±1/√H, gains one."""
    generator = torch.Generator().manual_seed(_SEED)
    steps, batch, inputs, hidden = case.shape
    cell, bound = catalogue.get(case.name), 1 / sqrt(hidden)

    def parameter(shape: tuple[int, ...], centre: float) -> Tensor:
        return (torch.rand(shape, generator=generator) * 2 - 1) * bound + centre

    widths = {"I": inputs, "H": hidden}
    parameters = {f.name: parameter(f.shape(widths), cell.init.get(f.name, 0.0)) for f in cell.families}
    lengths = None
    if case.kind == "ragged":
        lengths = torch.randint(1, steps + 1, (batch,), generator=generator)
        lengths[batch // 2] = steps
    x = torch.randn(steps, batch, inputs, generator=generator)
    gradient = torch.randn(steps, batch, hidden, generator=generator) if case.training else None
    return LayerProblem(cell, x, parameters, gradient, lengths)


class TorchContender(Contender):
    """A layer that runs under torch's autograd, in the middle of a stack: its input wants a gradient.

    `parameters` are the leaves by family; `others` are further leaves, without a name to compare.
    """

    def __init__(
        self,
        name: str,
        problem: LayerProblem,
        run: Callable[[Tensor], Tensor],
        parameters: Mapping[str, Tensor],
        others: Sequence[Tensor] = (),
    ) -> None:
        self.name, self._run, self._gradient = name, run, problem.gradient
        training = problem.gradient is not None
        self._leaves = {"input": problem.x.clone().requires_grad_(training), **parameters}
        self._weights = [*parameters.values(), *others]

    def before_step(self) -> None:
        """Change the weights as an optimiser's step does, though not in value: no packed copy is valid."""
        if self._gradient is not None:
            with torch.no_grad():
                for weight in self._weights:
                    weight.mul_(1.0)

    def step(self) -> Tensor:
        """Return the output; in training, compute fresh gradients too."""
        x = self._leaves["input"]
        if self._gradient is None:
            with torch.no_grad():
                return self._run(x)
        for leaf in (x, *self._weights):
            leaf.grad = None
        output = self._run(x)
        output.backward(self._gradient)  # type: ignore[no-untyped-call]
        return output

    def numbers(self) -> Mapping[str, Tensor]:
        """Return the output, and in training the gradients of the input and of every family."""
        found = {"output": self.step().detach()}
        if self._gradient is not None:
            gradients = {name: leaf.grad for name, leaf in self._leaves.items()}
            found |= {f"gradient of {name}": g for name, g in gradients.items() if g is not None}
        return found


def first_layer(names: Names) -> Names:
    """Return the names of parameters as they are in the first layer of a stack."""
    return {family: tuple(f"{part}_l0" for part in parts) for family, parts in names.items()}


def module_contender(
    name: str, problem: LayerProblem, module: nn.Module, run: Callable[[Tensor], Tensor], names: Names
) -> TorchContender:
    """Return a module whose parameter `names` of each family sum up to it: the first gets the value."""
    first, others = {}, []
    with torch.no_grad():
        for family, (leading, *following) in names.items():
            first[family] = module.get_parameter(leading).copy_(problem.parameters[family])
            others += [module.get_parameter(name).zero_() for name in following]
    return TorchContender(name, problem, run, first, others)
