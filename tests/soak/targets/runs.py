"""Run folders of every job as strangers, disks and editors may leave them: one file damaged, or one value."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from bptt.jobs.classify.task import TrainedClassifier
from bptt.jobs.loading import load
from bptt.jobs.older import older_names
from bptt.report.run_records import read_training
from bptt.training import nested_tensors
from bptt.training.checkpoint import restore
from bptt.training.optimiser import build_optimiser
from bptt.training.options import TrainingOptions
from soak.damage import damage
from soak.target import Target

RUNS = Path(__file__).parents[2] / "golden" / "runs"
JOBS = ("lm-character", "lm-bpe", "classify-text", "classify-dna", "classify-series", "tag", "translate")
WITH_CHECKPOINT = "classify-table"
CHECKPOINT = "last/checkpoint.safetensors"
# In the place of any value: of another type, and beyond any measure.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 7, 10**4, 10**6, 10**9, 10**12, 2**31, 2**63, 10**25, 10**400),
    *(0.5, 1e-300, 1e300, float("inf"), float("nan"), "", "x", "\ud800", "a\nb", "zero", "lstm"),
    *([], [1], [10**6] * 3, [1] * 50_000, ["a"], [[1]], {}, {"a": 1}),
)

Place = tuple[Any, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place inside nested dicts and lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*place, key)
        yield from places(item, (*place, key))


def changed(value: Any, random: Random) -> Any:
    """`value` with another value, or none, at one place."""
    *outer, last = random.choice(list(places(value)))
    inside = value
    for key in outer:
        inside = inside[key]
    chance = random.random()
    if chance < 0.85:
        inside[last] = random.choice(VALUES)
    elif chance < 0.95:
        del inside[last]
    elif isinstance(inside, dict):
        inside["more"] = random.choice(VALUES)
    return value


def changed_json(path: Path, random: Random) -> bytes:
    """A file of JSON with one other value."""
    return json.dumps(changed(json.loads(path.read_bytes()), random)).encode()


def changed_header(path: Path, random: Random) -> bytes:
    """A file of safetensors with one other value in its header."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.dumps(changed(json.loads(data[8 : 8 + size]), random)).encode()
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def changed_checkpoint(path: Path, random: Random) -> bytes:
    """A checkpoint with one other plain value where it is read as a value, not as bytes."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    values = changed(json.loads(header["__metadata__"]["values"]), random)
    header["__metadata__"]["values"] = json.dumps(values)
    whole = json.dumps(header).encode()
    return len(whole).to_bytes(8, "little") + whole + data[8 + size :]


def damaged(path: Path, random: Random) -> bytes:
    """A file with damaged bytes."""
    return damage(path.read_bytes(), random)


Spoil = Callable[[Path, Random], bytes]
Input = tuple[str, str, bytes]


def spoiled(
    runs: tuple[str, ...], names: tuple[str, ...], spoils: tuple[Spoil, ...], random: Random
) -> Input:
    """A run, the name of one of its files, and what is in it now."""
    run = random.choice(runs)
    name = random.choice([name for name in names if (RUNS / run / name).exists()])
    return run, name, random.choice(spoils)(RUNS / run / name, random)


def placed(made: Input, folder: Path) -> Path:
    """A copy of the run with the file in its place."""
    run, name, data = made
    shutil.rmtree(folder / "run", ignore_errors=True)
    shutil.copytree(RUNS / run, folder / "run")
    (folder / "run" / name).write_bytes(data)
    return folder / "run"


def meet_load(made: Input, folder: Path) -> None:
    """Load the model."""
    load(placed(made, folder))


def meet_checkpoint(made: Input, folder: Path) -> None:
    """Go on from the checkpoint."""
    run = placed(made, folder)
    trained = load(run)
    assert isinstance(trained, TrainedClassifier)
    optimiser = build_optimiser(list(trained.model.parameters()), TrainingOptions())
    before = nested_tensors.load(RUNS / WITH_CHECKPOINT / CHECKPOINT)["random"]
    state, _ = restore(run, trained.model, optimiser)
    assert before and state.step >= 0
    for parameter in trained.model.parameters():
        parameter.grad = parameter.detach().clone()
    optimiser.step()


def meet_records(made: Input, folder: Path) -> None:
    """Read the curves of the training."""
    read_training(placed(made, folder), older_names)


def target(
    name: str, runs: tuple[str, ...], names: tuple[str, ...], spoils: tuple[Spoil, ...], meet: Any, cost: int
) -> Target:
    """A target of files in runs."""
    return Target(name, partial(spoiled, runs, names, spoils), meet, cost)


TARGETS = (
    target("configuration", JOBS, ("config.json",), (changed_json, changed_json, damaged), meet_load, 20),
    target(
        "tokenizer",
        ("lm-character", "lm-word", "lm-bpe", "translate"),
        ("tokenizer.json", "target_tokenizer.json"),
        (changed_json, damaged),
        meet_load,
        20,
    ),
    target(
        "labels-and-words",
        ("classify-text", "classify-dna", "tag"),
        ("labels.txt", "words.txt", "characters.txt"),
        (damaged,),
        meet_load,
        20,
    ),
    target("weights", JOBS, ("model.safetensors",), (changed_header, damaged), meet_load, 20),
    target(
        "checkpoint",
        (WITH_CHECKPOINT,),
        (CHECKPOINT,),
        (changed_checkpoint, changed_checkpoint, changed_header, damaged),
        meet_checkpoint,
        20,
    ),
    target("records", JOBS, ("metrics.jsonl",), (damaged,), meet_records, 4),
)
