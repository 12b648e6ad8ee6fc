"""Where a named value is while a pass runs: in a variable, in memory, or among the parameters."""

from __future__ import annotations

from bptt.cells.language import PREVIOUS
from bptt.codegen.items import GRADIENT
from bptt.codegen.kernel import Kernel
from bptt.codegen.passes import SCALAR
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT

_MARKS = str.maketrans("⁰¹", "01")


def identifier(name: str) -> str:
    """A C++ name for a value, another one for every name."""
    # The author's names are ASCII or not, end in digits or not: marks go in front, where no name begins.
    kind, text = ("d", name.removeprefix(DELTA)) if name.startswith(DELTA) else ("v", name)
    stem = text.rstrip("⁰¹")
    marks = text[len(stem) :].translate(_MARKS)
    if not stem.isascii():
        kind, stem = kind + "u", "".join(c if c.isascii() and c != "u" else f"u{ord(c):x}_" for c in stem)
    return f"{kind}{marks}_{stem}"


class Places:
    """The places of all values in one direction."""

    def __init__(self, kernel: Kernel, forward: bool) -> None:
        self._kernel, self._forward = kernel, forward
        self._scratch = kernel.forward_scratch if forward else kernel.backward_scratch

    def load(self, name: str) -> str:
        """The text that reads a value which the pass has not computed itself."""
        if name in self._kernel.plan.cell.vectors:
            return self.vector(name)
        if self._kernel.widths[name] == SCALAR:
            return f"broadcast(*{self.at(name)})"
        return f"load({self.at(name)} + j, lanes)"

    def vector(self, name: str) -> str:
        """The text that reads a vector parameter or a constant."""
        cell = self._kernel.plan.cell
        if name in cell.constants:
            return self.named(name)
        at = f"a.vector[{tuple(cell.vectors).index(name)}]"
        return f"broadcast(*{at})" if cell.vectors[name] == SCALAR else f"load({at} + j, lanes)"

    def named(self, name: str) -> str:
        """The variable of a value, or the number of a constant."""
        constants = self._kernel.plan.cell.constants
        return f"broadcast(real({float(constants[name])!r}))" if name in constants else identifier(name)

    def at(self, name: str) -> str:
        """The address of a value in row r."""
        return f"block.at[{self.place(name)}][r]"

    def place(self, name: str) -> str:
        """The place in Block::at of a value that the pass has not computed itself."""
        kernel, cell = self._kernel, self._kernel.plan.cell
        public = (*cell.states, *kernel.outputs)
        gradient = name.removeprefix(GRADIENT)
        state = name.removesuffix(PREVIOUS)
        if name in cell.inputs:
            return "Shape::X"
        if name in self._scratch:
            return f"Shape::SCRATCH_AT + {self._scratch.index(name)}"
        if name.startswith(FROM_LOSS):
            return f"Shape::LOSS + {public.index(name.removeprefix(FROM_LOSS))}"
        if name.startswith(FROM_NEXT):
            return f"Shape::NEXT + {cell.states.index(name.removeprefix(FROM_NEXT))}"
        if name.startswith(GRADIENT) and gradient in cell.vectors:
            return f"Shape::SUM_AT + {tuple(cell.vectors).index(gradient)}"
        if state != name and state in cell.states:
            return f"Shape::PREVIOUS + {cell.states.index(state)}"
        if state != name and state.removeprefix(DELTA) in cell.states:
            return f"Shape::NEXT + {cell.states.index(state.removeprefix(DELTA))}"
        if name in cell.states:
            return f"Shape::STATE + {cell.states.index(name)}"
        if name in kernel.outputs and self._forward:
            return "Shape::OUTPUT"
        if name == DELTA + cell.inputs[0]:
            return "Shape::INPUT"
        if not self._forward and name in kernel.deltas:
            return f"Shape::DELTA + {kernel.deltas.index(name)}"
        return f"Shape::KEPT_AT + {kernel.plan.storage.kept.index(name)}"

    def stores(self, name: str) -> list[str]:
        """The places that a value is written to when it is computed."""
        kernel, cell = self._kernel, self._kernel.plan.cell
        if self._forward:
            public = {*cell.states, *kernel.outputs}
            places = [self.place(name)] if name in public or name in self._scratch else []
            if name in kernel.plan.storage.kept:
                places.append(f"Shape::KEPT_AT + {kernel.plan.storage.kept.index(name)}")
            return places
        carried = {DELTA + s + PREVIOUS for s in cell.states} | {DELTA + cell.inputs[0]}
        return [self.place(name)] if name in {*kernel.deltas, *carried, *self._scratch} else []
