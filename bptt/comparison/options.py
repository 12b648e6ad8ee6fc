"""The options of a comparison, with the defaults that `bptt compare` and `bptt.compare` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args

from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.options import TextFiles
from bptt.models.options import MOST_LAYERS
from bptt.options.checks import check_choice
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet
from bptt.training.options import TrainingOptions
from bptt.training.run_options import MOST_THREADS

# Problems of memory by name, with the lag that each is posed with by default: at these lags networks without
# gates fail and gated ones succeed within PROBLEM_EPOCHS.
PROBLEM_LAGS: Mapping[str, int] = MappingProxyType({"adding": 100, "copy": 30})
PROBLEM_EPOCHS = 20
# Far more runs than a mean and a deviation need; a larger number can only be a mistake.
MOST_SEEDS = 1000


@dataclass(frozen=True)
class CompareFiles:
    """The data and the folder of a comparison, and the threads of its process."""

    data: str = argument(
        "Problem of memory, adding or copy; or a file: text, labelled examples, tagged words."
    )
    output: Path = option(MISSING, "Run folder to write.", group="Run", flags="output o", common=True)
    threads: int = option(0, "CPU threads (0: torch's choice).", group="Run", least=0, most=MOST_THREADS)


@dataclass(frozen=True)
class CompareOptions(TextFiles):
    """The options of a comparison: the variants, the data, and the training.

    `cells` and `remedies` are names separated by commas. `hidden_size` is that of the first cell; with
    `equal` "weights" the others get as many recurrent weights, with "size" as many units. `lag`, `symbols`
    and `examples` pose a problem; `task`, `level` and `sequence_length` (tokens of truncated
    back-propagation) say how to read a file, whose job is detected if `task` is None. None for `epochs`: 20
    for a problem, else that of TrainingOptions. `seeds` is the number of runs of each variant, `seed` the
    first seed. Raises InputError naming an option out of range.
    """

    cells: str = option(
        "rnn,lstm,gru",
        "Cells, separated by commas: rnn, names listed by `bptt cells`, or mycell.py:MyCell.",
        group="Model",
        common=True,
    )
    remedies: str = option(
        "",
        "Remedies, separated by commas: clip, orthogonal, identity, forget-bias, relu, lstm, gru, length "
        "(gradients go back 4 times as far). Each cell is also trained with each that suits it, "
        "relu+identity with both.",
        group="Model",
        common=True,
    )
    hidden_size: int = option(
        128,
        "Hidden units of a layer of the first cell.",
        group="Model",
        flags="hidden hidden-size",
        least=1,
        common=True,
    )
    num_layers: int = option(
        1,
        "Number of recurrent layers.",
        group="Model",
        flags="layers num-layers",
        least=1,
        most=MOST_LAYERS,
    )
    equal: Literal["weights", "size"] = option(
        "weights",
        "Give the other cells as many recurrent weights, or as many units, as the first.",
        group="Model",
    )
    lag: int | None = option(
        None,
        "Steps of adding (default: 100), or between letters and recall of copy (default: 30).",
        group="Data",
    )
    symbols: int = option(2, "Letters to copy.", group="Data")
    examples: int = option(10_000, "Number of examples of a problem.", group="Data")
    task: str | None = option(
        None,
        "Job to run on a file, by its name in `bptt train`.",
        usual="detected from the file",
        group="Data",
    )
    level: LevelName = option("character", "Unit of the text (lm).", group="Data")
    levels: str = option(
        "",
        "Units of the text (lm), separated by commas: each cell is trained on each, and bits per character "
        "are compared.",
        group="Data",
        common=True,
    )
    shares: str = option(
        "",
        "Shares of the training data, separated by commas, such as 0.1,0.3,1: each cell learns from each, "
        "for a learning curve.",
        group="Data",
        common=True,
    )
    sequence_length: int = option(
        50,
        "Length of truncated back-propagation in tokens (lm).",
        group="Data",
        flags="length sequence-length",
        least=1,
    )
    batch_size: int = option(50, "Examples or streams in a mini-batch.", group="Training", least=1)
    epochs: int | None = option(
        None,
        "Passes over the data.",
        usual="20 for a problem, else 10",
        group="Training",
        least=1,
        common=True,
    )
    learning_rate: float | None = option(
        None, "Learning rate.", usual="0.004", group="Training", flags="lr learning-rate"
    )
    clip_norm: float = option(
        1.0,
        "Largest norm of the gradient (0: no limit).",
        group="Training",
        flags="clip clip-norm",
        least=0,
    )
    seeds: int = option(
        1, "Runs of each cell, from different initial weights.", group="Run", least=1, most=MOST_SEEDS
    )
    seed: int = option(0, "Seed of the data and of the first initial weights.", group="Run", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self)
        for level in self.all_levels:
            check_choice("levels", level, get_args(LevelName))
        _ = self.all_shares

    @property
    def all_levels(self) -> tuple[LevelName, ...]:
        """The levels of `levels`, without repetitions."""
        return tuple(dict.fromkeys(cast("list[LevelName]", listed(self.levels))))

    @property
    def all_shares(self) -> tuple[float, ...]:
        """The numbers of `shares`, in rising order. Raises InputError for one that is no share above 0."""
        try:
            found = sorted({float(share) for share in listed(self.shares)})
        except ValueError:
            found = [0.0]
        if not all(0 < share <= 1 for share in found):
            raise InputError("shares", "are numbers above 0 and at most 1, such as 0.1,0.3,1", self.shares)
        return tuple(found)

    def training(self, data: str) -> TrainingOptions:
        """Return the options of the loop for training on `data`. Raises InputError naming a bad option."""
        usual = PROBLEM_EPOCHS if data in PROBLEM_LAGS else TrainingOptions.epochs
        epochs = usual if self.epochs is None else self.epochs
        return TrainingOptions(epochs=epochs, learning_rate=self.learning_rate, clip_norm=self.clip_norm)


def listed(names: str) -> list[str]:
    """Return the names that commas separate."""
    return [name.strip() for name in names.split(",") if name.strip()]


# The options of the function, and with the files those of the command.
COMPARE = OptionSet({"compare": CompareOptions})
COMMAND = OptionSet({"files": CompareFiles, "compare": CompareOptions})
