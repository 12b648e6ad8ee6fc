"""Recordings as a file holds them, with what it says about each, and what names of files say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bptt.data.skeletons.recording import Skeleton

# Names that say label and subject: NTU SsssCcccPpppRrrrAaaa; UTD-MHAD a1_s1_t1; MSR Action3D a01_s01_e01.
_NAMES = (
    re.compile(r"(?i)S\d{3}C\d{3}(?P<group>P\d{3})R\d{3}(?P<label>A\d{3})"),
    re.compile(r"(?i)(?:^|[/\\])(?P<label>a\d+)_(?P<group>s\d+)_[te]\d+"),
)


@dataclass(frozen=True)
class LabelledRecording:
    """A recording with its label, None if the file has none; `name` is its own in a file that holds several,
    `part` the part of the data that it is of.
    """

    skeleton: Skeleton
    label: str | None = None
    name: str = ""
    group: str = ""
    part: str = ""


def label_and_group(name: str) -> tuple[str | None, str]:
    """Return the label and the subject that the name of a file says in a known way; None and "" if none."""
    for pattern in _NAMES:
        match = pattern.search(name)
        if match is not None:
            return match["label"], match["group"]
    return None, ""
