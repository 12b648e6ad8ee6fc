"""The record of a format that models are exported to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bptt.exporting.options import ExportOptions
    from bptt.nn.stack import Stack


@dataclass(frozen=True)
class Exported:
    """The files that were written, and what was measured on the way, by name."""

    files: tuple[Path, ...]
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A format. Each function returns the files to write by their names, and what it measured.

    Args:
        name: that of the option `to`.
        of_run: exports the model of a run folder. Raises InputError for a part that the format lacks.
        of_module: exports a recurrent module, as files by the endings of their names; None if the format is
            for runs alone.
        is_file: a run becomes one file, which the option `output` names, not a folder of files.

    """

    name: str
    of_run: Callable[[Path, ExportOptions], tuple[Mapping[str, bytes], Mapping[str, float]]]
    of_module: Callable[[Stack, ExportOptions], tuple[Mapping[str, bytes], Mapping[str, float]]] | None = None
    is_file: bool = False
