"""How pieces are written for a network, and read back: as tokens, or as frames of keys."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from bptt.cells.load import Cells
from bptt.data.midi.key_frames import KeyFrames, frames_of, score_of_frames
from bptt.data.midi.music_tokens import decode_tokens, encode_score
from bptt.data.midi.music_vocabulary import MusicVocabulary, TokenKind
from bptt.data.midi.score import Score
from bptt.data.reading import read_bytes
from bptt.errors import InputError, counted
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.options import ModelOptions
from bptt.jobs.music.frame_model import FrameModel
from bptt.jobs.music.options import MusicModelOptions
from bptt.runs.origin import Rows

# The file of a run that holds the notation.
FILE = "notation.json"
# Quarters of silence before the first note that are kept.
_SILENCE = 16
# The semitones by which training pieces are transposed at most.
TRANSPOSED = (-5, 6)

MusicNetwork = LanguageModel | FrameModel


class PieceNotation(ABC):
    """A way to write pieces as steps: (T,) tokens or (T, K) frames, int64.

    `unit` is the plural of a step, of which `resolution` are a quarter or, in performances, a second.
    `feels_tempo` says whether a change of tempo changes the steps, `has_pitches` whether there is more than
    percussion.
    """

    unit: ClassVar[str]
    resolution: int
    feels_tempo: bool = False
    has_pitches: bool = True

    @abstractmethod
    def written(self, score: Score) -> tuple[Tensor, Counter[str]]:
        """Return the steps of a piece, and counts of what they do not hold, by its reason."""

    def encode(self, score: Score) -> Tensor:
        """Return the steps of a piece."""
        return self.written(score)[0]

    @abstractmethod
    def decode(self, steps: Tensor) -> Score:
        """Return the piece of steps."""

    @abstractmethod
    def transpositions(self, steps: Tensor) -> range:
        """Return the semitones, around 0, by which a piece can be moved without a loss."""

    @abstractmethod
    def transposed(self, steps: Tensor, semitones: int) -> Tensor:
        """Return a piece moved by semitones; percussion stays."""

    def retimed(self, steps: Tensor, factor: float) -> Tensor:
        """Return a piece that lasts `factor` times as long, to the nearest step."""
        return steps

    @abstractmethod
    def show(self, step: Tensor) -> str:
        """Return the name of a token, (), or of the keys of a frame, (K,)."""

    @abstractmethod
    def network(self, cell: Cells, options: MusicModelOptions) -> MusicNetwork:
        """Build a network for this notation."""

    @abstractmethod
    def rows(self, model: MusicNetwork) -> Rows:
        """Return the names of the tensors whose rows stand for tokens, to transfer weights by name."""

    @abstractmethod
    def to_json(self) -> Mapping[str, object]:
        """Return the notation as plain values."""

    @abstractmethod
    def describe(self) -> str:
        """Describe the notation in a line for the user."""

    def to_bytes(self) -> bytes:
        """Return the content of the file that a run keeps."""
        return (json.dumps(self.to_json(), indent=1) + "\n").encode()


class TokenNotation(PieceNotation):
    """Pieces as tokens of a vocabulary."""

    unit = "tokens"

    def __init__(self, vocabulary: MusicVocabulary) -> None:
        self.vocabulary, self.resolution = vocabulary, vocabulary.resolution
        pitches = vocabulary.of_kind[TokenKind.PITCH]
        self.has_pitches = len(pitches) > 0
        self._pitches = (int(pitches[0]), int(pitches[-1])) if self.has_pitches else (1, 0)
        self.feels_tempo = any(len(vocabulary.of_kind[kind]) for kind in (TokenKind.SHIFT, TokenKind.TEMPO))
        self._table = lru_cache(maxsize=64)(self._make_table)

    def written(self, score: Score) -> tuple[Tensor, Counter[str]]:
        """Return the tokens of a piece (T,), the last one End, and counts of what they do not hold."""
        found = encode_score(score, self.vocabulary)
        return torch.from_numpy(found.ids).long(), Counter(dict(found.report.lost))

    def decode(self, steps: Tensor) -> Score:
        """Return the piece of tokens (T,)."""
        return decode_tokens(steps.tolist(), self.vocabulary)

    def transpositions(self, steps: Tensor) -> range:
        """Return the semitones by which all pitches stay in the vocabulary."""
        first, last = self._pitches
        own = steps[(steps >= first) & (steps <= last)]
        if not len(own):
            return range(1)
        low, high = TRANSPOSED
        return range(max(low, first - int(own.min())), min(high, last - int(own.max())) + 1)

    def transposed(self, steps: Tensor, semitones: int) -> Tensor:
        """Return tokens (T,) with the pitches moved."""
        first, last = self._pitches
        return torch.where((steps >= first) & (steps <= last), steps + semitones, steps)

    def retimed(self, steps: Tensor, factor: float) -> Tensor:
        """Return tokens (T,) with times and tempos changed, each to the nearest token."""
        return self._table(factor)[steps]

    def _make_table(self, factor: float) -> Tensor:
        """Return for each token the number of the one that takes its place, (V,)."""
        table = torch.arange(len(self.vocabulary))
        shifts = len(self.vocabulary.of_kind[TokenKind.SHIFT]) > 0
        changes = {TokenKind.TEMPO: 1 / factor}
        if shifts:
            changes |= {TokenKind.SHIFT: factor, TokenKind.DURATION: factor}
        for kind, change in changes.items():
            numbers = torch.from_numpy(self.vocabulary.of_kind[kind])
            tokens = [self.vocabulary.tokens[number] for number in numbers.tolist()]
            values = torch.tensor([float(token.value) for token in tokens])
            if len(numbers):
                table[numbers] = numbers[(values[:, None] * change - values).abs().argmin(1)]
        return table

    def show(self, step: Tensor) -> str:
        """Return the name of a token, such as Pitch_60."""
        return self.vocabulary.names[int(step)]

    def network(self, cell: Cells, options: MusicModelOptions) -> LanguageModel:
        """Build a language model of the tokens."""
        sizes = {name: getattr(options, name) for name in RECURRENT}
        return LanguageModel(
            len(self.vocabulary), cell, ModelOptions(**sizes, embedding_size=options.embedding_size)
        )

    def rows(self, model: MusicNetwork) -> Rows:
        """Return the tensors with a row for each token."""
        assert isinstance(model, LanguageModel)
        return model.token_rows(self.vocabulary.names)

    def to_json(self) -> Mapping[str, object]:
        """Return the vocabulary as plain values."""
        return self.vocabulary.to_json()

    def describe(self) -> str:
        """Describe the vocabulary."""
        unit = "second" if len(self.vocabulary.of_kind[TokenKind.SHIFT]) else "quarter"
        return f"notation: {len(self.vocabulary):,} tokens, {counted(self.resolution, 'steps')} a {unit}"


# The options of a recurrent stack, which a model of tokens and a model of frames share.
RECURRENT = (
    "hidden_size",
    "num_layers",
    "dropout",
    "proj_size",
    "initial",
    "recurrent_init",
    "recurrent_scale",
    "forget_bias",
)


class FrameNotation(PieceNotation):
    """Pieces as frames of the keys `lowest` to `highest`, `resolution` of them a quarter.

    A key is on while its note sounds, so that a repeated note looks like a held one. Percussion is
    left out.
    """

    unit = "frames"

    def __init__(self, resolution: int, lowest: int, highest: int) -> None:
        self.resolution, self.lowest, self.highest = resolution, lowest, highest

    @property
    def keys(self) -> int:
        """The number of keys, K."""
        return self.highest - self.lowest + 1

    def written(self, score: Score) -> tuple[Tensor, Counter[str]]:
        """Return the frames of a piece, (T, K), and counts of what they do not hold."""
        frames, lost = frames_of(score, self.resolution, self.lowest, self.keys)
        found = torch.from_numpy(frames.sounding).long()
        sounding = torch.nonzero(found.any(1)).flatten()
        # A long silence before the first note is no music.
        silent = max(0, int(sounding[0]) - _SILENCE * self.resolution) if len(sounding) else 0
        return found[silent:], +Counter({**dict(lost), "frames of silence left out": silent})

    def decode(self, steps: Tensor) -> Score:
        """Return the piece of frames (T, K), a note for each run of a key."""
        frames = KeyFrames(steps.bool().numpy(), None, self.lowest, self.resolution)
        return score_of_frames(frames)

    def transpositions(self, steps: Tensor) -> range:
        """Return the semitones by which all notes stay on the keys."""
        used = torch.nonzero(steps.any(0)).flatten()
        if not len(used):
            return range(1)
        low, high = TRANSPOSED
        return range(max(low, -int(used[0])), min(high, self.keys - 1 - int(used[-1])) + 1)

    def transposed(self, steps: Tensor, semitones: int) -> Tensor:
        """Return frames (T, K) with the keys moved."""
        return steps.roll(semitones, 1)

    def show(self, step: Tensor) -> str:
        """Return the pitches of a frame as MIDI numbers, such as 60+64+67; a dash for silence."""
        keys = torch.nonzero(step > 0).flatten().tolist()
        return "+".join(str(self.lowest + key) for key in keys) or "–"

    def network(self, cell: Cells, options: MusicModelOptions) -> FrameModel:
        """Build a model of frames."""
        return FrameModel(self.keys, cell, options)

    def rows(self, model: MusicNetwork) -> Rows:
        """Return the tensors with a row for each key."""
        return {}

    def to_json(self) -> Mapping[str, object]:
        """Return the keys and the resolution."""
        return {
            "representation": "frames",
            "resolution": self.resolution,
            "lowest": self.lowest,
            "highest": self.highest,
        }

    def describe(self) -> str:
        """Describe the frames."""
        keys = f"{self.keys} keys, {self.lowest} to {self.highest}"
        return f"notation: frames of {keys}, {self.resolution} a quarter"


def notes_on(lost: Counter[str]) -> tuple[str, ...]:
    """Return lines for the user on what the steps of pieces do not hold."""
    return tuple(f"notation: {reason}: {count:,}" for reason, count in lost.items())


def load_notation(run: Path) -> PieceNotation:
    """Read the notation of a run folder. Raises InputError with the file if it is missing or damaged."""
    where = run / FILE
    try:
        found: Any = json.loads(read_bytes(where, "Restore the file, or train again").decode())
    except ValueError as error:
        raise InputError(str(where), "must be JSON in UTF-8", error) from error
    if isinstance(found, dict) and found.get("representation") == "frames":
        sizes: list[Any] = [found.get(name) for name in ("resolution", "lowest", "highest")]
        if all(isinstance(size, int) for size in sizes):
            return FrameNotation(*sizes)
    if not isinstance(found, dict):
        raise InputError(str(where), "must be a notation of music", type(found).__name__)
    return TokenNotation(MusicVocabulary.from_json(found, str(where)))
