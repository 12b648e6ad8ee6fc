"""The findings of a comparison, read from its folder: a table, and the outcome in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from bptt.errors import InputError
from bptt.report.run_records import NET, RECORDS, Curve, curve_of, read_object, read_records

COMPARISON = "comparison.json"
# A loss within this share of guessing shows that nothing was learned; one below that share, that it was.
_GUESSED, _LEARNED = 0.95, 0.5


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
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), "expected what `bptt compare` writes", repr(error)) from error


def _variant(folder: Path, name: str, runs: Sequence[Mapping[str, Any]]) -> VariantResult:
    first = runs[0]
    sizes = int(first["hidden_size"]), int(first["weights"])
    return VariantResult(str(name), str(first["cell"]), *sizes, tuple(_run(folder, run) for run in runs))


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
    )


def _gradient(seen: Mapping[str, Any] | None) -> Gradient | None:
    """Return the curve of the layer that keeps the largest share; None if nothing was measured."""
    curves = [c for c in (seen["curves"] if seen else ()) if c["quantity"] == NET]
    found = [Gradient(tuple(map(float, c["median"])), c["tenth"]) for c in curves]
    return max(found, key=lambda gradient: gradient.left, default=None)


def table(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return a header, and a row for each variant: means over its seeds, for losses also the deviation."""
    lag = max((r.start.last for v in comparison.variants for r in v.runs if r.start), default=0)
    head = (
        "variant", "cell", "units", "weights", "best held-out loss", "seconds", "ms per update", "clipped",
        f"before: left at lag {lag}", "a tenth at lag", f"after: left at lag {lag}", "then a tenth at lag",
    )  # fmt: skip
    return [head, *(_row(variant) for variant in comparison.variants)]


def _row(variant: VariantResult) -> tuple[str, ...]:
    start, end = _typical(run.start for run in variant.runs), _typical(run.end for run in variant.runs)
    return (
        variant.name,
        variant.cell,
        f"{variant.hidden_size}",
        f"{variant.weights}",
        _spread(variant.losses),
        f"{variant.seconds:.1f}",
        f"{variant.milliseconds:.2f}",
        f"{mean(run.clipped for run in variant.runs):.0%}",
        *_cells(start),
        *_cells(end),
    )


def _typical(gradients: Iterable[Gradient | None]) -> Gradient | None:
    """Return the median run: as many runs keep more of the gradient as keep less."""
    found = sorted((each for each in gradients if each), key=lambda gradient: gradient.left)
    return found[len(found) // 2] if found else None


def _cells(gradient: Gradient | None) -> tuple[str, str]:
    """Format the share that is left at the largest lag, and the effective memory."""
    if gradient is None:
        return "-", "-"
    reach = f"{gradient.tenth}" if gradient.tenth is not None else f"> {gradient.last}"
    return f"{gradient.left:.1e}", reach


def _spread(losses: Sequence[float]) -> str:
    if not losses:
        return "-"
    return f"{mean(losses):.4f}" + (f" ± {stdev(losses):.4f}" if len(losses) > 1 else "")


def conclusions(comparison: Comparison) -> list[str]:
    """Return a sentence in numbers for each variant."""
    return [_sentence(variant, comparison) for variant in comparison.variants]


def _sentence(variant: VariantResult, comparison: Comparison) -> str:
    start, end = _typical(run.start for run in variant.runs), _typical(run.end for run in variant.runs)
    sentence = f"{variant.name}: {_outcome(variant, comparison)}"
    if start is None:
        return sentence
    after = "" if end is None else f", {end.left:.1e} after it"
    return (
        f"{sentence}; gradient at lag {start.last} by that at lag 0: {start.left:.1e} before training{after}"
    )


def _outcome(variant: VariantResult, comparison: Comparison) -> str:
    stopped = [run for run in variant.runs if run.failure]
    if stopped:
        count = f" in {len(stopped)} of {len(variant.runs)} runs" if len(variant.runs) > 1 else ""
        return f"training failed{count} at {stopped[0].failure}"
    loss, shown = mean(variant.losses), f"held-out loss {_spread(variant.losses)}"
    if comparison.baseline is not None:
        guessed = f"{comparison.baseline:.4f} of remembering nothing"
        if loss > _GUESSED * comparison.baseline:
            return f"{shown}, no better than the {guessed}"
        solved = "it has learned it" if loss < _LEARNED * comparison.baseline else "it has learned a part"
        return f"{shown} beside the {guessed}: {solved}"
    best = min(mean(each.losses) for each in comparison.variants if each.losses)
    return f"{shown}, the smallest" if loss == best else f"{shown}, {loss - best:.4f} above the smallest"
