"""A recurrent cell as a value: its equations, and what follows from them by reading alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bptt.cells.expression import (
    Expression,
    MatrixVector,
    Number,
    RowCall,
    Symbol,
    rename,
    symbols,
    to_text,
    walk,
)
from bptt.cells.functions import FUNCTIONS, ROW_FUNCTIONS
from bptt.cells.language import Equation, parse_equations
from bptt.errors import InputError

PREVIOUS = "_prev"


@dataclass(frozen=True)
class Family:
    """Parameters of one shape, stacked: the rows of `members` stand under each other.

    `name` is what precedes the last underscore: `W_i`, `W_f` make the family `W`, whose shape is
    (members * rows, columns), or (members * rows,) for vectors, where `columns` is None.
    """

    name: str
    members: tuple[str, ...]
    rows: str
    columns: str | None

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape for given sizes, e.g. {"I": 64, "H": 256}."""
        rows = len(self.members) * sizes[self.rows]
        return (rows,) if self.columns is None else (rows, sizes[self.columns])

    @property
    def formula(self) -> str:
        """The number of weights as a formula, e.g. "4·H·I"."""
        factors = [str(len(self.members))] if len(self.members) > 1 else []
        return "·".join([*factors, self.rows, *([self.columns] if self.columns else [])])


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: equations in order, and which of their values are carried through time.

    A name in an equation is the input `x`, the target of an earlier equation, the previous value
    `s_prev` of a state `s`, a constant, or a parameter. A parameter is written FAMILY_VALUE, where
    VALUE is the target of an equation of this cell (`W_i`, `b_i`): left of `@` it is a matrix, elsewhere
    a vector. That rule lets a misspelt name be refused. Rows are stacked in the order of the equations.

    Every value has `H` units unless `widths` gives it another letter; a value over a row has one.
    """

    name: str
    equations: tuple[Equation, ...]
    states: tuple[str, ...] = ()
    output: str = ""
    title: str = ""
    source: str = ""
    inputs: tuple[str, ...] = ("x",)
    widths: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    init: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def define(
        cls,
        name: str,
        equations: str,
        *,
        states: str = "",
        output: str = "",
        title: str = "",
        source: str = "",
        inputs: str = "x",
        widths: Mapping[str, str] | None = None,
        constants: Mapping[str, float] | None = None,
        init: Mapping[str, float] | None = None,
    ) -> Cell:
        """Make a cell from text.

        `states` names the values carried through time ("h c"); `output` defaults to the first state,
        or to the last equation of a cell without states. `init` gives the constant with which a
        family of parameters starts (others: uniform within ±1/√H). Raises InputError.
        """
        parsed = parse_equations(f"cell {name!r}", equations)
        if not parsed:
            raise InputError(f"cell {name!r}", "a cell has at least one equation", "none")
        carried = tuple(states.split())
        return cls(
            name=name,
            equations=parsed,
            states=carried,
            output=output or (carried[0] if carried else parsed[-1].target),
            title=title or name,
            source=source,
            inputs=tuple(inputs.split()),
            widths=dict(widths or {}),
            constants=dict(constants or {}),
            init=dict(init or {}),
        )

    def __post_init__(self) -> None:
        _check(self)

    def __hash__(self) -> int:
        return hash((self.name, self.equations, self.states))

    def __str__(self) -> str:
        return "\n".join(equation.text for equation in self.equations)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The values that the equations define, in order."""
        return tuple(equation.target for equation in self.equations)

    @cached_property
    def scalars(self) -> frozenset[str]:
        """Values with one number a row: sums and means over a row, and what is made of them alone."""
        found: set[str] = set()
        for equation in self.equations:
            if is_scalar(equation.expression, found | set(self.constants)):
                found.add(equation.target)
        return frozenset(found)

    def width(self, name: str) -> str:
        """The letter of a value's width: "I" for the input, "1" for a value over a row, else "H"."""
        base = name.removesuffix(PREVIOUS)
        if base in self.scalars:
            return "1"
        return self.widths.get(base, "I" if base in self.inputs else "H")

    @cached_property
    def matrices(self) -> Mapping[str, tuple[str, str]]:
        """Each matrix parameter with the letters of its rows and columns."""
        return _matrices(self)

    @cached_property
    def vectors(self) -> Mapping[str, str]:
        """Each vector parameter with the letter of its width."""
        return _vectors(self)

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The stacked parameters, in the order in which the equations name them."""
        return _families(self)

    @property
    def letters(self) -> tuple[str, ...]:
        """The size letters in use, sorted."""
        widths = {self.width(n) for n in (*self.inputs, *self.targets)}
        return tuple(sorted(widths - {"1"}))

    def without(self, *families: str) -> Cell:
        """The same cell with vector families left out (as zero): how `bias=False` is made."""
        zero = {v: Number(0) for v in self.vectors if v.rpartition("_")[0] in families}
        changed = [(e.target, rename(e.expression, dict(zero))) for e in self.equations]
        return replace(self, equations=tuple(Equation(t, x, f"{t} = {to_text(x)}") for t, x in changed))

    def count(self, sizes: Mapping[str, int]) -> int:
        """The number of weights for given sizes."""
        return sum(math.prod(family.shape(sizes)) for family in self.families)

    def to_dict(self) -> dict[str, Any]:
        """The cell as plain data for a run folder."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "equations": [equation.text for equation in self.equations],
            "states": list(self.states),
            "output": self.output,
            "inputs": list(self.inputs),
            "widths": dict(self.widths),
            "constants": dict(self.constants),
            "init": dict(self.init),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """Read `to_dict` back; the equations are parsed, never evaluated. Raises InputError."""
        try:
            return cls.define(
                str(data["name"]),
                "\n".join(data["equations"]),
                states=" ".join(data["states"]),
                output=data["output"],
                title=data["title"],
                source=data["source"],
                inputs=" ".join(data["inputs"]),
                widths={str(k): str(v) for k, v in data["widths"].items()},
                constants={str(k): float(v) for k, v in data["constants"].items()},
                init={str(k): float(v) for k, v in data["init"].items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError("cell", "expected the fields that Cell.to_dict writes", repr(error)) from error


def is_scalar(expression: Expression, scalars: set[str] | frozenset[str]) -> bool:
    """Whether an expression has one number a row, given the names that do."""
    match expression:
        case RowCall():
            return True
        case Symbol(name):
            return name in scalars
        case MatrixVector():
            return False
    parts = [e for e in walk(expression) if isinstance(e, Symbol | MatrixVector | RowCall)]
    inside = {s for e in parts if isinstance(e, RowCall) for s in symbols(e)}
    return bool(parts) and all(
        isinstance(e, RowCall) or (isinstance(e, Symbol) and e.name in scalars | inside) for e in parts
    )


def _check(cell: Cell) -> None:
    where = f"cell {cell.name!r}"
    known = {*cell.inputs, *cell.constants, *(s + PREVIOUS for s in cell.states)}
    for number, equation in enumerate(cell.equations, 1):
        here = f"{where}, equation {number}"
        _check_target(here, equation.target, known)
        for name in symbols(equation.expression):
            later = name in cell.targets and name not in known
            if later:
                cure = f"For the value of the step before, list {name!r} in states and write {name}{PREVIOUS}"
                raise InputError(here, "an equation uses values defined above it", repr(name), cure)
            if name not in known:
                _check_parameter(here, name, cell)
        for node in walk(equation.expression):
            if isinstance(node, MatrixVector):
                _check_parameter(here, node.matrix, cell)
        known.add(equation.target)
    for name in (*cell.states, cell.output):
        if name not in cell.targets:
            raise InputError(
                where,
                "states and output are targets of equations",
                repr(name),
                f"Targets: {', '.join(cell.targets)}",
            )
    for family in cell.init:
        if family not in {f.name for f in cell.families}:
            names = ", ".join(f.name for f in cell.families)
            raise InputError(where, "init names families of parameters", repr(family), f"Families: {names}")
    cell.matrices, cell.vectors, cell.families  # noqa: B018  (computed here so that their rules are checked)


def _check_target(where: str, target: str, known: set[str]) -> None:
    if target in known:
        raise InputError(where, "a name is defined once", repr(target))
    if target.endswith(PREVIOUS) or target in FUNCTIONS or target in ROW_FUNCTIONS or target.startswith("δ"):
        raise InputError(where, "the names of functions, δ… and …_prev are reserved", repr(target))


def _check_parameter(where: str, name: str, cell: Cell) -> None:
    family, _, value = name.rpartition("_")
    if not family or value not in cell.targets:
        raise InputError(
            where,
            "unknown name: a parameter is written FAMILY_VALUE, as W_h or b_h, VALUE being a target",
            repr(name),
            f"Values: {', '.join((*cell.inputs, *cell.targets, *(s + PREVIOUS for s in cell.states)))}",
        )


def _matrices(cell: Cell) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for equation in cell.equations:
        for node in walk(equation.expression):
            if not isinstance(node, MatrixVector):
                continue
            columns = {cell.width(s) for s in symbols(node.vector) if s not in cell.constants} - {"1"}
            shape = (cell.width(equation.target), columns.pop() if len(columns) == 1 else "")
            if not shape[1]:
                raise InputError(
                    f"cell {cell.name!r}",
                    f"the vector right of {node.matrix} @ has one width",
                    to_text(node.vector),
                )
            if found.setdefault(node.matrix, shape) != shape:
                raise InputError(f"cell {cell.name!r}", "a matrix has one shape", node.matrix)
    return found


def _vectors(cell: Cell) -> dict[str, str]:
    known = {*cell.inputs, *cell.constants, *cell.targets, *(s + PREVIOUS for s in cell.states)}
    found: dict[str, str] = {}
    for equation in cell.equations:
        for name in symbols(equation.expression):
            if name not in known and found.setdefault(name, cell.width(equation.target)) != cell.width(
                equation.target
            ):
                raise InputError(f"cell {cell.name!r}", "a vector parameter has one width", name)
    for name in found:
        if name in cell.matrices:
            raise InputError(
                f"cell {cell.name!r}",
                "a parameter is a matrix (left of @) or a vector, not both",
                name,
            )
    return found


def _families(cell: Cell) -> tuple[Family, ...]:
    shapes: dict[str, tuple[str, str | None]] = {
        **cell.matrices,
        **{v: (w, None) for v, w in cell.vectors.items()},
    }
    order = [n for e in cell.equations for n in _parameter_names(e.expression) if n in shapes]
    stacks: dict[str, list[str]] = {}
    for name in dict.fromkeys(order):
        stacks.setdefault(name.rpartition("_")[0], []).append(name)
    families = []
    for family, members in stacks.items():
        if len({shapes[m] for m in members}) > 1:
            raise InputError(
                f"cell {cell.name!r}",
                "the parameters of a family have one shape",
                ", ".join(members),
            )
        ranked = tuple(sorted(members, key=lambda m: cell.targets.index(m.rpartition("_")[2])))
        families.append(Family(family, ranked, *shapes[members[0]]))
    return tuple(families)


def _parameter_names(expression: Expression) -> list[str]:
    return [
        node.matrix if isinstance(node, MatrixVector) else node.name
        for node in walk(expression)
        if isinstance(node, MatrixVector | Symbol)
    ]
