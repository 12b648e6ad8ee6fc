"""The configuration of a translator, as it is written to config.json."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.load import Cells
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.translate.hypotheses import LengthLimit
from bptt.jobs.translate.options import OPTIONS, DecoderOptions, PairOptions
from bptt.models.options import EncoderOptions, TokenOptions

TASK = OPTIONS.task


@dataclass(frozen=True)
class TranslatorConfig:
    """All options of a translator. An input that is one vector has no encoder.

    `vocabulary` and `tokens` apply to the source, if it is a text; `target` is the vocabulary of the targets.
    `limit` bounds the length of a translation.

    Raises InputError with the option if source and target cannot share a vocabulary, or the source is one
    vector and attention is chosen.
    """

    cell: Cells
    pairs: PairOptions = field(default_factory=PairOptions)
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    decoder: DecoderOptions = field(default_factory=DecoderOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    target: VocabularyOptions = field(default_factory=VocabularyOptions)
    limit: LengthLimit = field(default_factory=LengthLimit)
    data: ExampleOptions = field(default_factory=ExampleOptions)

    def __post_init__(self) -> None:
        if self.decoder.shared and self.pairs.kind != "text":
            raise InputError("shared", "is for texts on both sides", self.pairs.kind, "Leave it out")
        if self.decoder.shared and self.vocabulary != self.target:
            raise InputError("shared", "needs one kind of tokens on both sides", "two", "Leave it out")
        if self.decoder.attention != "none" and self.pairs.is_vector:
            rule = "needs a sequence to attend to"
            raise InputError("attention", rule, f"a {self.pairs.kind}", "Choose none")
