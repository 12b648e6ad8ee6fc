"""The processor time that a process spends in the parts of each update, written to a file as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

PARTS = ("passes", "sums", "exchange", "step", "wall")


def start(path: Path) -> Callable[[], None]:
    """Measure from now on; return what writes a list of the seconds of `PARTS` for each update to `path`.

    Processor time is that of all threads of the process. "passes" is forward and backward, "sums" the
    addition of groups, "exchange" what processes do to add theirs, "step" norm, clipping and optimiser;
    "wall" is the time of the whole update.
    """
    from bptt.training import grouped, row_updates, update

    updates: list[dict[str, float]] = []
    spent: dict[str, float] = {}

    def clocked(owner: Any, name: str, part: str) -> None:
        plain = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            began = process_time()
            try:
                return plain(*given, **named)
            finally:
                spent[part] = spent.get(part, 0.0) + process_time() - began

        setattr(owner, name, call)

    clocked(grouped.GroupSums, "add", "sums")
    clocked(grouped, "sum_processes", "exchange")
    clocked(grouped, "clip_summed_gradient", "step")
    clocked(update, "clip_gradient", "step")
    clocked(row_updates, "step", "step")
    for kind in (grouped._GroupedUpdater, update.Updater):
        plain = kind.on_batch

        def on_batch(*given: Any, plain: Any = plain) -> Any:
            spent.clear()
            began, cpu = perf_counter(), process_time()
            found = plain(*given)
            whole = process_time() - cpu
            parts = {part: spent.get(part, 0.0) for part in PARTS}
            parts |= {"passes": whole - sum(parts.values()), "wall": perf_counter() - began}
            updates.append(parts)
            return found

        kind.on_batch = on_batch  # type: ignore[method-assign]

    def write() -> None:
        path.write_text(json.dumps(updates), "utf-8")

    return write
