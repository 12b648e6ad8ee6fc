"""The run folder before the first step: free, begun again, or the same run to go on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bptt.data.names import kept_in, read_names
from bptt.data.reading import read_bytes
from bptt.errors import InputError
from bptt.jobs.task import Task
from bptt.runs.run_folder import CONFIG, WEIGHTS, read_config, write_config
from bptt.training import checkpoint
from bptt.training.claim import FILES, check_claim, claim
from bptt.training.claim import RECORDS as RECORDS
from bptt.training.options import ENDING, TrainingOptions
from bptt.training.update import count_steps

# The keys that may change, since they alter no number of the steps already made. The first two can only grow,
# the third is compared by itself.
_EPOCHS, _PATIENCE, _DATA = "training.epochs", "training.patience", "training.data_sha256"
_FREE = (
    _EPOCHS,
    _PATIENCE,
    _DATA,
    "training.init_from",
    "training.stages",
    "training.checkpoint_every",
    "training.checkpoints",
    # Descriptions, which no number depends on; the equations are compared.
    "cell.title",
    "cell.source",
    "bptt",
    # Written when a run is claimed; runs of version 0.1.0 lack both.
    "title",
    "unit",
    FILES,
    "source.learned",
    # Where prepared tokens are: their hash is compared.
    "source.prepared",
    "pairs.learned",
)


@dataclass(frozen=True)
class Opened:
    """A run folder made ready: whether it holds a checkpoint to go on from, the `options` with the stages of
    the run, and lines for the user.
    """

    saved: bool
    options: TrainingOptions
    notes: tuple[str, ...] = ()


def check_run(run: Path, resume: bool, overwrite: bool) -> None:
    """Raise InputError if `run` is taken, so that nothing is lost that was not given up.

    Nothing is given up but a run: a file of somebody else's that has the name of one is refused in any case.
    """
    if resume and overwrite:
        raise InputError(str(run), "can be resumed or overwritten, not both")
    if run.exists() and not run.is_dir():
        raise InputError(str(run), "must be a folder")
    if check_claim(run) and not (resume or overwrite):
        cure = "Go on with it (`resume`), give it up (`overwrite`), or name another folder"
        raise InputError(str(run), "holds a run already", cure=cure)
    if resume and (run / WEIGHTS).exists() and not checkpoint.kept(run):
        cure = "Bring the checkpoint back, or give the trained weights up (`overwrite`)"
        raise InputError(str(run / checkpoint.FILE), "must exist for a run to go on", "weights only", cure)


def open_run(task: Task, options: TrainingOptions, run: Path, *, resume: bool, overwrite: bool) -> Opened:
    """Make `run` ready for training.

    Hold its lock. Raises InputError if `run` is taken, or if its configuration is not that of `task` and
    `options`: only the number of epochs and the patience may grow.
    """
    check_run(run, resume, overwrite)
    saved = resume and bool(checkpoint.kept(run))
    notes: tuple[str, ...] = ()
    if resume and (run / CONFIG).exists():
        _check_same(task, options, run)
    if saved:
        options, notes = _going_on(task, options, run)
    if not saved:
        claim(task, run, training_section(task, options))
    return Opened(saved, options, notes)


def keep_options(task: Task, options: TrainingOptions, run: Path) -> None:
    """Write `options`, what the data are, and what `run` began from, into its configuration."""
    config = read_config(run)
    begun = {name: v for name, v in config.get("training", {}).items() if name == "init_from"}
    write_config(run, config | {"training": training_section(task, options) | begun})


def training_section(task: Task, options: TrainingOptions) -> dict[str, Any]:
    """Return the section on training in config.json."""
    said = {"data_sha256": task.fingerprint, "init_from": task.begun_from}
    return options.to_dict() | {name: value for name, value in said.items() if value}


def _going_on(task: Task, options: TrainingOptions, run: Path) -> tuple[TrainingOptions, tuple[str, ...]]:
    """Return the options with the stages of the run, and a line for the user where epochs are added.

    A schedule that ends with the last epoch begins anew over the added ones. The old end is kept as a stage
    too if its evaluation is none of every `evaluate_every` steps: an interrupted run makes it all the same.
    """
    before, stages = _epochs_before(run)
    every, added = options.evaluate_every, options.epochs - before
    begins_anew = options.rate_schedule in ENDING
    if not added or not (begins_anew or (every and sum(count_steps(task, options, before)) % every)):
        return replace(options, stages=stages), ()
    options = replace(options, stages=(*stages, before))
    over = f"the {added} added epochs, {before + 1} to {options.epochs}"
    note = f"schedule {options.rate_schedule}: the learning rate begins anew over {over}"
    return options, (note,) if begins_anew else ()


def _epochs_before(run: Path) -> tuple[int, tuple[int, ...]]:
    """Return the epochs of the run, and those of its earlier stages. Raises InputError if they are no
    numbers.
    """
    training = read_config(run).get("training")
    found = dict(training) if isinstance(training, Mapping) else {}
    epochs, stages = found.get("epochs"), found.get("stages", [])
    numbers = [epochs, *stages] if isinstance(stages, list) else [None]
    if not all(type(number) is int for number in numbers):
        raise InputError(str(run / CONFIG), "training.epochs and training.stages are whole numbers", numbers)
    assert isinstance(epochs, int)
    return epochs, tuple(stages)


def _check_same(task: Task, options: TrainingOptions, run: Path) -> None:
    before = dict(flat(read_config(run)))
    if _EPOCHS not in before:
        # Killed while it was being made: nothing has been trained, and files may be missing.
        return
    with TemporaryDirectory() as name:
        fresh = Path(name)
        task.save(fresh)
        now = dict(flat(read_config(fresh) | {"training": training_section(task, options)}))
        changed = [*_changed_values(before, now), *_changed_course(before, now), *_changed_files(run, fresh)]
    if changed:
        cure = "Give the options and files of the first time, or train into another folder"
        raise InputError(str(run), "can only be resumed as it was begun", "; ".join(changed), cure)


def _changed_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key) and key not in _FREE:
            yield f"{key}: {before.get(key)} before, {now.get(key)} now"


def _changed_course(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield the changes that would have led elsewhere: other examples, or an earlier end."""
    epochs, patience = ((before[name], now[name]) for name in (_EPOCHS, _PATIENCE))
    if epochs[1] < epochs[0]:
        yield f"{_EPOCHS}: {epochs[0]} before, {epochs[1]} now, and epochs can only be added"
    # Runs of version 0.1.0 do not say what their data were.
    if before.get(_DATA, now.get(_DATA)) != now.get(_DATA):
        yield "the examples are others (the same files, `dev` among them?)"
    if patience[1] and not 0 < patience[0] <= patience[1]:
        yield f"{_PATIENCE}: {patience[0]} before, {patience[1]} now, and it can only grow (0: no limit)"


def _changed_files(run: Path, fresh: Path) -> list[str]:
    """Return the files of the task, such as its vocabulary, that have changed."""
    names = (path.name for path in sorted(fresh.iterdir()) if path.name != CONFIG)
    return [f"{name} would be another" for name in names if not _is_kept(run, fresh, name)]


def _is_kept(run: Path, fresh: Path, name: str) -> bool:
    """Return whether a file of the task in the run equals that in `fresh`; a list also as version 0.1.0 wrote
    it.
    """
    older = kept_in(run, Path(name).stem)
    if older.suffix == ".txt" and name == f"{older.stem}.json":
        return read_bytes(older).decode("utf-8", "replace").splitlines() == list(read_names(fresh / name))
    return (run / name).exists() and read_bytes(run / name) == read_bytes(fresh / name)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value with its path, such as ``training.epochs``."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
