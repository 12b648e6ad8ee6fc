"""The configuration of a language model, as it is written to config.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bptt.cells.load import Cells, to_data
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.language.options import OPTIONS
from bptt.jobs.language.options import DataOptions as DataOptions
from bptt.jobs.language.options import Mode as Mode
from bptt.jobs.language.options import ModelOptions as ModelOptions
from bptt.options.field import ADDED
from bptt.options.sections import to_section
from bptt.runs.config import read_sections

TASK = OPTIONS.task


@dataclass(frozen=True)
class LanguageModelConfig:
    """All options of a language model: network, data and vocabulary."""

    cell: Cells
    model: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)

    def to_dict(self) -> dict[str, Any]:
        """Return the sections of config.json, with defaults filled in."""
        return {
            "model": to_section(self.model) | {"embedding_size": self.model.width},
            "cell": to_data(self.cell),
            "data": to_section(self.data),
            "vocabulary": to_section(self.vocabulary),
        }


@dataclass(frozen=True)
class Source:
    """The source of a run: names and hash of its text, size V and hash of its vocabulary, and the folder of
    its `prepared` tokens, "" for a text.
    """

    names: tuple[str, ...]
    text_sha256: str
    vocabulary_size: int
    vocabulary_sha256: str
    prepared: str = field(default="", metadata=ADDED)


@dataclass(frozen=True)
class _Whole:
    """All sections of config.json."""

    cell: Cells
    model: ModelOptions
    data: DataOptions
    vocabulary: VocabularyOptions
    source: Source


def read_language_config(run: Path) -> tuple[LanguageModelConfig, Source]:
    """Read configuration and source of `run`. Raises InputError if it is no language model, or damaged."""
    found = read_sections(_Whole, run, TASK)
    return LanguageModelConfig(found.cell, found.model, found.data, found.vocabulary), found.source
