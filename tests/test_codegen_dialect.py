"""Passes are written in any dialect: as Python text on NumPy they compute what the interpreter computes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy_dialect
import pytest
from numpy_dialect import NumpyDialect
from user_cells import CELLS

from bptt.cells import CATALOGUE, Cell
from bptt.codegen.dialect import write
from bptt.codegen.kernel import Kernel, kernel
from bptt.codegen.lowering import lower
from bptt.codegen.plan import plan
from bptt.codegen.slots import Slots
from bptt.codegen.source_lines import joined
from bptt.derive.adjoint import DELTA
from bptt.derive.arithmetic import FLOATS
from bptt.derive.evaluate import Backward, Point, Trajectory, Vector, apply, backward, forward

ALL = {**CATALOGUE, **CELLS}
SIZES = {"I": 3, "H": 4, "P": 2, "1": 1}
STEPS = 3
# Three steps of at most 12 sums of 5 products, 40 operations each and back again: 2.2e-16 · 3 · 2 · 12 · 100,
# of numbers up to ten.
LIMIT = 2e-11


def drawn_point(cell: Cell) -> tuple[Point, list[Mapping[str, Vector]]]:
    """Return arguments with random numbers, and losses of every step."""
    source = random.Random(0)

    def vector(letter: str) -> Vector:
        return [source.uniform(-1, 1) for _ in range(SIZES[letter])]

    point = Point(
        [{name: vector(cell.width(name)) for name in cell.inputs} for _ in range(STEPS)],
        {state: vector(cell.width(state)) for state in cell.states},
        {m: [vector(b) for _ in range(SIZES[a])] for m, (a, b) in cell.matrices.items()},
        {v: vector(a) for v, a in cell.vectors.items()},
    )
    names = dict.fromkeys((*cell.states, cell.output))
    return point, [{s: vector(cell.width(s)) for s in names} for _ in range(STEPS)]


class Run:
    """The text of a kernel in NumPy, and what it computes at every step."""

    def __init__(self, cell: Cell, point: Point, losses: list[Mapping[str, Vector]]) -> None:
        self.cell, self.kernel, self.point = cell, kernel(plan(cell)), point
        lowered, texts = lower(self.kernel), {}
        for name, sweeps in vars(lowered).items():
            dialect = NumpyDialect(self.kernel, name == "forward")
            texts[name] = joined(line for sweep in sweeps for line in write(sweep, dialect))
        self.texts = texts
        self.memory: list[dict[tuple[str, int], Any]] = []
        self.values: list[dict[str, Any]] = []
        self.deltas: list[dict[str, Any]] = []
        self.matrices: dict[str, Any] = {m: np.zeros(np.shape(rows)) for m, rows in point.matrices.items()}
        self.sums: dict[tuple[str, int], Any] = {("SUM", k): 0.0 for k in range(len(cell.vectors))}
        self._forward()
        self._backward(losses)

    def _execute(self, text: str, at: dict[tuple[str, int], Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}

        def call(function: str, *arguments: Any) -> Any:
            vectors = [np.atleast_1d(np.asarray(a, float)).tolist() for a in arguments]
            return np.array(apply(function, vectors, FLOATS))

        exec(
            text,
            {
                "v": values,
                "at": at,
                "row": {},
                "column": {},
                "size": SIZES,
                "call": call,
                "zeros": lambda letter: np.zeros(SIZES[letter]),
                "total": lambda row: np.array([row.sum()]),
                "matrix": {m: np.array(rows) for m, rows in self.point.matrices.items()},
            },
        )
        return values

    def _forward(self) -> None:
        cell, point = self.cell, self.point
        state = {("STATE", k): np.array(point.initial[s]) for k, s in enumerate(cell.states)}
        for inputs in point.sequence:
            at = {("X", 0): np.array(inputs[cell.inputs[0]])}
            at |= {("PREVIOUS", k): state["STATE", k] for k in range(len(cell.states))}
            at |= {("PARAMETER", k): np.array(point.vectors[v]) for k, v in enumerate(cell.vectors)}
            self.values.append(self._execute(self.texts["forward"], at))
            state = at
            self.memory.append({key: number for key, number in at.items() if key[0] != "SCRATCH"})

    def _backward(self, losses: list[Mapping[str, Vector]]) -> None:
        cell, public = self.cell, (*self.cell.states, *self.kernel.outputs)
        handed = {("NEXT", k): np.zeros(SIZES[cell.width(s)]) for k, s in enumerate(cell.states)}
        for at, loss in zip(reversed(self.memory), reversed(losses), strict=True):
            at |= handed | self.sums
            at |= {("LOSS", k): np.array(loss[s]) for k, s in enumerate(public)}
            deltas = self._execute(self.texts["backward"], at)
            deltas |= self._execute(self.texts["inputs"], at)
            self.deltas.insert(0, deltas)
            handed = {key: at[key] for key in handed}
            self.sums = {key: at[key] for key in self.sums}
            self._add_outer(at)
        self.handed = handed

    def _add_outer(self, at: Mapping[tuple[str, int], Any]) -> None:
        slots = Slots(self.kernel, forward=False)

        def stored(name: str) -> Any:
            slot = slots.slot(name)
            return at[slot.area.name, slot.index]

        families = {family.name: family.members for family in self.cell.families}
        for gradient in plan(self.cell).matrix_gradients:
            members = families[gradient.rows.family][gradient.rows.first :]
            for deltas, source in gradient.terms:
                for matrix, delta in zip(members, deltas, strict=False):
                    self.matrices[matrix] += np.outer(stored(delta), stored(source))


def assert_close(found: Any, wanted: Any, name: str) -> None:
    scale = 1 + np.abs(np.asarray(wanted)).max(initial=0)
    assert np.abs(np.asarray(found) - np.asarray(wanted)).max(initial=0) < LIMIT * scale, name


def compare(run: Run, trajectory: Trajectory, wanted: Backward) -> None:
    for values, truth in zip(run.values, trajectory.values, strict=True):
        assert values.keys() >= {*run.cell.states}
        for name in values.keys() & truth.keys():
            assert_close(values[name], truth[name], name)
    for deltas, truth in zip(run.deltas, wanted.deltas, strict=True):
        names = [name for name in deltas if name.startswith(DELTA) and name in truth]
        assert DELTA + run.cell.inputs[0] in names
        for name in names:
            assert_close(deltas[name], truth[name], name)
    for matrix, rows in wanted.matrices.items():
        assert_close(run.matrices[matrix], rows, matrix)
    for k, (name, vector) in enumerate(wanted.vectors.items()):
        assert_close(run.sums["SUM", k], vector, name)
    for k, state in enumerate(run.cell.states):
        assert_close(run.handed["NEXT", k], wanted.initial[state], state)


@pytest.mark.parametrize("name", ALL)
def test_the_text_in_numpy_computes_what_the_interpreter_does(name: str) -> None:
    cell = ALL[name]
    point, losses = drawn_point(cell)
    trajectory = forward(cell, point)
    compare(Run(cell, point, losses), trajectory, backward(cell, point, trajectory, losses))


def test_a_line_as_a_reader_would_write_it() -> None:
    laid_out: Kernel = kernel(plan(CATALOGUE["lstm"]))
    dialect = NumpyDialect(laid_out, forward=True)
    lines = [line for sweep in lower(laid_out).forward for line in write(sweep, dialect)]
    (line,) = [line for line in lines if line.text.startswith("v['c'] = ")]
    assert line.text == "v['c'] = v['f'] * v['c_prev'] + v['i'] * v['g'] + zeros('H')"
    assert [each.equations for each in line.provenance] == [("c",)]


def test_a_dialect_is_short() -> None:
    text = Path(numpy_dialect.__file__).read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 60
