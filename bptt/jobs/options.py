"""The names and options of a job, importable without anything heavy such as torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from bptt.cells.cell import Cell
from bptt.data.reading import in_encoding, known_encoding
from bptt.options.field import argument, check_fields, one_of, option, times
from bptt.options.option_set import OptionSet

# The held-out metric that chooses the epoch.
Select = Literal["loss", "accuracy", "f1"]


def _as_they_are(section: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a section of config.json as options."""
    return fields


@dataclass(frozen=True)
class JobOptions:
    """The names of a job, and the options of its commands.

    `train` are the options of `bptt train NAME` beside those of every training; `predict` and `evaluate` are
    dataclasses of the job's options beside those common to all jobs, None for none. `sample` and `score` are
    those of the jobs that draw samples and score files, as dataclasses by the names of their sections.
    `task` names the job in config.json, `called` a model of it. `title` is the first line of the help,
    `about` the rest. With `few`, small data are trained on for more epochs by default, to make enough
    updates. `then` are commands to suggest after training, with {run} for the folder; () for those of most
    jobs. `recall` maps the name and the fields of a section of config.json to option values for a further
    training. `stays` says which large files stay on disk, or what memory others take, for a user whose file
    is read into memory; "": nothing is said.
    """

    name: str
    task: str
    called: str
    title: str
    train: OptionSet
    about: str = ""
    predict: type | None = None
    evaluate: type | None = None
    sample: Mapping[str, type] | None = None
    score: Mapping[str, type] | None = None
    few: bool = False
    then: tuple[str, ...] = ()
    stays: str = ""
    recall: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] = _as_they_are

    def derived(self, name: str, called: str, title: str, sections: Mapping[str, type]) -> JobOptions:
        """Return the options of a job derived from this one, with `sections` replaced.

        Each section is a subclass of the dataclass that it replaces, with additional options.
        """
        train = replace(self.train, sections={**self.train.sections, **sections})
        named = replace(self, name=name, task=name, called=called, title=title, about="", stays="")
        return replace(named, train=train)


@dataclass(frozen=True)
class ExampleOptions:
    """How examples are split, batched and truncated.

    The share `held_out`, possibly 0, is excluded from training, unless held-out examples are given
    separately, the data name a part for it, or `held_out_groups` name the groups; `seed` determines the split
    and the order of the training examples. Inputs longer than `max_length` (0: no limit) are truncated; a
    pair to translate is left out if a side is longer. Raises InputError with the option if a value is out of
    range.
    """

    batch_size: int = option(
        32, "Examples in a mini-batch.", group="Data", least=1, common=True, tried=times(0.25, 2)
    )
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
    _: KW_ONLY
    held_out_groups: tuple[str, ...] = option(
        (), "Group to hold out, such as a speaker or subject; with commas, several.", group="Data", added=True
    )

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def groups_held_out(self) -> tuple[str, ...]:
        """The names of the groups to hold out, one by one."""
        names = [name.strip() for each in self.held_out_groups for name in each.split(",")]
        return tuple(filter(None, names))


@dataclass(frozen=True, kw_only=True)
class CellChoice:
    """The cell of a model, or one for each layer: `lstm,gru`, or a list in Python."""

    cell: str | Cell | tuple[str | Cell, ...] = option(
        "lstm",
        "Cell: a name listed by `bptt cells`, or mycell.py:MyCell; with commas, one for each layer.",
        group="Model",
        common=True,
        tried=one_of("lstm", "gru"),
    )


@dataclass(frozen=True, kw_only=True)
class TextFiles:
    """Files of text in an encoding, which the paths of the dataclass carry (`in_encoding`).

    Raises InputError for an encoding that Python does not know.
    """

    encoding: str | None = option(
        None,
        "Encoding of the text files, such as gb18030, big5 or shift_jis.",
        usual="UTF-8",
        group="Data",
    )

    def __post_init__(self) -> None:
        known_encoding(self.encoding)
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Path):
                object.__setattr__(self, each.name, in_encoding(value, self.encoding))
            elif isinstance(value, tuple):
                paths = (in_encoding(v, self.encoding) if isinstance(v, Path) else v for v in value)
                object.__setattr__(self, each.name, tuple(paths))


@dataclass(frozen=True, kw_only=True)
class ExampleFiles(CellChoice, TextFiles):
    """The files of a job that learns from examples."""

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
    """Pretrained word vectors."""

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
        """The number of words that are known only by their vectors."""
        return self.vector_words if self.vectors else 0
