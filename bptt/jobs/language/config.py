"""What a language model is made of: its choices in checked values, and config.json and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bptt.cells.cell import Cell
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.language.options import OPTIONS
from bptt.jobs.language.options import DataOptions as DataOptions
from bptt.jobs.language.options import Mode as Mode
from bptt.jobs.language.options import ModelOptions as ModelOptions
from bptt.options.sections import to_section
from bptt.runs.config import read_sections

TASK = OPTIONS.task


@dataclass(frozen=True)
class LanguageModelConfig:
    """Every choice for a language model: what is computed, on which text, cut into which tokens."""

    cell: Cell
    model: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)

    def to_dict(self) -> dict[str, Any]:
        """The sections of config.json, with the usual values filled in."""
        return {
            "model": to_section(self.model) | {"embedding_size": self.model.width},
            "cell": self.cell.to_dict(),
            "data": to_section(self.data),
            "vocabulary": to_section(self.vocabulary),
        }


@dataclass(frozen=True)
class Source:
    """What a run was trained on: the names and the fingerprint of its text, V and the fingerprint of
    its vocabulary.
    """

    names: tuple[str, ...]
    text_sha256: str
    vocabulary_size: int
    vocabulary_sha256: str


@dataclass(frozen=True)
class _Whole:
    """All sections of config.json."""

    cell: Cell
    model: ModelOptions
    data: DataOptions
    vocabulary: VocabularyOptions
    source: Source


def read_language_config(run: Path) -> tuple[LanguageModelConfig, Source]:
    """What `run` says about itself. Raises InputError if it is no language model, or damaged."""
    found = read_sections(_Whole, run, TASK)
    return LanguageModelConfig(found.cell, found.model, found.data, found.vocabulary), found.source
