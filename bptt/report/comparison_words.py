"""A comparison in words: a table, and the outcome in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import mean, stdev

from bptt.report.comparison_record import Comparison, Gradient, TextCost, VariantResult

# A loss within this share of guessing shows that nothing was learned; one below that share, that it was.
_GUESSED, _LEARNED = 0.95, 0.5


def table(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return a header, and a row for each variant: means over its seeds, for losses also the deviation."""
    lag = max((r.start.last for v in comparison.variants for r in v.runs if r.start), default=0)
    head = (
        "variant", "cell", "units", "weights", "best held-out loss", "seconds", "ms per update", "clipped",
        f"before: left at lag {lag}", "a tenth at lag", f"after: left at lag {lag}", "then a tenth at lag",
    )  # fmt: skip
    rows = [head, *(_row(variant) for variant in comparison.variants)]
    if not comparison.has_levels:
        return rows
    costs = [_COSTS, *map(_cost, comparison.variants)]
    return [(*row, *cost) for row, cost in zip(rows, costs, strict=True)]


_COSTS = "bits per character", "characters per token", "ms per 1,000 characters"


def _cost(variant: VariantResult) -> tuple[str, ...]:
    found = variant.text
    if found is None:
        return ("-",) * len(_COSTS)
    return f"{found.bits:.4f}", f"{found.characters:.2f}", f"{found.milliseconds:.2f}"


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
    return [*(_sentence(variant, comparison) for variant in comparison.variants), *_examples(comparison)]


def _examples(comparison: Comparison) -> Iterator[str]:
    """Yield how many examples the others need for the loss of the first on its largest share."""
    if comparison.has_levels or not comparison.curves:
        return
    (first, points), *others = comparison.curves.items()
    goal, whole = points[-1].loss, points[-1].share
    for name, curve in others:
        losses = [(point.share, point.loss) for point in curve if point.loss is not None]
        reached = [share for share, loss in losses if goal is not None and loss <= goal]
        aim = f"the loss that {first} has on {'all' if whole == 1 else f'{whole:.4g}'} of the data"
        if reached:
            yield f"{name} needs {reached[0]:.4g} of the data to reach {aim}"
        else:
            yield f"{name} does not reach {aim}, with any of these shares"


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
    if comparison.has_levels and variant.text:
        return _in_characters(variant.text, comparison)
    best = min(mean(each.losses) for each in comparison.variants if each.losses)
    return f"{shown}, the smallest" if loss == best else f"{shown}, {loss - best:.4f} above the smallest"


def _in_characters(cost: TextCost, comparison: Comparison) -> str:
    """Compare levels of tokens: bits, the reach of truncated back-propagation, and time, in characters."""
    best = min(each.text.bits for each in comparison.variants if each.text)
    place = "the fewest" if cost.bits == best else f"{cost.bits - best:.4f} above the fewest"
    reach = (comparison.lag + 1) * cost.characters
    return (
        f"{cost.bits:.4f} bits per character, {place}; {cost.characters:.2f} characters per token, so that "
        f"gradients go back over {reach:.0f} characters; {cost.milliseconds:.2f} ms per 1,000 characters"
    )
