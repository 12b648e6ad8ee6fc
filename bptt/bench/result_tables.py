"""Tables for people, from what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10

from bptt.bench.cases import Case
from bptt.bench.contender_names import (
    ADAPTIVE,
    AUTOCAST,
    BF16,
    CHUNKED,
    COMPILED,
    INT8,
    JAX,
    NARROW,
    OTHERS,
    OURS,
    PLAIN,
    PLAIN_LSTM,
    SAMPLED,
    TORCH_ADAPTIVE,
)
from bptt.bench.results import Measurement, Report

_NOISY = "~"
_Cell = Callable[[Measurement], str]


@dataclass(frozen=True)
class ResultTable:
    """Rows of text under a header; the first column says what a row is about."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Column:
    """A heading, and the text under it for an outcome; if `tuned`, that of the tuned process."""

    heading: str
    cell: _Cell
    tuned: bool = False


@dataclass(frozen=True)
class _Plan:
    """A table: its title, the cases that are its rows, its columns."""

    title: str
    kind: str
    training: bool
    columns: tuple[_Column, ...]


def tables(report: Report) -> list[ResultTable]:
    """Return all tables of a report that have rows."""
    every = (_table(report, plan, threads) for threads in report.threads for plan in _PLANS)
    return [table for table in every if table.rows]


def _table(report: Report, plan: _Plan, threads: int) -> ResultTable:
    """Return one table, without its empty columns."""
    tuned = report.outcomes(plan.kind, threads, tuned=True)
    outcomes = [o for o in report.outcomes(plan.kind, threads).values() if o.case.training == plan.training]

    def text(column: _Column, outcome: Measurement) -> str:
        chosen = tuned.get(outcome.case) if column.tuned else outcome
        return column.cell(chosen) if chosen else ""

    rows = [[text(column, outcome) for column in plan.columns] for outcome in outcomes]
    used = [k for k in range(len(plan.columns)) if any(row[k] for row in rows)]
    title = f"{plan.title}, {threads} thread{'s' if threads > 1 else ''}"
    header = tuple(plan.columns[k].heading for k in used)
    return ResultTable(title, header, tuple(tuple(row[k] for k in used) for row in rows))


def notes(report: Report) -> list[str]:
    """Return the notes that belong to the numbers: absent contenders, rejected rounds."""
    found = [f"not installed: {name}" for name in report.environment.missing]
    outcomes = [outcome for run in report.runs for outcome in run.outcomes]
    found += dict.fromkeys(f"{o.case.name} {_shape(o.case)}: {note}" for o in outcomes for note in o.notes)
    slowest = {name: max(o.first.get(name, 0.0) for o in outcomes) for name in (COMPILED, JAX)}
    found += [f"{name}: up to {s:.0f} s to compile, not counted" for name, s in slowest.items() if s >= 1]
    rejected = sum(outcome.rejected for outcome in outcomes)
    rounds = sum(len(o.seconds[OURS]) + (0 if o.noisy else o.rejected) for o in outcomes)
    found.append(f"{rejected} of {rounds} rounds rejected: other processes used the processor")
    if any(outcome.noisy for outcome in outcomes):
        found.append(f"{_NOISY} hardly a round was left, so all of them count")
    return found


def _shape(case: Case) -> str:
    return ", ".join(map(str, case.shape))


def _name(outcome: Measurement) -> str:
    return outcome.case.name + (f" {_NOISY}" if outcome.noisy else "")


def _tokens(outcome: Measurement) -> str:
    steps, batch, _, _ = outcome.case.shape
    return f"{steps * batch / outcome.median(OURS):,.0f}"


def _of_peak(outcome: Measurement) -> str:
    return f"{outcome.speed / outcome.peak:.0%}" if outcome.peak else ""


def best_of_torch(outcome: Measurement) -> str:
    """Return the fastest contender in torch."""
    others = (OURS, PLAIN_LSTM, *NARROW, *OTHERS)
    return outcome.fastest([name for name in outcome.seconds if name not in others])


def _time(name: str, unit: float = 1e3) -> _Cell:
    """Format the median and half the distance of the quartiles."""

    def cell(outcome: Measurement) -> str:
        if name not in outcome.seconds:
            return ""
        time, spread = unit * outcome.median(name), unit * outcome.spread(name)
        decimals = max(0, 2 - floor(log10(time)))
        return f"{time:.{decimals}f} ± {spread:.{decimals}f}"

    return cell


def _ratio(name: str, base: str = OURS) -> _Cell:
    def cell(outcome: Measurement) -> str:
        there = name in outcome.seconds and base in outcome.seconds
        return f"{outcome.ratio(name, base):.2f}" if there else ""

    return cell


