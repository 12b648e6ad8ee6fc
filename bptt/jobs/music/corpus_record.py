"""The record of a corpus that a run keeps: measures to compare with, and runs of notes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bptt.data.midi.copied_runs import CorpusRuns
from bptt.data.midi.score import Score
from bptt.data.midi.score_measures import ScoreMeasures, measure_scores
from bptt.data.reading import read_bytes
from bptt.errors import InputError

FILE = "corpus.json"
_HISTOGRAMS = ("pitches", "durations", "gaps", "velocities")


@dataclass(frozen=True)
class CorpusRecord:
    """The measures of the pieces learned from, and their runs of notes, in which copies are found."""

    measures: ScoreMeasures
    runs: CorpusRuns

    @classmethod
    def of(cls, scores: Sequence[Score]) -> CorpusRecord:
        """Return the record of pieces."""
        return cls(measure_scores(scores), CorpusRuns(scores))

    def to_bytes(self) -> bytes:
        """Return the content of the file that a run keeps."""
        values: dict[str, Any] = asdict(self.measures)
        for name in _HISTOGRAMS:
            values[name] = [[str(value), share] for value, share in values[name].items()]
        return (json.dumps({"measures": values, "runs": self.runs.to_json()}) + "\n").encode()

    @classmethod
    def load(cls, run: Path) -> CorpusRecord:
        """Read the record of a run folder. Raises InputError with the file if it is missing or damaged."""
        where = run / FILE
        data = read_bytes(where, "Restore the file, or train again")
        try:
            found = json.loads(data)
            values = dict(found["measures"])
            for name in _HISTOGRAMS:
                values[name] = {_number(value): share for value, share in values[name]}
            return cls(ScoreMeasures(**values), CorpusRuns.from_json(found["runs"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(str(where), "must be the record of a corpus", error) from error


def _number(text: str) -> Fraction:
    # A whole number is equal to its fraction, and has its hash.
    return Fraction(text)
