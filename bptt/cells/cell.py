"""A recurrent cell as a value: its equations, and what follows from them by reading alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from bptt.cells.definition import Definition
from bptt.cells.expression import ZERO, Expression, rename, to_text
from bptt.cells.language import Equation, parse_equations
from bptt.cells.parameters import Family, find_families, find_matrices, find_vectors, split_name
from bptt.cells.plain_data import FIELDS, definition_record, read_mapping, read_number, read_text, read_texts
from bptt.cells.rules import check
from bptt.errors import InputError, printable
from bptt.notebook import block_html, table_html


@dataclass(frozen=True)
class Cell(Definition):
    """A recurrent cell: a definition that keeps the rules of the language, and what its equations name.

    A name in an equation is the input `x`, the target of an earlier equation, the previous value
    `s_prev` of a state `s`, a constant, or a parameter. A parameter is written FAMILY_VALUE, where
    VALUE is the target of an equation of this cell (`W_i`, `b_i`): left of `@` it is a matrix, elsewhere
    a vector, and it has as many rows as VALUE has units. That rule lets a misspelt name be refused. The
    members of a family are stacked in the order of the equations.
    """

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
        what is not printable in them is escaped.

        Raises InputError for equations that cannot be read, and for a cell that breaks a rule.
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
        check(self)

    def _repr_html_(self) -> str:
        """Return title, equations, states, weights and source for a notebook."""
        weights = " + ".join(family.formula for family in self.families)
        states = f"{', '.join(self.states) or 'none'} (output {self.output})"
        facts = {"states": states, "weights": weights, "source": self.source or "none given"}
        return block_html(f"{self.name}: {self.title}\n{self}") + table_html(
            ("cell", self.name), [*facts.items()]
        )

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Computed once: cells are looked up at every call of a layer.
        return hash((self.name, self.equations, self.states))

    def __getstate__(self) -> dict[str, Any]:
        # Without the cached values: a hash of texts differs from process to process.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def matrices(self) -> Mapping[str, tuple[str, str]]:
        """Each matrix parameter with the letters of its rows and columns."""
        return find_matrices(self)

    @cached_property
    def vectors(self) -> Mapping[str, str]:
        """Each vector parameter with the letter of its width."""
        return find_vectors(self, self.matrices)

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The stacked parameters, in the order in which the equations name them."""
        return find_families(self, self.matrices, self.vectors)

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """The size letters in use, sorted."""
        widths = {self.width(n) for n in (*self.inputs, *self.targets)}
        return tuple(sorted(widths - {"1"}))

    def without(self, *families: str) -> Cell:
        """Leave out vector families (as zero): how `bias=False` is made.

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
        """Count the weights for given sizes."""
        return sum(math.prod(family.shape(sizes)) for family in self.families)

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain data for a run folder."""
        return definition_record(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """Read `to_dict` back; the equations are parsed, never evaluated.

        Raises InputError for data that `to_dict` does not write, and for a cell that breaks a rule.
        """
        try:
            return cls.define(
                read_text(data["name"]),
                "\n".join(read_texts(data["equations"])),
                states=read_texts(data["states"]),
                output=read_text(data["output"]),
                title=read_text(data["title"]),
                source=read_text(data["source"]),
                inputs=" ".join(read_texts(data["inputs"])),
                widths={str(k): str(v) for k, v in read_mapping(data["widths"]).items()},
                constants={str(k): read_number(v) for k, v in read_mapping(data["constants"]).items()},
                init={str(k): read_number(v) for k, v in read_mapping(data["init"]).items()},
            )
        except InputError:
            raise
        except KeyError as error:
            raise InputError("cell", FIELDS, f"none of the name {error}") from error
        except (TypeError, AttributeError, ValueError, OverflowError) as error:
            raise InputError("cell", FIELDS, "values of other types") from error


def _equation(target: str, expression: Expression) -> Equation:
    return Equation(target, expression, f"{target} = {to_text(expression)}")
