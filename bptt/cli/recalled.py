"""Options that `bptt train` is not given: those of the run that is resumed, or that a new one begins from."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import typer

from bptt.cli.training import TYPED

Sections = Mapping[str, Mapping[str, Any]]

# An option has the name of its field, or that of `TYPED`, or one of these.
_FIELDS = {typed.replace("-", "_"): field for field, typed in TYPED.items()} | {
    "lower": "lowercase",
    "characters": "spelled",
    "input": "form",
    "text_column": "input_column",
    "label_column": "target_column",
}
# The sections of a configuration in which the field of an option is looked for, in this order; before them
# the section that is named in the option, such as decoder_hidden.
_ORDER = "training data vocabulary words tokens tags head source pairs model encoder decoder".split()
_NAMED = ("target", "decoder")
# What a run that begins from another chooses for itself: how it is trained, and the form of its data.
_OWN_SECTIONS = ("training", "data", "source", "pairs")
_SHARED_FIELDS = ("mode", "both_strands")
# The schedules that have a decay.
_DECAYING = ("exponential", "plateau")
_SETTLED = object()


def recalling(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose options that are not given are those of the run with --resume and --init-from.

    What is given counts: a resumed run refuses what differs, by name.
    """

    @wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        folder = values["output"] if values["resume"] else values.get("init_from")
        if folder is not None:
            values |= _recall(values, _given(context), folder, values["resume"])
        command(**values)

    parameters = inspect.signature(command).parameters.values()
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    run.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    run.__annotations__ = {"context": typer.Context, **command.__annotations__}
    return run


def _given(context: typer.Context) -> set[str]:
    """The names of the options that the user has typed."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {
        name for name, source in sources.items() if source and source.name in ("COMMANDLINE", "ENVIRONMENT")
    }


def _recall(values: Mapping[str, Any], given: set[str], run: Path, resumed: bool) -> dict[str, Any]:
    """The values of options that are not `given`, as far as `run` says something about them; said aloud."""
    sections = _read_sections(run, resumed)
    begun = resumed and sections.get("training", {}).get("init_from") and "init_from" not in given
    found = {name: recalled(name, sections) for name in values if name not in given}
    found = {name: value for name, value in found.items() if value is not _SETTLED}
    if "scheme" in found and found["scheme"] is None:
        # Without a scheme it would be looked for in the tags.
        found["scheme"] = "none"
    schedule = sections.get("training", {}).get("schedule")
    if "schedule" in given or schedule not in _DECAYING:
        found.pop("decay", None)
    if "one_hot" in values and "embedding" in found:
        # Of the two options of one width none is asked about where the other is given.
        found["one_hot"], width = found["embedding"] == 0, found["embedding"]
        found["embedding"] = width or None
        if {"one_hot", "embedding"} & given:
            found = {name: v for name, v in found.items() if name not in ("one_hot", "embedding")}
    if begun:
        # The vocabulary came from another run, and is in this one.
        found |= {"init_from": run, "keep_vocabulary": True}
    _say(run, {name: value for name, value in found.items() if value != values[name]})
    return found


def recalled(option: str, sections: Sections) -> Any:
    """The value of an option in the sections of a configuration; `_SETTLED` if they do not hold it."""
    if option == "cell":
        return sections.get("", {}).get("cell", _SETTLED)
    for name in _NAMED:
        rest = option.removeprefix(f"{name}_")
        field = _FIELDS.get(rest, rest)
        if rest != option and field in sections.get(name, {}):
            return _typed(sections[name][field])
    field = _FIELDS.get(option, option)
    holding = (sections[name] for name in _ORDER if field in sections.get(name, {}))
    return next((_typed(section[field]) for section in holding), _SETTLED)


def _read_sections(run: Path, resumed: bool) -> Sections:
    """The sections of the configuration of a run; none of one to resume that is not there yet."""
    from bptt.jobs.loading import read_configuration
    from bptt.runs.run_folder import CONFIG, read_config

    if resumed and not (run / CONFIG).exists():
        return {}
    config = read_configuration(run)
    training = read_config(run).get("training")
    sections: dict[str, Mapping[str, Any]] = {"training": training if isinstance(training, dict) else {}}
    for each in fields(config):
        value = getattr(config, each.name)
        sections[each.name] = (
            {} if each.name == "cell" else {f.name: getattr(value, f.name) for f in fields(value)}
        )
    if not resumed:
        for name in _OWN_SECTIONS:
            held = sections.get(name, {})
            sections[name] = {field: held[field] for field in _SHARED_FIELDS if field in held}
    return sections | {"": {"cell": config.cell}}


def _typed(value: Any) -> Any:
    """A value as the command line gives it."""
    return list(value) or None if isinstance(value, tuple) else value


def _say(run: Path, changed: Mapping[str, Any]) -> None:
    shown = (f"{name.replace('_', '-')} {getattr(value, 'name', value)}" for name, value in changed.items())
    if changed:
        print(f"{run}: options of that run: {', '.join(shown)}", file=sys.stderr)
