"""The findings of a comparison, read from its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log
from pathlib import Path
from statistics import mean
from typing import Any

from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.notebook import list_html, table_html
from bptt.report.run_records import NET, RECORDS, Curve, curve_of, read_object, read_records

# The words are about comparisons: imported when a notebook asks.
_table = deferred("bptt.report.comparison_words", "table")
_conclusions = deferred("bptt.report.comparison_words", "conclusions")

COMPARISON = "comparison.json"


@dataclass(frozen=True)
class Gradient:
    """The norm of δ by lag, from lag 0 on, in the layer that keeps the most of it. `tenth` is the first lag
    with at most a tenth left, if there is one.
    """

    median: tuple[float, ...]
    tenth: int | None

    @property
    def last(self) -> int:
        """The largest lag."""
        return len(self.median) - 1

    @property
    def left(self) -> float:
        """The gradient that is left at the largest lag, as a share of lag 0."""
        return self.median[-1] / self.median[0] if self.median[0] else 0.0


@dataclass(frozen=True)
class TextCost:
    """The cost of a model of text in characters, which levels of tokens are compared by: bits per character
    with the best weights, characters per token, and milliseconds of training per 1,000 characters.
    """

    bits: float
    characters: float
    milliseconds: float


@dataclass(frozen=True)
class RunResult:
    """One training: its curves, its time, and its gradient before and after. `clipped` is the share of the
    recorded updates whose gradient was clipped, `failure` where and why training stopped, "" if it did not.
    """

    seed: int
    training: Curve
    held_out: Curve
    updates: int
    seconds: float
    clipped: float
    start: Gradient | None
    end: Gradient | None
    failure: str
    text: TextCost | None = None

    @property
    def best(self) -> float | None:
        """The smallest held-out loss."""
        return min(self.held_out.losses, default=None)


@dataclass(frozen=True)
class VariantResult:
    """A variant and its runs, one for each seed."""

    name: str
    cell: str
    hidden_size: int
    weights: int
    runs: tuple[RunResult, ...]
    plain: str = ""
    level: str | None = None
    share: float = 1.0

    @property
    def loss(self) -> float | None:
        """The mean of the best losses; None if no run was evaluated."""
        return mean(self.losses) if self.losses else None

    @property
    def text(self) -> TextCost | None:
        """The means over the runs of what characters cost; None if it is no model of text."""
        found = [run.text for run in self.runs if run.text]
        if not found:
            return None
        each = ((cost.bits, cost.characters, cost.milliseconds) for cost in found)
        return TextCost(*(mean(values) for values in zip(*each, strict=True)))

    @property
    def losses(self) -> list[float]:
        """The best loss of each run that was evaluated."""
        return [run.best for run in self.runs if run.best is not None]

    @property
    def seconds(self) -> float:
        """The mean time of training."""
        return mean(run.seconds for run in self.runs)

    @property
    def milliseconds(self) -> float:
        """The time of one update, evaluations shared out."""
        return 1e3 * self.seconds / max(1.0, mean(run.updates for run in self.runs))


@dataclass(frozen=True)
class Comparison:
    """All variants. `baseline` is the loss of who remembers nothing, None where it is not known."""

    title: str
    baseline: float | None
    variants: tuple[VariantResult, ...]
    lag: int = 0

    def _repr_html_(self) -> str:
        """Return the table and the conclusions of `bptt compare`, for a notebook."""
        head, *rows = _table(self)
        return table_html(head, rows) + list_html(_conclusions(self))

    @property
    def has_levels(self) -> bool:
        """Whether losses are per different tokens."""
        return len({variant.level for variant in self.variants}) > 1

    @property
    def curves(self) -> Mapping[str, tuple[VariantResult, ...]]:
        """The learning curves: by name and level the results on shares of the data; none for one share."""
        if len({variant.share for variant in self.variants}) == 1:
            return {}
        found: dict[str, list[VariantResult]] = {}
        for variant in self.variants:
            found.setdefault(" ".join(filter(None, (variant.plain, variant.level))), []).append(variant)
        return {name: tuple(points) for name, points in found.items()}


def read_comparison(folder: Path) -> Comparison:
    """Read what `bptt compare` wrote. Raises InputError if a file is missing or damaged."""
    path = folder / COMPARISON
    data = read_object(path)
    try:
        baseline = data["baseline"]
        grouped = groupby(data["runs"], key=lambda run: run["variant"])
        return Comparison(
            str(data["title"]),
            None if baseline is None else float(baseline),
            tuple(_variant(folder, name, list(runs)) for name, runs in grouped),
            int(data.get("lag", 0)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), "expected what `bptt compare` writes", repr(error)) from error


def _variant(folder: Path, name: str, runs: Sequence[Mapping[str, Any]]) -> VariantResult:
    first = runs[0]
    sizes = int(first["hidden_size"]), int(first["weights"])
    found = tuple(_run(folder, run) for run in runs)
    plain, level, share = first.get("plain", name), first.get("level"), float(first.get("share", 1))
    return VariantResult(str(name), str(first["cell"]), *sizes, found, str(plain), level, share)


def _run(folder: Path, found: Mapping[str, Any]) -> RunResult:
    path = folder / found["run"] / RECORDS
    records = list(read_records(path)) if path.exists() else []
    norms = [float(r["gradient_norm"]) for r in records if r["kind"] == "train"]
    limit = float(found["clip_norm"])
    return RunResult(
        int(found["seed"]),
        curve_of(records, "train"),
        curve_of(records, "held-out"),
        max((int(r["step"]) for r in records), default=0),
        max((float(r["seconds"]) for r in records), default=0.0),
        mean(limit > 0 and norm > limit for norm in norms) if norms else 0.0,
        _gradient(found["start"]),
        _gradient(found["end"]),
        str(found["failure"]),
        _text_cost(records),
    )


def _text_cost(records: Sequence[Mapping[str, Any]]) -> TextCost | None:
    """Return what the characters of a text cost; None for other data."""
    held_out = [r for r in records if r["kind"] == "held-out" and r.get("bits_per_character")]
    if not held_out:
        return None
    best = min(held_out, key=lambda record: float(record["loss"]))
    bits = float(best["bits_per_character"])
    characters = float(best["loss"]) / log(2) / bits
    read = sum(float(r["units"]) for r in records if r["kind"] == "train") * characters
    seconds = max(float(r["seconds"]) for r in records)
    return TextCost(bits, characters, 1e6 * seconds / max(1.0, read))


def _gradient(seen: Mapping[str, Any] | None) -> Gradient | None:
    """Return the curve of the layer that keeps the largest share; None if nothing was measured."""
    curves = [c for c in (seen["curves"] if seen else ()) if c["quantity"] == NET]
    found = [Gradient(tuple(map(float, c["median"])), c["tenth"]) for c in curves]
    return max(found, key=lambda gradient: gradient.left, default=None)
