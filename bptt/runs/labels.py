"""The labels of a job: found in examples, and kept in a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.names import kept_in, names_to_bytes, read_names
from bptt.data.reading import read_bytes
from bptt.deferred import deferred
from bptt.errors import InputError, printable
from bptt.runs.run_folder import write_bytes

if TYPE_CHECKING:
    from bptt.data.examples import Examples, X

# For runs of version 0.1.0.
_decode_text = deferred("bptt.data.text", "decode_text")

LABELS = "labels"


def check_labels(examples: Examples[X, str]) -> tuple[str, ...]:
    """Return the labels of examples in sorted order. Raises InputError for fewer than two, or one of two
    lines.
    """
    targets = examples.targets
    labels = sorted(set(targets))
    if len(labels) < 2:
        cure = "Give examples of another label; is it the right column?"
        raise InputError("labels", "need at least two distinct labels", repr(labels[0]), cure)
    for label, place in zip(targets, examples.places, strict=True):
        check_line(label, place)
    return tuple(labels)


def check_line(label: str, place: str) -> None:
    """Raise InputError with the place of a label that is not one line, as answers are printed."""
    if not label or "\n" in label or "\r" in label:
        raise InputError(place, "a label is one line", repr(label))


def label_files(labels: Sequence[str]) -> dict[str, bytes]:
    """Write labels.json and, for people and scripts, labels.txt, a label a line.

    Both have the order of the network's outputs. In labels.txt control characters are escaped; `bptt` reads
    labels.json alone.
    """
    lines = "".join(f"{printable(label)}\n" for label in labels)
    return {f"{LABELS}.json": names_to_bytes(labels), f"{LABELS}.txt": lines.encode()}


def write_labels(run: Path, labels: Sequence[str]) -> None:
    """Write the labels of a run, whose order is that of the network's outputs."""
    for name, content in label_files(labels).items():
        write_bytes(run / name, content)


def read_labels(run: Path) -> tuple[str, ...]:
    """Read the labels that `write_labels` wrote. Raises InputError if the file is missing or damaged."""
    path, cure = kept_in(run, LABELS), "Restore the file, or train again"
    if path.suffix == ".json":
        labels = read_names(path)
    else:
        labels = tuple(_decode_text(read_bytes(path, cure), str(path), packed=False).splitlines())
    if len(labels) < 2 or len(set(labels)) < len(labels) or "" in labels:
        raise InputError(str(path), "must hold two labels or more, each once", len(labels), cure)
    return labels
