"""A search for better options in words: its tables, and the outcome in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import mean, stdev
from typing import Any

from bptt.errors import counted
from bptt.report.tuning_record import CandidateResult, PairedJudgement, Rung, Tuning

# Candidates that the table lists.
_LISTED = 10


def candidate_table(tuning: Tuning) -> list[tuple[str, ...]]:
    """Return a header, and a row for each of the candidates that came farthest, the chosen one first."""
    last = max((rung.rung for each in tuning.candidates for rung in each.rungs), default=0)
    head = ("candidate", f"held-out {tuning.criterion} by rung", "epochs", "seconds", "options")
    chosen = [each for each in tuning.candidates if each.number in (tuning.best, 0)]
    others = [each for each in tuning.candidates if each not in chosen]
    ordered = sorted(chosen, key=lambda each: each.number != tuning.best)
    ordered += sorted(others, key=lambda each: -len(each.rungs))[: max(0, _LISTED - len(chosen))]
    return [head, *(_row(each, last) for each in ordered)]


def _row(candidate: CandidateResult, last: int) -> tuple[str, ...]:
    by_rung = {rung.rung: rung for rung in candidate.rungs}
    values = " ".join(_value(by_rung.get(rung)) for rung in range(last + 1))
    changed = shown_options(candidate.changed) or "-"
    return candidate.name, values, str(candidate.all_epochs), f"{candidate.seconds:.0f}", changed


def _value(rung: Rung | None) -> str:
    if rung is None:
        return "-"
    return "failed" if rung.value is None else f"{rung.value:.4f}"


def shown_options(changed: Mapping[str, Any]) -> str:
    """Return options with their values in a line."""
    return ", ".join(f"{name} {value}" for name, value in changed.items())


def comparison_table(judged: PairedJudgement) -> list[tuple[str, ...]]:
    """Return a header, and the values of defaults and tuned options by seed, with mean and deviation."""
    head = (
        f"{judged.metric} on {judged.data}",
        *(f"seed {seed}" for seed in judged.seeds),
        "mean ± deviation",
    )
    rows = (("defaults", judged.defaults), ("tuned", judged.tuned))
    return [head, *((name, *(f"{value:.4f}" for value in values), _spread(values)) for name, values in rows)]


def _spread(values: tuple[float, ...]) -> str:
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def conclusions(tuning: Tuning) -> Iterator[str]:
    """Yield what was tried, what was chosen, and whether that is better than the defaults."""
    count = counted(len(tuning.candidates), "candidates")
    whole = sum(any(rung.epochs == each.all_epochs for rung in each.rungs) for each in tuning.candidates)
    failed = sum(any(rung.failure for rung in each.rungs) for each in tuning.candidates)
    stopped = f", {failed} failed" if failed else ""
    yield f"{count} tried in {tuning.seconds / 60:.1f} min: {whole} trained to the end{stopped}"
    if tuning.best == 0:
        yield "no candidate is better than the defaults on the held-out data: the defaults are the best"
        return
    yield f"best: {shown_options(tuning.best_candidate.changed)}"
    if tuning.judged is not None:
        yield _verdict(tuning.judged)


def _verdict(judged: PairedJudgement) -> str:
    """Return whether the tuned options are better, with the interval of the difference."""
    gain, count = judged.gain, len(judged.gains)
    wins = sum(each > 0 for each in judged.gains)
    if count < 2:
        return f"{judged.metric} changes by {gain:+.4f} in one pair of trainings, too few to say more"
    about = f"better by {gain:.4f}" if gain > 0 else f"worse by {-gain:.4f}"
    interval = f"{gain - judged.margin:+.4f} to {gain + judged.margin:+.4f}"
    text = (
        f"tuned options are {about} in {judged.metric} (95 % interval {interval}), "
        f"better in {wins} of {count} seeds"
    )
    if abs(gain) > judged.margin:
        return text
    return f"{text}: that is within chance for {count} seeds"
