"""Scores as tokens and back: the two representations behind one door."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bptt.data.midi.bar_tokens import bars_tokens, read_bars
from bptt.data.midi.music_vocabulary import MusicVocabulary, Representation
from bptt.data.midi.placed_notes import GridReport
from bptt.data.midi.score import Score
from bptt.data.midi.time_tokens import read_times, times_tokens
from bptt.data.midi.token_notes import ReadTokens


@dataclass(frozen=True)
class EncodedScore:
    """The numbers of the tokens of a score (T,), the last one of them End, and what the grid changed."""

    ids: npt.NDArray[np.int32]
    report: GridReport


def encode_score(score: Score, vocabulary: MusicVocabulary) -> EncodedScore:
    """Write a score in the tokens of a vocabulary."""
    write = bars_tokens if vocabulary.representation is Representation.BARS else times_tokens
    tokens, report = write(score, vocabulary)
    return EncodedScore(np.array([vocabulary.number[token] for token in tokens], np.int32), report)


def decode_tokens(ids: Iterable[int], vocabulary: MusicVocabulary) -> Score:
    """Read tokens as a score: any tokens, up to the first End; a note that is cut off is left out."""
    return read_tokens(ids, vocabulary).score


def read_tokens(ids: Iterable[int], vocabulary: MusicVocabulary) -> ReadTokens:
    """Read tokens as `decode_tokens` does, with the time of each token before the first End."""
    read = read_bars if vocabulary.representation is Representation.BARS else read_times
    return read((vocabulary.tokens[number] for number in ids), vocabulary)
