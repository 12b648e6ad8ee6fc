"""The options of models of music."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal

from bptt.jobs.classify.options import ClassifyEvaluateOptions
from bptt.jobs.language.sampling_options import DrawOptions
from bptt.jobs.music.sample_options import MusicSampleOptions
from bptt.jobs.options import CellChoice, JobOptions
from bptt.models.options import RecurrentOptions
from bptt.options.field import argument, check_fields, option, redefined, times
from bptt.options.option_set import OptionSet

RepresentationName = Literal["tokens", "performance", "frames"]
KeysName = Literal["chain", "independent"]


@dataclass(frozen=True, kw_only=True)
class MusicFiles(CellChoice):
    """The pieces of a model of music."""

    data: Path = argument("Pieces to learn from: a folder or a file of MIDI, ABC or piano rolls.")
    dev: Path | None = option(
        None,
        "Pieces to evaluate on while training.",
        usual="those that DATA marks so (info.csv, parts of a roll), else a share of DATA",
        group="Data",
        common=True,
    )


@dataclass(frozen=True)
class NotationOptions:
    """How pieces are written for the network.

    "tokens" are events in bars and positions, `resolution` steps a quarter; "performance" are events and
    shifts of time, `resolution` steps a second; "frames" are sets of sounding keys, `resolution` frames a
    quarter. None is what suits the pieces. Raises InputError with the option if a value is invalid.
    """

    representation: RepresentationName | None = option(
        None,
        "Tokens in bars and positions, performance tokens with shifts of time, or frames of keys.",
        usual="tokens for quantised pieces, performance for others, frames for rolls",
        group="Data",
        common=True,
    )
    resolution: int | None = option(
        None,
        "Steps of the grid: a quarter for tokens and frames, a second for performance.",
        usual="12 a quarter for tokens, 4 for frames, 100 a second for performance",
        group="Data",
        least=1,
    )

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class MusicModelOptions(RecurrentOptions):
    """The sizes of the network.

    Tokens have an embedding of `embedding_size`. The keys of a frame are a "chain" with `chain_size` hidden
    units, each key given those below it, or "independent" given the past. `dropout` acts between the layers,
    and before the output. Raises InputError with the option if a value is invalid.
    """

    num_layers: int = redefined(RecurrentOptions, "num_layers", 1)
    dropout: float = redefined(
        RecurrentOptions, "dropout", 0.2, help="Dropout between layers and before the output."
    )
    embedding_size: int = option(
        64, "Size of the embedding of tokens.", group="Model", flags="embedding embedding-size", least=1
    )
    _: KW_ONLY
    keys: KeysName = option(
        "chain",
        "Keys of a frame: a chain from low to high, or independent given the past.",
        group="Model",
        common=True,
    )
    chain_size: int = option(64, "Hidden units of the chain over the keys.", group="Model", least=1)


@dataclass(frozen=True)
class PieceOptions:
    """How pieces are split, batched, cut and varied.

    A batch has `batch_size` pieces of similar length, and `sequence_length` tokens or frames of each are read
    at a time, with the states carried over. Whole tunes are held out, a share of `held_out` of the pieces:
    variants of a tune, in any key, stay on one side. With `transpose` each epoch moves each training piece by
    5 semitones down to 6 up, into a key drawn as often as training pieces are in it; drums are not moved. Its
    tempo is within `tempo_change` of its own. Raises InputError with the option if a value is invalid.
    """

    batch_size: int = option(
        16, "Pieces in a mini-batch.", group="Training", least=1, common=True, tried=times(0.25, 2)
    )
    sequence_length: int = option(
        128,
        "Length of truncated back-propagation in tokens or frames.",
        group="Training",
        flags="length sequence-length",
        least=1,
    )
    held_out: float = option(
        0.1, "Share of the tunes that is held out for evaluation (0: none).", group="Data", share=True
    )
    transpose: bool | None = option(
        None,
        "Draw training pieces in the keys of the others, 5 semitones lower to 6 higher.",
        usual="on, off where all is percussion",
        group="Data",
        common=True,
    )
    tempo_change: float = option(
        0.05, "Largest relative change of the tempo of training pieces (0: none).", group="Data", share=True
    )
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class MusicEvaluateOptions:
    """The options of `bptt evaluate` for models of music."""

    part: Literal["train", "dev", "test", "all"] | None = redefined(ClassifyEvaluateOptions, "part", None)


OPTIONS = JobOptions(
    name="music",
    task="music-model",
    called="model of music",
    title="Train a model that writes and judges music.",
    about="The model gives the probability of each event of a piece, or of each frame, given the past.",
    then=("bptt sample {run} -o tune.mid", "bptt score {run} FILE", "bptt evaluate {run} FILE"),
    sample={"drawing": DrawOptions, "music": MusicSampleOptions},
    score={},
    evaluate=MusicEvaluateOptions,
    few=True,
    train=OptionSet(
        {
            "": MusicFiles,
            "notation": NotationOptions,
            "model": MusicModelOptions,
            "data": PieceOptions,
        }
    ),
)
