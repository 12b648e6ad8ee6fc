"""A recurrent cell as a value: its equations, and what follows from them by reading alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bptt.cells.expression import ZERO, Expression, is_scalar, rename, to_text
from bptt.cells.language import PREVIOUS, Equation, parse_equations
from bptt.cells.parameters import Family, find_families, find_matrices, find_vectors, split_name
from bptt.cells.rules import check_cell
from bptt.errors import InputError, printable

_FIELDS = "expected the fields that Cell.to_dict writes"


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: equations in order, and which of their values are carried through time.

    A name in an equation is the input `x`, the target of an earlier equation, the previous value
    `s_prev` of a state `s`, a constant, or a parameter. A parameter is written FAMILY_VALUE, where
    VALUE is the target of an equation of this cell (`W_i`, `b_i`): left of `@` it is a matrix, elsewhere
    a vector, and it has as many rows as VALUE has units. That rule lets a misspelt name be refused. The
    members of a family are stacked in the order of the equations.

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
        states: str | Sequence[str] = "",
        output: str = "",
        title: str = "",
        source: str = "",
        inputs: str = "x",
        widths: Mapping[str, str] | None = None,
        constants: Mapping[str, float] | None = None,
        init: Mapping[str, float] | None = None,
    ) -> Cell:
        """Make a cell from text.

        `states` names the values carried through time, as "h c" or ("h", "c"); `output` defaults to the
        first state, or to the last equation of a cell without states. `init` gives the constant with which
        a family of parameters starts (others: uniform within ±1/√H). Name, title and source reach terminals:
        what is not printable in them is escaped. Raises InputError.
        """
        parsed = parse_equations(f"cell {name!r}", equations)
        if not parsed:
            raise InputError(f"cell {name!r}", "a cell has at least one equation", "none")
        carried = tuple(states.replace(",", " ").split() if isinstance(states, str) else states)
        return cls(
            name=printable(name),
            equations=parsed,
            states=carried,
            output=output or (carried[0] if carried else parsed[-1].target),
            title=printable(title or name),
            source=printable(source),
            inputs=tuple(inputs.split()),
            widths=dict(widths or {}),
            constants=dict(constants or {}),
            init=dict(init or {}),
        )

    def __post_init__(self) -> None:
        check_cell(self)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Computed once: cells are looked up at every call of a layer.
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
        return find_matrices(self)

    @cached_property
    def vectors(self) -> Mapping[str, str]:
        """Each vector parameter with the letter of its width."""
        return find_vectors(self)

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The stacked parameters, in the order in which the equations name them."""
        return find_families(self)

    @property
    def letters(self) -> tuple[str, ...]:
        """The size letters in use, sorted."""
        widths = {self.width(n) for n in (*self.inputs, *self.targets)}
        return tuple(sorted(widths - {"1"}))

    def without(self, *families: str) -> Cell:
        """The same cell with vector families left out (as zero): how `bias=False` is made.

        Raises InputError where an equation divides by one of them, or means nothing without it.
        """
        zero = {v: ZERO for v in self.vectors if split_name(v, self.targets)[0] in families}
        try:
            equations = tuple(_equation(e.target, rename(e.expression, dict(zero))) for e in self.equations)
            bare = replace(self, equations=equations, init={})
            left = {family.name for family in bare.families}
            return replace(bare, init={name: value for name, value in self.init.items() if name in left})
        except (InputError, ZeroDivisionError) as error:
            where, left_out = f"cell {self.name!r} with bias=False", ", ".join(zero)
            rule = f"its equations have a value where {left_out} is zero"
            got = str(error) if isinstance(error, InputError) else "a division by zero"
            raise InputError(where, rule, got, "Leave bias=True") from error

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
                _text(data["name"]),
                "\n".join(_texts(data["equations"])),
                states=_texts(data["states"]),
                output=_text(data["output"]),
                title=_text(data["title"]),
                source=_text(data["source"]),
                inputs=" ".join(_texts(data["inputs"])),
                widths={str(k): str(v) for k, v in _object(data["widths"]).items()},
                constants={str(k): _number(v) for k, v in _object(data["constants"]).items()},
                init={str(k): _number(v) for k, v in _object(data["init"]).items()},
            )
        except InputError:
            raise
        except KeyError as error:
            raise InputError("cell", _FIELDS, f"none of the name {error}") from error
        except (TypeError, AttributeError, ValueError, OverflowError) as error:
            raise InputError("cell", _FIELDS, "values of other types") from error


def _equation(target: str, expression: Expression) -> Equation:
    return Equation(target, expression, f"{target} = {to_text(expression)}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InputError("cell", _FIELDS, f"{value!r} for a text")
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise InputError("cell", _FIELDS, f"{value!r} for a list of texts")
    return [_text(item) for item in value]


def _object(value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise InputError("cell", _FIELDS, f"{value!r} for an object")
    return value


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("cell", _FIELDS, f"{value!r} for a number") from error
