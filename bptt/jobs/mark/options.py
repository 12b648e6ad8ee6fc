"""The options of a marker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bptt.data.readers.asked import Said
from bptt.jobs.tag.options import OPTIONS as TAG
from bptt.jobs.tag.options import SentenceFiles, TagOptions
from bptt.options.field import argument, option

_STRETCHES = "BED or GFF file of the stretches."
_USUAL = "the file beside the sequences that ends in .bed, .gff or .gff3"


@dataclass(frozen=True, kw_only=True)
class MarkFiles(SentenceFiles):
    """The files of a marker."""

    data: Path = argument(
        "FASTA or FASTQ, beside BED or GFF; or a table: letters, a tab, as many marks (. outside)."
    )
    stretches: Path | None = option(None, _STRETCHES, usual=_USUAL, group="Data", common=True)

    def said(self) -> Said:
        """Return where the stretches of the sequences to learn from are."""
        return Said(beside=self.stretches)


@dataclass(frozen=True)
class MarkOptions(TagOptions):
    """How stretches are marked: as by a tagger, whose words are bases.

    With `both_strands`, training also reads each sequence as its other strand, with the stretches where they
    are there.
    """

    both_strands: bool = option(
        False, "Also learn from the other strand of each sequence.", group="Data", common=True
    )


@dataclass(frozen=True)
class MarkEvaluateOptions:
    """The options of `bptt evaluate` for markers."""

    stretches: Path | None = option(None, _STRETCHES, usual=_USUAL, group="Input")


# Of a tagger's words: a base has no characters, case, vectors or rules by which it is cut.
_OF_WORDS = frozenset(
    {
        *(f".{name}" for name in ("vectors", "vector_words")),
        *(f"tags.{name}" for name in ("level", "scheme")),
        *(
            f"words.{name}"
            for name in (
                *("lowercase", "spelled", "normalise", "min_count", "frozen"),
                *("character_size", "character_hidden_size"),
            )
        ),
    }
)


_DERIVED = TAG.derived(
    "mark",
    "marker",
    "Train a model that marks stretches of DNA, such as exons.",
    {"": MarkFiles, "tags": MarkOptions},
)
OPTIONS = replace(
    _DERIVED,
    train=replace(
        _DERIVED.train, fixed=_OF_WORDS, usual={"embedding_size": 0, "token_dropout": 0.05, "batch_size": 8}
    ),
    predict=None,
    evaluate=MarkEvaluateOptions,
    few=True,
)
