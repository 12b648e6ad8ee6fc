"""The options of `bptt rescore`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bptt.errors import InputError
from bptt.jobs.language.commands import DEVICE, JSON, RUN
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.options import TextFiles
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True, kw_only=True)
class RescoreOptions(TextFiles):
    """The model, the n-best lists, and the file to write."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    nbest: Path = argument("n-best lists: a folder of ESPnet, or a file of Kaldi, HyPoradise or RNNLM.")
    output: Path | None = option(None, "File for the chosen texts, in Kaldi's format.", flags="output o")
    json: bool = option(False, JSON)


@dataclass(frozen=True)
class ListOptions:
    """The files that accompany the lists, and how their texts are read and compared."""

    references: Path | None = option(
        None, "Reference transcripts: one utterance a line, its name, then its words."
    )
    costs: tuple[Path, ...] = option((), "Kaldi costs to add; may be repeated.")
    case: Literal["auto", "keep", "lower", "upper", "capital"] = option(
        "auto", "How the model reads the letters; auto: as it knows the texts best."
    )
    unit: Literal["word", "character"] = option("word", "Unit of the error rate.")
    batch_size: int = option(64, "Texts in a mini-batch; changes the speed, not the result.", least=1)

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def files(self) -> list[Path]:
        """The files that these options name."""
        return [*filter(None, [self.references]), *self.costs]


@dataclass(frozen=True)
class WeightOptions:
    """The source of the weights: given, tuned on other lists, or tuned on a share of the lists.

    Raises InputError unless exactly one source is chosen and all values are within bounds.
    """

    weight: float | None = option(None, "Weight of ln P under the language model.", least=0)
    per_word: float = option(0.0, "With `weight`: bonus for each word.")
    per_character: float = option(0.0, "With `weight`: bonus for each character.")
    per_unknown: float = option(0.0, "With `weight`: bonus for each unknown token.")
    tune: Path | None = option(None, "n-best lists to tune all weights on.")
    tune_references: Path | None = option(None, "Reference transcripts of `tune`.")
    tune_costs: tuple[Path, ...] = option((), "Kaldi costs of `tune`.")
    tune_share: float | None = option(None, "Tune on this share of NBEST, choose in the rest.")
    seed: int = option(0, "Seed of the draw of `tune_share`.", least=0)

    def __post_init__(self) -> None:
        sources = {"`weight`": self.weight, "`tune`": self.tune, "`tune_share`": self.tune_share}
        given = [name for name, value in sources.items() if value is not None]
        if len(given) != 1:
            rule = f"needs one of {', '.join(sources)}"
            raise InputError("bptt rescore", rule, " and ".join(given) or "none")
        if self.tune_share is not None and not 0 < self.tune_share < 1:
            raise InputError("tune_share", "is above 0 and below 1", self.tune_share)
        if self.weight is None and (self.per_word or self.per_character or self.per_unknown):
            rule = "`per_word`, `per_character` and `per_unknown` belong to `weight`"
            raise InputError("bptt rescore", rule, f"them with {given[0]}", "Leave them out: all are tuned")
        check_fields(self)

    @property
    def files(self) -> list[Path]:
        """The files that these options name."""
        return [*filter(None, [self.tune, self.tune_references]), *self.tune_costs]


RESCORE = OptionSet(
    {"": RescoreOptions, "lists": ListOptions, "weights": WeightOptions, "memory": MemoryOptions}
)
