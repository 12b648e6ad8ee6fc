"""Helpers with which jobs read a user's files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bptt.data.examples import Example, Examples
from bptt.data.readers.detect import Detected
from bptt.data.readers.grid import Columns, part_of
from bptt.errors import InputError
from bptt.jobs.exposure import check_number
from bptt.jobs.job import Stretch
from bptt.options.choices import Choices

if TYPE_CHECKING:
    from bptt.data.readers.sources import Source

X = TypeVar("X")
Y = TypeVar("Y")


def detected_form(
    choices: Choices, data: Path, detect: Callable[[Path, Columns], Detected], columns: Columns
) -> str:
    """Return the chosen format of a file, or the one that `detect` finds, with a notice to the user."""
    if choices.has("form"):
        return str(choices.get("form"))
    found = detect(data, columns)
    choices.say(f"{data}: read as {found.form}, for {found.reason} (`form` says otherwise)")
    return found.form


def needed_data(run: Path, data: Path | None) -> Path:
    """Return the file to evaluate on. Raises InputError if none is given."""
    if data is None:
        raise InputError(str(run), "needs examples with their answers", "none", "Name a file as learned from")
    return data


def noted(source: object, examples: Examples[Any, Any]) -> tuple[str, ...]:
    """Return lines for the user on how a source was read, and on examples left out."""
    return tuple(f"{source}: {note}" for note in examples.notes)


def part_to_evaluate(
    examples: Examples[X, Y], part: str | None, held_out_groups: Collection[str]
) -> tuple[Examples[X, Y], tuple[str, ...]]:
    """Return the examples of a part, train, dev, test or all, and a note on which they are.

    Without a `part`, those of the part test, if the data name one; else those of the groups that training
    held out, if it did so by their names and the data have them beside others; else all. Raises InputError if
    the data name no such part.
    """
    parts = [part_of(each) for each in examples.parts]
    held = [bool(group) and group in held_out_groups for group in examples.groups]
    if part is None:
        part = "test" if "test" in parts else "dev" if any(held) else "all"
    if part == "all":
        return examples, ()
    in_part = {
        "dev": [is_held or each == "dev" for is_held, each in zip(held, parts, strict=True)],
        "test": [each == "test" for each in parts],
        "train": [not is_held and each in ("train", "") for is_held, each in zip(held, parts, strict=True)],
    }[part]
    rows = [i for i, is_in in enumerate(in_part) if is_in]
    if not rows:
        rule = "must be named by the data, or held out by groups in training"
        raise InputError("part", rule, part, "Give the file of that part")
    if len(rows) == len(examples):
        return examples, ()
    said = f"evaluated: the part {part}, {len(rows):,} of {len(examples):,} examples (`part` says otherwise)"
    return examples.take(rows), (said,)


def take(examples: Examples[X, Y], stretch: Stretch) -> Sequence[Example[X, Y]]:
    """Return the examples of a stretch. Raises InputError if the first does not exist."""
    check_number(stretch.number, len(examples), "examples")
    return examples.rows[stretch.number : stretch.number + stretch.count]


def refuse_target(stretch: Stretch) -> None:
    """Raise InputError if a stretch has a file of targets, which only translations have."""
    if stretch.target is not None:
        raise InputError("target", "goes with the sources of translations", cure="Leave it out")


def read_stretch(read: Callable[[Source, bool], Examples[X, Y]], stretch: Stretch) -> Sequence[Example[X, Y]]:
    """Return the examples of a stretch of a source, which `read` reads, with targets if it is labelled.

    Raises InputError if the stretch has a file of targets, or its first example does not exist.
    """
    refuse_target(stretch)
    return take(read(stretch.source, stretch.labelled), stretch)
