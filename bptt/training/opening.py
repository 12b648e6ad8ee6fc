"""The run folder before the first step: free, begun again, or the same run to go on with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bptt.errors import InputError
from bptt.tasks.run_folder import CONFIG, WEIGHTS, read_config, write_config
from bptt.tasks.task import Task
from bptt.training import checkpoint
from bptt.training.options import ENDING, TrainingOptions
from bptt.training.update import count_steps

RECORDS = "metrics.jsonl"

# What makes a folder a run; the configuration goes last, so that half a removal is still seen.
_PARTS = (checkpoint.FILE.parent.name, WEIGHTS, RECORDS, CONFIG)

# What may change: it alters no number of the steps already made. Epochs may be added, with conditions.
_EPOCHS = "training.epochs"
_FREE = (_EPOCHS, "training.checkpoint_every", "bptt", "source.learned", "pairs.learned")


def check_run(run: Path, resume: bool, overwrite: bool) -> None:
    """Raise InputError if `run` is taken, so that nothing is lost that was not given up."""
    if resume and overwrite:
        raise InputError(str(run), "can be resumed or overwritten, not both")
    if run.exists() and not run.is_dir():
        raise InputError(str(run), "must be a folder")
    if not (resume or overwrite) and any((run / part).exists() for part in _PARTS):
        cure = "Go on with it (--resume), give it up (--overwrite), or name another folder"
        raise InputError(str(run), "holds a run already", cure=cure)
    if resume and (run / WEIGHTS).exists() and not (run / checkpoint.FILE).exists():
        cure = "Bring the checkpoint back, or give the trained weights up (--overwrite)"
        raise InputError(str(run / checkpoint.FILE), "must exist for a run to go on", "weights only", cure)


def open_run(task: Task, options: TrainingOptions, run: Path, *, resume: bool, overwrite: bool) -> bool:
    """Make `run` ready for training and say whether there is a checkpoint to go on from.

    Hold its lock. Raises InputError if `run` is taken, or if its configuration is not that of `task` and
    `options`: only the number of epochs may grow, where a run with more epochs begins alike.
    """
    check_run(run, resume, overwrite)
    saved = resume and (run / checkpoint.FILE).exists()
    if resume and (run / CONFIG).exists():
        _check_same(task, options, run)
    if not saved:
        _clear(run)
        run.mkdir(parents=True, exist_ok=True)
        task.save(run)
        keep_options(options, run)
    return saved


def keep_options(options: TrainingOptions, run: Path) -> None:
    """Write `options` into the configuration of `run`."""
    write_config(run, read_config(run) | {"training": options.to_dict()})


def _clear(run: Path) -> None:
    """Remove a run, and nothing else that is in the folder."""
    for part in _PARTS:
        path = run / part
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _check_same(task: Task, options: TrainingOptions, run: Path) -> None:
    before = dict(_flat(read_config(run)))
    if _EPOCHS not in before:
        # Killed while it was being made: nothing has been trained, and files may be missing.
        return
    with TemporaryDirectory() as name:
        fresh = Path(name)
        task.save(fresh)
        now = dict(_flat(read_config(fresh) | {"training": options.to_dict()}))
        epochs = _changed_epochs(before[_EPOCHS], task, options)
        changed = [*_changed_values(before, now), *epochs, *_changed_files(run, fresh)]
    if changed:
        cure = "Give the options and files of the first time, or train into another folder"
        raise InputError(str(run), "can only be resumed as it was begun", "; ".join(changed), cure)


def _changed_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key) and key not in _FREE:
            yield f"{key}: {before.get(key)} before, {now.get(key)} now"


def _changed_epochs(before: int, task: Task, options: TrainingOptions) -> Iterator[str]:
    """Why the run cannot go on to another number of epochs and be as if that was asked for at once."""
    change, every = f"{_EPOCHS}: {before} before, {options.epochs} now", options.evaluate_every
    done = sum(count_steps(task, options, before))
    if options.epochs < before:
        yield f"{change}, and epochs can only be added"
    elif options.epochs > before and options.rate_schedule in ENDING:
        yield f"{change}, but {options.rate_schedule} ends with the last epoch; the other schedules go on"
    elif options.epochs > before and every and done % every:
        yield f"{change}, but after the {done} steps before comes an evaluation that is none of every {every}"


def _changed_files(run: Path, fresh: Path) -> list[str]:
    """The files of the task, such as its vocabulary, that are not what they were."""
    names = (path.name for path in sorted(fresh.iterdir()) if path.name != CONFIG)
    return [
        f"{name} would be another"
        for name in names
        if not (run / name).exists() or (run / name).read_bytes() != (fresh / name).read_bytes()
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value by its path, such as ``training.epochs``."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
