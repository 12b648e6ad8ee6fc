"""Ownership of files in a run folder: those of the run may be replaced and removed, all others stay."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Set
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from typing import Any

from bptt.errors import InputError, MachineError
from bptt.files import kind_of
from bptt.jobs.task import Task
from bptt.runs.run_folder import CONFIG, WEIGHTS, read_config, write_config
from bptt.training.checkpoint import FILE, is_own

RECORDS = "metrics.jsonl"
LAST = FILE.parent.name
# The key of config.json under which a run lists the files that its job has written.
FILES = "files"

# The files that training writes. A run is recognised by its configuration, so that comes first and goes last.
_FIXED = (LAST, WEIGHTS, RECORDS, CONFIG)
# The files that the jobs of version 0.1.0, which kept no list, have written.
_FIRST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "language-model": ("held_out.txt", "tokenizer.json"),
        "classify": ("labels.txt", "tokenizer.json"),
        "tag": ("characters.txt", "labels.txt", "words.txt"),
        "translate": ("labels.txt", "target_tokenizer.json", "tokenizer.json"),
    }
)
_KNOWN = {
    *chain(*_FIRST.values()),
    "characters.json",
    "labels.json",
    "ngrams.json",
    "vector_words.json",
    "words.json",
}
_FRESH = ".bptt-begin-"
_CURE = "Name another folder, or move it away"


def own_files(run: Path) -> frozenset[str] | None:
    """Return the names of the files that the job of a run has written; None if there is no run in the
    folder.
    """
    try:
        config = read_config(run)
    except (InputError, MachineError):
        return None
    task = config.get("task")
    if not (isinstance(task, str) and isinstance(config.get("bptt"), str)):
        return None
    names = config.get(FILES, _FIRST.get(task, ()))
    return frozenset(name for name in names if isinstance(name, str)) if _is_list(names) else frozenset()


def _is_list(names: Any) -> bool:
    return isinstance(names, list | tuple)


def check_claim(run: Path) -> bool:
    """Return whether a run is in the folder, so that the names of its files are its own.

    Raises InputError naming the file if there is none and somebody else's file has the name of one, and if
    something else than a checkpoint is in `last`, or it is a link, which might lead anywhere.
    """
    claimed = own_files(run) is not None
    for name in _FIXED:
        if not claimed:
            refuse_foreign(run / name)
    last = run / LAST
    if kind_of(last) not in (None, "a folder"):
        raise InputError(str(last), "must be a folder of the run", kind_of(last), _CURE)
    for path in sorted(last.iterdir()) if last.exists() else ():
        if not is_own(path.name):
            refuse_foreign(path)
    return claimed


def refuse_foreign(path: Path) -> None:
    """Raise InputError if there is anything of this name, which the caller knows to be no file of a run."""
    if (kind := kind_of(path)) is not None:
        raise InputError(str(path), "must be free, or a file of a run", f"{kind} that no run wrote", _CURE)


def claim(task: Task, run: Path, training: Mapping[str, Any]) -> None:
    """Put a new run of `task` with the options `training` in the place of the run in the folder, if any.

    Killed at any moment, it leaves a folder that is known as a run. Hold its lock. Raises InputError naming
    the file if the job would write over somebody else's, nothing removed.
    """
    fresh = _write_apart(task, run)
    try:
        names, own = sorted(path.name for path in fresh.iterdir()), own_files(run) or frozenset()
        for name in names:
            if name != CONFIG and name not in own:
                refuse_foreign(run / name)
        check_claim(run)
        said = {"title": task.title, "unit": task.unit.removesuffix("s")}
        config = {**read_config(fresh), **said, FILES: [name for name in names if name != CONFIG]}
        _remove(run, own - {*names})
        # With both lists: whatever is left of the run before, and whatever has come, belongs to this one.
        write_config(run, {**config, FILES: sorted({*config[FILES], *own})})
        for name in config[FILES]:
            os.replace(fresh / name, run / name)
        write_config(run, {**config, "training": dict(training)})
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write_apart(task: Task, run: Path) -> Path:
    """Write the files of `task` into a new folder inside `run`; folders that killed processes left are
    removed.
    """
    for path in run.glob(f"{_FRESH}*"):
        if kind_of(path) == "a folder":
            shutil.rmtree(path, ignore_errors=True)
    try:
        fresh = Path(mkdtemp(prefix=_FRESH, dir=run))
    except OSError as error:
        raise MachineError(str(run), "must be writable", error.strerror) from error
    try:
        task.save(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return fresh


def _remove(run: Path, files: Set[str]) -> None:
    """Remove the run but for its configuration: the checkpoint first, so that no half is gone on from.

    Of the `files` of its job only those that some job writes: who made config.json may not be trusted.
    """
    last = [path for path in sorted((run / LAST).glob("*")) if is_own(path.name)]
    names = [WEIGHTS, RECORDS, *sorted(_KNOWN & files)]
    try:
        for path in (*last, *(run / name for name in names)):
            path.unlink(missing_ok=True)
        if (run / LAST).exists():
            (run / LAST).rmdir()
    except OSError as error:
        raise MachineError(str(run), "must be removed to begin anew", error, _CURE) from error