def _memory(name: str) -> _Cell:
    def cell(outcome: Measurement) -> str:
        found = outcome.memory.get(name, 0)
        return f"{found / 2**20:.0f}" if found else ""

    return cell


def _of_best(make: Callable[[str], _Cell]) -> _Cell:
    """Return the text that `make` makes for the fastest contender in torch."""
    return lambda outcome: make(best_of_torch(outcome))(outcome)


def _both(heading: str, cell: _Cell) -> tuple[_Column, _Column]:
    """Return a column, and the same of the tuned process."""
    return _Column(heading, cell), _Column(f"{heading}, tuned", cell, tuned=True)


_CELL, _SHAPE = _Column("cell", _name), _Column("T, B, I, H", lambda outcome: _shape(outcome.case))
_OURS, _BY = _Column("bptt ms", _time(OURS)), _Column("by", best_of_torch)
_RATIO = _of_best(_ratio)
_RATIOS = _Column("torch / bptt", _RATIO), _Column("tuned", _RATIO, tuned=True)
_THEIRS = _Column("torch ms", _of_best(_time))
_PEAK = _Column("of peak", _of_peak)
_NARROW = (
    _Column("bptt / its bf16", _ratio(OURS, BF16)),
    _Column("torch bf16 / bptt bf16", _ratio(AUTOCAST, BF16)),
)
_OTHERS = tuple(_Column(f"{name} / bptt", _ratio(name)) for name in OTHERS)
_LAYERS = (
    *(_CELL, _SHAPE, _OURS, _Column("GF/s", lambda outcome: f"{outcome.speed / 1e9:.0f}"), _PEAK),
    *(_THEIRS, _BY, *_RATIOS, _Column("bptt / its lstm", _ratio(OURS, PLAIN_LSTM)), *_NARROW, *_OTHERS),
)
_OURS_SHORT = _Column("bptt µs", _time(OURS, 1e6))
_THEIRS_SHORT = _Column("torch µs", _of_best(lambda name: _time(name, 1e6)))
_CALLS = *(_CELL, _SHAPE, _OURS_SHORT, _THEIRS_SHORT, _BY, *_RATIOS), *_OTHERS
_STREAMING = (
    *(_CELL, _SHAPE, _OURS_SHORT, _THEIRS_SHORT, _BY, _RATIOS[0]),
    *(_NARROW[0], _Column("bptt / its int8", _ratio(OURS, INT8))),
)
_TRAINING = (
    _Column("model", _name),
    _Column("T, B, D, H", _SHAPE.cell),
    *(_OURS, _Column("tokens/s", _tokens), _THEIRS, *_RATIOS, *_NARROW),
)
_VOCABULARY = (
    *(_Column("words", _name), _Column("T, B, D, H", _SHAPE.cell), _Column("full ms", _time(OURS))),
    *(_Column("adaptive ms", _time(ADAPTIVE)), _Column("sampled ms", _time(SAMPLED))),
    *(_Column("torch full ms", _time(PLAIN)), _Column("torch adaptive ms", _time(TORCH_ADAPTIVE))),
    _Column("torch full / bptt full", _ratio(PLAIN)),
    *_both("torch full / bptt adaptive", _ratio(PLAIN, ADAPTIVE)),
    *_both("torch adaptive / bptt adaptive", _ratio(TORCH_ADAPTIVE, ADAPTIVE)),
)
_LOSS = (
    *(_Column("of the", _name), _OURS, _PEAK, _Column("torch ms", _time(PLAIN))),
    _Column("torch / bptt", _ratio(PLAIN)),
    _Column("tuned", _ratio(PLAIN), tuned=True),
    _Column("in chunks / bptt", _ratio(CHUNKED)),
    _Column("bptt MiB", _memory(OURS)),
    _Column("torch MiB", _memory(PLAIN)),
    _Column("in chunks MiB", _memory(CHUNKED)),
)
_PLANS = (
    _Plan("Layers, forward", "layers", False, _LAYERS),
    _Plan("Layers, forward and backward", "layers", True, _LAYERS),
    _Plan("Lengths from 1 to T, forward and backward", "ragged", True, _LAYERS),
    _Plan("Few rows, forward", "rows", False, _LAYERS),
    _Plan("Few rows, forward and backward", "rows", True, _LAYERS),
    _Plan("The cost of a call, forward", "call", False, _CALLS),
    _Plan("The cost of a call, forward and backward", "call", True, _CALLS),
    _Plan("One step", "streaming", False, _STREAMING),
    _Plan("A whole update", "training", True, _TRAINING),
    _Plan("Output layer and loss, forward and backward", "loss", True, _LOSS),
    _Plan("A whole update by the size of the vocabulary", "vocabulary", True, _VOCABULARY),
)
