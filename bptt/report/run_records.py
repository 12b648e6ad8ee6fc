"""The training of a run, read from its folder: the curves and the few numbers that sum them up."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bptt.errors import InputError
from bptt.languages.phrase import phrase

RECORDS, CONFIG = "metrics.jsonl", "config.json"
# How δ is called in records of the gradient.
NET = "δ"
# The unit of the loss of a job with one answer for a sequence, for which no perplexity is shown.
WHOLE = "example"
# Reads the title of the model and the unit of its losses off the config.json of a run that names neither.
OlderNames: TypeAlias = Callable[[Mapping[str, Any]], tuple[str, str]]


@dataclass(frozen=True)
class Curve:
    """A loss in nats per unit after each number of updates in `steps`."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Reach:
    """The gradient through time of one layer, as the updates `steps` have shown it: the norm of δ by lag,
    from lag 0, of each of them.
    """

    layer: str
    steps: tuple[int, ...]
    norms: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Training:
    """The training and the held-out curve of a run. `unit` is what the losses are per; `reach` is that of
    the last layer, if the run was watched.
    """

    title: str
    unit: str
    train: Curve
    held_out: Curve
    reach: Reach | None = None

    @property
    def best(self) -> tuple[int, float]:
        """The step and the loss of the best evaluation."""
        loss, step = min(zip(self.held_out.losses, self.held_out.steps, strict=True))
        return step, loss

    @property
    def summary(self) -> str:
        """One line in numbers."""
        step, loss = self.best
        last = max((*self.train.steps, *self.held_out.steps))
        return (
            f"best held-out loss {loss:.4f} nats per {self.unit} "
            f"(perplexity {math.exp(loss):.4g}) at step {step} of {last}"
        )


def read_training(run: Path, older: OlderNames) -> Training:
    """Read the curves of `metrics.jsonl`. Raises InputError if it is missing, damaged or has no curve.

    `older` names the model and the unit of a run whose configuration lacks them.
    """
    path = run / RECORDS
    records = list(read_records(path))
    try:
        train, held_out = (curve_of(records, kind) for kind in ("train", "held-out"))
        reach = _reach(records)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise InputError(str(path), "expected records with step and loss", repr(error)) from error
    if not held_out.steps:
        raise InputError(str(path), "expected a held-out loss", "none", "Train until the first one")
    described = _describe(run, older)
    return Training(f"{described.model}, by {described.unit}", described.unit, train, held_out, reach)


def read_title(run: Path, older: OlderNames) -> str:
    """Return in a line what a run has learned: its data or its folder, and its model.

    Raises InputError if config.json is missing or damaged.
    """
    described = _describe(run, older)
    if described.names_data:
        return phrase("{}, by {}", described.model, phrase(described.unit))
    return phrase("{}: {}, {}", run.resolve().name, phrase(described.title), described.model)


def read_records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Read one object a line; a last line without its end was cut off by a crash and does not count."""
    for number, line in enumerate(_read_text(path).splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            return
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}:{number}", "expected a JSON object", line.strip()[:80]) from error
        yield record


def curve_of(records: Sequence[Mapping[str, Any]], kind: str) -> Curve:
    """Return the losses of the records of a kind, "train" or "held-out"."""
    chosen = [record for record in records if record["kind"] == kind]
    steps = tuple(int(record["step"]) for record in chosen)
    return Curve(steps, tuple(float(record["loss"]) for record in chosen))


def _reach(records: list[Mapping[str, Any]]) -> Reach | None:
    looks = [
        (int(record["step"]), str(curve["layer"]), tuple(map(float, curve["median"])))
        for record in records
        if record["kind"] == "gradient"
        for curve in record["curves"]
        if curve["quantity"] == NET and len(curve["median"]) > 1
    ]
    if not looks:
        return None
    last = looks[-1][1]
    steps, _, norms = zip(*(look for look in looks if look[1] == last), strict=True)
    return Reach(last, steps, norms)


def read_object(path: Path) -> Mapping[str, Any]:
    """Read a file that is one JSON object. Raises InputError if it is missing or damaged."""
    try:
        found = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), "expected a JSON object", str(error)) from error
    if not isinstance(found, dict):
        raise InputError(str(path), "expected a JSON object", type(found).__name__)
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(str(path), "no such file", cure="Is this a run folder?") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), "expected a readable text file", str(error)) from error


@dataclass(frozen=True)
class _Described:
    """A run in words: what its model is called, its cell and sizes and data, and what its losses are per.

    `names_data` says whether the names of the data are among them.
    """

    title: str
    model: str
    unit: str
    names_data: bool


def _describe(run: Path, older: OlderNames) -> _Described:
    """Read what config.json says of a run. Raises InputError if it is missing or damaged."""
    config = read_object(run / CONFIG)
    try:
        title, unit = (config["title"], config["unit"]) if "unit" in config else older(config)
        sizes = config["encoder"] if "encoder" in config else config["model"]
        names = config.get("source", {}).get("names", ())
        cells = config["cell"] if isinstance(config["cell"], list) else [config["cell"]]
        model = f"{','.join(cell['name'] for cell in cells)} {sizes['num_layers']}×{sizes['hidden_size']}"
        if names:
            model = phrase("{} on {}", model, ", ".join(names))
        return _Described(str(title), model, str(unit), bool(names))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(str(run / CONFIG), "expected what `bptt train` writes", repr(error)) from error
