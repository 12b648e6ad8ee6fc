"""N-best lists: for each utterance the texts that a recogniser held possible, best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bptt.errors import InputError


@dataclass(frozen=True)
class ScoredHypothesis:
    """A text and its log-probability: natural logarithm, summed over the text."""

    text: str
    score: float


@dataclass(frozen=True)
class Utterance:
    """The hypotheses of utterance `name`, at least one; `reference` is the words spoken, None if unknown."""

    name: str
    hypotheses: tuple[ScoredHypothesis, ...]
    reference: str | None = None


@dataclass(frozen=True)
class NBest:
    """The lists of one file or folder. `notes` describe it for the user, a line each."""

    where: str
    utterances: tuple[Utterance, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.utterances:
            raise InputError(self.where, "must hold at least one utterance", "none")

    @property
    def has_references(self) -> bool:
        """Whether the file says what was said in each utterance."""
        return all(each.reference is not None for each in self.utterances)

    def with_references(self, references: Mapping[str, str], where: str) -> NBest:
        """Return the same lists with references, which are from `where`. Raises InputError for an utterance
        not there.
        """
        missing = [each.name for each in self.utterances if each.name not in references]
        if missing:
            came = f"none for {len(missing):,}, the first {missing[0]}"
            raise InputError(where, f"must have a reference for each utterance of {self.where}", came)
        found = tuple(replace(each, reference=references[each.name]) for each in self.utterances)
        return replace(self, utterances=found)
