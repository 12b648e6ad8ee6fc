"""The options of a comparison, with the defaults that `bptt compare` and `bptt.compare` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bptt.options.checks import check_choice, check_least, check_most
from bptt.training.options import TrainingOptions

Job = Literal["lm", "classify", "tag"]

# Problems of memory by name, with the lag that each is posed with by default: at these lags networks without
# gates fail and gated ones succeed within PROBLEM_EPOCHS.
PROBLEM_LAGS: Mapping[str, int] = MappingProxyType({"adding": 100, "copy": 30})
PROBLEM_EPOCHS = 20
# Far more runs than a mean and a deviation need; a larger number can only be a mistake.
MOST_SEEDS = 1000


@dataclass(frozen=True)
class CompareOptions:
    """What to compare and how to train it.

    `cells` and `remedies` are names separated by commas. `hidden_size` is that of the first cell; with
    `equal` "weights" the others get as many recurrent weights, with "size" as many units. `lag`, `symbols`
    and `examples` pose a problem; `task`, `level` and `sequence_length` (tokens of truncated
    back-propagation) say how to read a file, whose job is detected if `task` is None. None for `epochs`: 20
    for a problem, else that of TrainingOptions. `seeds` is the number of runs of each variant, `seed` the
    first seed. Raises InputError naming an option out of range.
    """

    cells: str = "rnn,lstm,gru"
    remedies: str = ""
    hidden_size: int = 128
    num_layers: int = 1
    equal: Literal["weights", "size"] = "weights"
    lag: int | None = None
    symbols: int = 2
    examples: int = 10_000
    task: Job | None = None
    level: Literal["character", "word", "bpe", "whitespace"] = "character"
    sequence_length: int = 50
    batch_size: int = 50
    epochs: int | None = None
    learning_rate: float | None = None
    clip_norm: float = 1.0
    seeds: int = 1
    seed: int = TrainingOptions.seed

    def __post_init__(self) -> None:
        check_choice("equal", self.equal, ("weights", "size"))
        check_least("seeds", self.seeds, 1)
        check_most("seeds", self.seeds, MOST_SEEDS)

    def training(self, data: str) -> TrainingOptions:
        """Return the options of the loop for training on `data`. Raises InputError naming a bad option."""
        usual = PROBLEM_EPOCHS if data in PROBLEM_LAGS else TrainingOptions.epochs
        epochs = usual if self.epochs is None else self.epochs
        return TrainingOptions(epochs=epochs, learning_rate=self.learning_rate, clip_norm=self.clip_norm)
