"""The form of a verb that draws samples: a document at the end, or events while they are drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bptt.errors import InputError
from bptt.serve.sample_row import SampleRow, TextPiece, Wanted
from bptt.serve.shared_sampling import SharedSampling
from bptt.serve.verb import AnyVerb


@dataclass(frozen=True)
class DrawnRequest:
    """A request for samples: the samples, whether they are streamed, and what else the verb has read."""

    wanted: Wanted
    stream: bool
    about: Any = None


class DrawnVerb(AnyVerb):
    """One verb of one model, whose requests are drawn side by side."""

    drawing: SharedSampling

    @abstractmethod
    def read(self, given: Mapping[str, Any]) -> DrawnRequest:
        """Return the request. Raises InputError for a field that is unknown, or has another type."""

    @abstractmethod
    def document(self, name: str, asked: DrawnRequest, rows: Sequence[SampleRow]) -> Any:
        """Return the answer of the model `name` as plain data."""

    @abstractmethod
    def event(self, name: str, asked: DrawnRequest, piece: TextPiece) -> Any:
        """Return the event for a piece of a row as plain data."""

    def last_events(self, name: str, asked: DrawnRequest, rows: Sequence[SampleRow]) -> Iterator[Any]:
        """Yield further events behind the last piece; none by default."""
        return iter(())


def joined(pieces: Sequence[TextPiece]) -> list[TextPiece]:
    """Return a piece for each row of several pieces, which came in this order."""
    found: dict[int, TextPiece] = {}
    for piece in pieces:
        before = found.get(piece.index)
        if before is not None:
            tokens = (*before.tokens, *piece.tokens)
            piece = replace(piece, text=before.text + piece.text, tokens=tokens)
        found[piece.index] = piece
    return list(found.values())


def check_size(tokens: tuple[str, int, int], samples: tuple[str, int, int]) -> None:
    """Raise InputError for more tokens of a sample, or more samples, than a request may ask for.

    Each is the name of the field, its value, and the largest one.
    """
    for (name, value, most), unit in ((tokens, "tokens"), (samples, "samples")):
        if value > most:
            raise InputError(name, f"must be at most {most:,} {unit}", f"{value:,}")
