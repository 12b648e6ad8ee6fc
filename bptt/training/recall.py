"""Options that a training is not given: those of the run that is resumed, or that a new one begins from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bptt.jobs.registry import job_of_run
from bptt.options.choices import Choices
from bptt.options.option_set import NamedOption
from bptt.runs.run_folder import CONFIG, read_config

# The sections that a run which begins from another chooses for itself: how it is trained, and the form of its
# data; but for these fields of them.
_OWN_SECTIONS = ("training", "data", "source", "pairs")
_SHARED_FIELDS = ("mode", "both_strands")
# The schedules that have a decay.
_DECAYING = ("exponential", "plateau")
# An option that is given settles the others: with one-hot input there is no embedding to size.
_EXCLUDED = {"one_hot": ("embedding_size",)}

Sections = Mapping[str, Mapping[str, Any]]


def recall(choices: Choices) -> tuple[Choices, dict[str, Any]]:
    """Return the choices with what a resumed run, or the run to begin from, has for options not given.

    Also returns, by name, the values that are not the defaults. An option that is given counts: a resumed run
    refuses different ones, by name. Raises InputError if the folder is no run.
    """
    resumed = choices.get("resume")
    folder = choices.get("output") if resumed else choices.get("init_from")
    if folder is None or (resumed and not (folder / CONFIG).exists()):
        return choices, {}
    sections = _sections(folder, resumed)
    found = {
        each.name: value
        for each in choices.options
        if not choices.has(each.name) and (value := _value(each, sections)) is not None
    }
    if choices.has("schedule") or found.get("schedule") not in _DECAYING:
        found.pop("decay", None)
    for option, others in _EXCLUDED.items():
        if choices.has(option):
            for other in others:
                found.pop(other, None)
    if resumed and sections["training"].get("init_from") and not choices.has("init_from"):
        # The vocabulary came from another run, and is in this one.
        found |= {"init_from": folder, "keep_vocabulary": True}
    changed = {name: value for name, value in found.items() if value != choices.options.named(name).default}
    return choices.over(found), changed


def _value(option: NamedOption, sections: Sections) -> Any:
    """Return the value that a run has for an option; None if it has none, which then is its default."""
    field = option.field
    if field == "cell":
        return sections[""]["cell"]
    if option.section:
        return sections.get(option.section, {}).get(field)
    # Options of files are not saved, but their results are: the length of windows, the number of known words.
    kept = next((fields[field] for fields in sections.values() if field in fields), None)
    return bool(kept) if kept is not None and option.hint is bool else kept


def _sections(run: Path, resumed: bool) -> Sections:
    """Return the sections of the configuration of a run that count for another training."""
    job = job_of_run(run)
    config = job.configuration(run)
    training = read_config(run).get("training")
    sections: dict[str, Mapping[str, Any]] = {"training": training if isinstance(training, dict) else {}}
    for name in job.options.train.sections:
        if hasattr(config, name):
            sections[name] = job.options.recall(name, vars(getattr(config, name)))
    if not resumed:
        for name in _OWN_SECTIONS:
            held = sections.get(name, {})
            sections[name] = {field: held[field] for field in _SHARED_FIELDS if field in held}
    return sections | {"": {"cell": config.cell}}
