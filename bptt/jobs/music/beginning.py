"""The beginning of a training of a model of music: pieces read, the notation chosen, the split made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bptt.cells.load import as_cells, own_layers
from bptt.data.midi.key_profiles import estimate_key
from bptt.data.midi.music_files import MusicPiece, read_music
from bptt.data.midi.music_tokens import encode_score
from bptt.data.midi.music_vocabulary import Representation, fit_vocabulary
from bptt.data.midi.placed_notes import GridReport
from bptt.errors import InputError
from bptt.jobs.music.config import MusicConfig
from bptt.jobs.music.corpus_record import CorpusRecord
from bptt.jobs.music.options import (
    MusicFiles,
    MusicModelOptions,
    NotationOptions,
    PieceOptions,
    RepresentationName,
)
from bptt.jobs.music.piece_notation import TRANSPOSED, FrameNotation, PieceNotation, TokenNotation
from bptt.jobs.music.pieces import EncodedPieces, SplitPieces, split_pieces
from bptt.jobs.music.task import MusicTask
from bptt.jobs.music.trained import TrainedMusicModel
from bptt.options.choices import Choices
from bptt.runs.origin import Origin

# The keys of a piano, to which those of a roll are widened where a corpus has others.
_LOWEST, _HIGHEST = 21, 108
_FRAMES_PER_QUARTER = 4
# The endings of piano rolls.
_ROLLS = (".json", ".npz", ".mat")
# Pieces whose onsets are looked at to see whether they lie on a grid, and the share that may lie beside it.
_LOOKED_AT, _OFF_THE_GRID = 50, 0.2


def begin(choices: Choices, origin: Origin[TrainedMusicModel] | None) -> MusicTask:
    """Return the training that was chosen. Raises InputError if the pieces do not fit the options."""
    files = choices.make(MusicFiles)
    cells = as_cells(files.cell)
    data = choices.make(PieceOptions, seed=choices.get("seed"))
    corpus = read_music([files.data])
    for note in corpus.notes:
        choices.say(f"{files.data}: {note}")
    if files.dev is None:
        split = split_pieces(corpus, data)
    else:
        split = SplitPieces(corpus.pieces, read_music([files.dev]).pieces, f"split: {files.dev} is held out")
    learned = split.learned
    if not learned:
        raise InputError(str(files.data), "must hold pieces to learn from", "none")
    options = choices.make(NotationOptions)
    if options.representation is None:
        options = _detected(choices, options, learned)
    is_percussion = all(note.drum for piece in learned for note in piece.score.notes)
    data = replace(data, transpose=not is_percussion if data.transpose is None else data.transpose)
    notation = _notation(options, learned, bool(data.transpose), origin)
    options = replace(options, resolution=notation.resolution)
    config = MusicConfig(cells, options, choices.make(MusicModelOptions, **own_layers(cells)), data)
    encoded = encode(notation, learned), encode(notation, split.held_out)
    record = CorpusRecord.of([piece.score for piece in learned])
    return MusicTask(*encoded, notation, config, record, (split.reason,), origin)


def _detected(choices: Choices, options: NotationOptions, pieces: Sequence[MusicPiece]) -> NotationOptions:
    """Return the options with the representation that suits the pieces, and say why."""
    if all(Path(piece.place.split(": ")[0]).suffix.lower() in _ROLLS for piece in pieces):
        choices.say("read as frames, for the pieces are piano rolls (`representation` says otherwise)")
        return replace(options, representation="frames")
    scores = [piece.score for piece in pieces[:: max(1, len(pieces) // _LOOKED_AT)]]
    vocabulary = fit_vocabulary(scores, Representation.BARS, options.resolution)
    report = GridReport(Representation.BARS, vocabulary.resolution)
    for score in scores:
        report += encode_score(score, vocabulary).report
    share = report.moved / max(report.notes, 1)
    name: RepresentationName = "performance" if share > _OFF_THE_GRID else "tokens"
    found = f"{share:.0%} of the onsets lie beside a grid of {vocabulary.resolution} steps a quarter"
    choices.say(f"read as {name}, for {found} (`representation` says otherwise)")
    return replace(options, representation=name)


def _notation(
    options: NotationOptions,
    pieces: Sequence[MusicPiece],
    transposes: bool,
    origin: Origin[TrainedMusicModel] | None,
) -> PieceNotation:
    """Return the notation for the pieces to learn from, or that of a run whose vocabulary is kept.

    Raises InputError if the run to begin from has another representation.
    """
    if origin is not None:
        known = origin.trained.config.notation.representation
        if known != options.representation:
            rule = f"must be {options.representation}, as the run to begin from is to be"
            raise InputError(origin.name, rule, known, "Give `representation`")
        if not origin.grow:
            return origin.trained.notation
    if options.representation == "frames":
        pitches = [note.pitch for piece in pieces for note in piece.score.notes if not note.drum]
        if not pitches:
            rule = "frames need notes that are not percussion"
            raise InputError("representation", rule, "percussion alone")
        return FrameNotation(
            options.resolution or _FRAMES_PER_QUARTER, min(_LOWEST, *pitches), max(_HIGHEST, *pitches)
        )
    kind = Representation.TIMES if options.representation == "performance" else Representation.BARS
    scores = [piece.score for piece in pieces]
    moved = TRANSPOSED if transposes else (0, 0)
    return TokenNotation(fit_vocabulary(scores, kind, options.resolution, moved))


def encode(notation: PieceNotation, pieces: Sequence[MusicPiece]) -> EncodedPieces:
    """Write pieces for the network."""
    written = [notation.written(piece.score) for piece in pieces]
    steps, lost = [each for each, _ in written], sum((each for _, each in written), Counter[str]())
    notes = [len(piece.score.notes) for piece in pieces]
    names, keys = [piece.name for piece in pieces], [estimate_key(piece.score) for piece in pieces]
    return EncodedPieces(steps, notes, names, keys, lost)
