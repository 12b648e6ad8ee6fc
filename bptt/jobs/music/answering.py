"""The likelihoods of pieces as records."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.jobs.answers import Answer, Line


@dataclass(frozen=True)
class PieceAnswer(Answer):
    """The ln P of piece number `row`, from 1, in nats, and its judgement.

    `name` is that of the piece, `input` that of its file. `steps` counts its tokens or frames, `notes` its
    notes; `in_key` is the share of them in the key of the piece, and `longest_copied` the length of the
    longest run of notes that the corpus has too.
    """

    row: int
    name: str
    input: str
    log_probability: float
    steps: int
    notes: int
    in_key: float
    longest_copied: int

    @property
    def line(self) -> Line:
        """The columns that `bptt score` prints."""
        total = -self.log_probability
        means = f"{total / max(self.steps, 1):.4f}", f"{total / max(self.notes, 1):.4f}"
        judged = f"{self.in_key:.3f}", str(self.longest_copied)
        return f"{-total:.4f}", str(self.steps), *means, *judged, self.name


@dataclass(frozen=True)
class PieceSample(Answer):
    """Sample number `row`, from 1, the likeliest a step first: its `files`, and its judgement.

    `log_probability` is the ln P of the `steps` that were drawn, in nats. `notes` and `seconds` are those of
    the piece in the files. The part that was drawn is judged: `in_key` is the share of its notes in its key,
    `longest_copied` the length of the longest run of notes that the corpus has too, and `faults` are what is
    degenerate about it, in words.
    """

    row: int
    files: tuple[str, ...]
    log_probability: float
    steps: int
    notes: int
    seconds: float
    in_key: float
    longest_copied: int
    faults: tuple[str, ...]


ANSWERS = {"score": (PieceAnswer,), "sample": (PieceSample,)}
