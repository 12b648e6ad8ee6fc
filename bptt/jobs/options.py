"""What a job says about itself before anything heavy is imported: its names and its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bptt.cells.cell import Cell
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet

# The held-out metric that chooses the epoch.
Select = Literal["loss", "accuracy", "f1"]


def _as_they_are(section: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a section of config.json as options."""
    return fields


@dataclass(frozen=True)
class JobOptions:
    """The names of a job, and the options of its three commands.

    `bptt train NAME` takes `train`, beside the options that every training has; `predict` and `evaluate` are
    dataclasses of what the job takes beside the options that every answer has, None for nothing. `task` names
    the job in config.json, `called` a model of it. `title` is the first line of the help, `about` the rest.
    `few` examples are learned for more epochs, so that enough updates are made. `then` are commands that
    ask a trained model, with {run} for its folder; () for those of most jobs. `recall` takes the name and
    the fields of a section of config.json to the values that its options are given for a further training.
    """

    name: str
    task: str
    called: str
    title: str
    train: OptionSet
    about: str = ""
    predict: type | None = None
    evaluate: type | None = None
    few: bool = False
    then: tuple[str, ...] = ()
    recall: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] = _as_they_are

    def derived(self, name: str, called: str, title: str, sections: Mapping[str, type]) -> JobOptions:
        """Return the options of a job derived from this one, with `sections` in the place of its own.

        A section is a dataclass derived from the one that it replaces, with options of its own beside.
        """
        train = replace(self.train, sections={**self.train.sections, **sections})
        return replace(self, name=name, task=name, called=called, title=title, about="", train=train)


@dataclass(frozen=True)
class ExampleOptions:
    """How examples are read.

    The share `held_out`, which may be 0, is not learned from, unless other examples are given for that;
    `seed` is for which ones these are, and for the order of the others. Of an input longer than `max_length`
    (0: any) the steps behind are not read; a translation is not learned from if a side is longer. Raises
    InputError naming the option.
    """

    batch_size: int = option(32, "Examples in a mini-batch.", group="Data", least=1, common=True)
    held_out: float = option(
        0.1, "Share of DATA that is held out for evaluation (0: none).", group="Data", share=True
    )
    max_length: int = option(
        0,
        "Longest input in steps (0: no limit): cuts longer ones, leaves out longer pairs.",
        group="Data",
        least=0,
    )
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class CellChoice:
    """The cell of a model."""

    cell: str | Cell = option(
        "lstm",
        "Cell: a name listed by `bptt cells`, or mycell.py:MyCell.",
        group="Model",
        common=True,
    )


@dataclass(frozen=True, kw_only=True)
class ExampleFiles(CellChoice):
    """The files of a job on examples."""

    data: Path = argument("Examples to learn from.")
    dev: Path | None = option(
        None,
        "Labelled examples to evaluate on while training.",
        usual="a share of DATA",
        group="Data",
        common=True,
    )


@dataclass(frozen=True, kw_only=True)
class VectorFiles:
    """Vectors of words that were trained elsewhere."""

    vectors: Path | None = option(
        None,
        "Initial word embedding: text file of word2vec or GloVe vectors.",
        group="Model",
    )
    vector_words: int = option(
        100_000,
        "Words of `vectors` to know beside those of DATA, from the first on.",
        group="Model",
        least=0,
    )

    @property
    def known_words(self) -> int:
        """The number of words that are known by vectors alone."""
        return self.vector_words if self.vectors else 0
