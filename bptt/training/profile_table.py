"""A profile in words: a table of the parts of an update, and one of its memory."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.training.profile_record import ROOT, TrainingProfile

# Smaller shares of the whole are not listed.
_LEAST = 0.0005


def profile_table(profile: TrainingProfile) -> list[tuple[str, ...]]:
    """Return a header and a row for each part: share of the training, milliseconds an update; then memory."""
    update = profile.seconds.get(f"{ROOT}/update", 0.0)
    head = ("part", "share of training", "share of update", "ms an update")
    rows = [head, *_rows(profile, ROOT, 0, update)]
    memory = [("memory", "formula, P weights", "bytes"), *profile.memory.lines]
    return [*rows, *memory]


def _rows(profile: TrainingProfile, path: str, depth: int, update: float) -> Iterator[tuple[str, ...]]:
    yield _row(profile, path.rpartition("/")[2], profile.seconds[path], depth, update)
    children = profile.children(path)
    for each in children:
        if profile.seconds[each] >= _LEAST * profile.total:
            yield from _rows(profile, each, depth + 1, update)
    if children and profile.rest(path) >= _LEAST * profile.total:
        yield _row(profile, rest_of(path), profile.rest(path), depth + 1, update)


def rest_of(path: str) -> str:
    """Return the name of what a part does outside of the parts inside it."""
    name = path.rpartition("/")[2]
    return {"forward": "loss and output layer", "backward": "loss and output layer"}.get(name, "the rest")


def _row(profile: TrainingProfile, name: str, seconds: float, depth: int, update: float) -> tuple[str, ...]:
    share = f"{seconds / update:.2%}" if update else "-"
    milliseconds = f"{1e3 * seconds / profile.updates:.3f}"
    return "  " * depth + name, f"{seconds / profile.total:.2%}", share, milliseconds
