"""Translation: a line of text for a text, a class, a sequence of DNA, a series, or a row of a table."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from bptt.data.examples import Example, Examples, mapped, note_left_out, some
from bptt.data.readers.translations import Pairs
from bptt.data.vocabulary import Vocabulary
from bptt.errors import InputError
from bptt.jobs.supervised import Encoded, Supervised, fingerprint, hold_out
from bptt.jobs.translate.config import TASK, TranslatorConfig
from bptt.jobs.translate.hypotheses import LengthLimit
from bptt.jobs.translate.network import Writer
from bptt.jobs.translate.options import OPTIONS
from bptt.jobs.translate.translator import (
    SMALLER,
    TARGET_FILE,
    Input,
    TrainedTranslator,
    build,
    count_unknown,
    encode_target,
)
from bptt.models.codecs.classes import ClassCodec
from bptt.models.codecs.codec import Codec, stack
from bptt.models.codecs.text import TextCodec
from bptt.models.encoded import as_inputs
from bptt.models.kinds.kind import CodecOptions
from bptt.models.kinds.registry import codec_of, continued_codec, new_codec, part_rows
from bptt.runs.config import to_sections
from bptt.runs.labels import check_labels
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, Rows, refuse_vectors, take_weights
from bptt.runs.run_folder import write_bytes, write_config


class TranslateTask(Supervised):
    """A training of a translator.

    The held-out pairs are `held_out`, or, if that is None, a share of `examples`, in which equal inputs are
    on the same side of the split; of classes, a share of each. Pairs with more than `max_length` tokens on a
    side are left out of training. A translation is limited to the length of the longest training target, plus
    `config.limit.factor` for each step of its source. Initial weights are drawn from torch's generator: seed
    it before.

    Raises InputError if an input cannot be encoded, no pair is short enough, or options contradict each
    other; MachineError if the model does not fit into memory.
    """

    model: Writer

    title = OPTIONS.called

    def __init__(
        self,
        examples: Pairs,
        held_out: Pairs | None,
        config: TranslatorConfig,
        origin: Origin[TrainedTranslator] | None = None,
        vectors: Path | None = None,
    ) -> None:
        notes = examples.notes
        if held_out is None:
            examples, held_out = _split(examples, config)
        self._codec, self.vocabulary = (
            _continued_codecs(examples, config, origin) if origin else _new_codecs(examples, config, vectors)
        )
        refuse_vectors(origin, vectors)
        if isinstance(self._codec, TextCodec):
            config = replace(config, tokens=self._codec.options)
        self.unit = self.vocabulary.unit
        pairs = mapped(examples.rows, examples.places, lambda row, _: self._encode(row))
        sizes = torch.tensor(array("q", chain.from_iterable(map(_sizes, pairs)))).view(-1, 3)
        most = config.data.max_length
        fits = sizes[:, :2].max(1).values <= (most or torch.inf)
        if not fits.any():
            rule = f"some pair must have at most {most} steps on each side"
            raise InputError("examples", rule, "none", "Give a larger `max_length`")
        left_out = some(examples.places, (~fits).nonzero()[:, 0].numpy())
        self._notes = (*notes, *note_left_out(left_out, "are longer than `max_length`"))
        self._held_out, self._fingerprint = held_out, fingerprint(examples, held_out)
        pairs, self._sizes = some(pairs, fits.nonzero()[:, 0].numpy()), sizes[fits]
        self.config = replace(
            config,
            pairs=replace(config.pairs, features=examples.columns, learned=examples.found),
            limit=LengthLimit(int(self._sizes[:, 0].max()), config.limit.factor),
        )
        with within_memory("the model", SMALLER):
            self.model = build(self._codec, self.vocabulary.size, self.config)
        self._taken = self._take(origin) if origin else []
        # Batches are formed by the length of the targets, whose tokens cost most: a softmax each.
        super().__init__(as_inputs(pairs, self._sizes[:, 0]), config.data)

    def _take(self, origin: Origin[TrainedTranslator]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        here, other = (_rows(each.model, each.codec, each.vocabulary) for each in (self._trained, there))
        return take_weights(self.model, here, there.model, other, origin.name)

    def _encode(self, row: Example[Input, str]) -> Encoded:
        """Return the target of a pair, and its source."""
        assert row.target is not None
        return encode_target(self.vocabulary, row.target), *self._codec.encode_example(row)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean loss over the tokens of the examples with these indices, and their number."""
        with within_memory("a batch", SMALLER):
            pairs = self.take(rows)
            batch, targets = self.batch([pair[1:] for pair in pairs]), [pair[0] for pair in pairs]
            return self.model.teach(batch, stack(targets).to(self.device)), sum(map(len, targets))

    @property
    def fingerprint(self) -> str:
        """A hash of all pairs."""
        return self._fingerprint

    @property
    def holds_out(self) -> bool:
        """Whether there are examples to evaluate on."""
        return len(self._held_out) > 0

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of the held-out pairs."""
        return self.shared(self._trained).evaluate(self._held_out)

    def save(self, folder: Path) -> None:
        """Write config.json, the files of the codec, and the target vocabulary."""
        for name, content in self._codec.files().items():
            write_bytes(folder / name, content)
        if not self.config.decoder.shared:
            write_bytes(folder / TARGET_FILE, self.vocabulary.to_bytes())
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """Describe the pairs, the vocabularies, and the size of the model."""
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        targets, sources, unknown = self._sizes.T
        share = int(unknown.sum()) / int(targets.sum())
        return [
            *self._taken,
            *self._notes,
            f"learned: {len(sources):,} pairs; held out: {len(self._held_out):,}",
            f"sources: {_lengths(sources)} {self._codec.unit} each",
            *self._codec.describe(),
            f"targets: {_lengths(targets)} {self.unit} each with <eos>, {share:.2%} unknown",
            f"vocabulary of the targets: {self.vocabulary.size:,} {self.unit}",
            f"model: {weights:,} weights",
        ]

    @cached_property
    def _trained(self) -> TrainedTranslator:
        return TrainedTranslator(self.model, self._codec, self.vocabulary, self.config)


def _split(examples: Pairs, config: TranslatorConfig) -> tuple[Pairs, Pairs]:
    keys, labels = None, None
    if config.pairs.kind == "class":
        # The same class occurs in many examples, so a share of each class is held out.
        keys, labels = range(len(examples)), examples.inputs
    learned, held = hold_out(examples, labels, config.data, keys)
    return examples.take(learned), examples.take(held)


def _new_codecs(
    examples: Pairs, config: TranslatorConfig, vectors: Path | None
) -> tuple[Codec[Input], Vocabulary]:
    """Build the codec of the sources and the vocabulary of the targets."""
    wanted = examples.targets
    if config.decoder.shared:
        if vectors:
            cure = "Leave out `vectors` or `shared`"
            raise InputError("vectors", "are of sources that have their own vocabulary", "shared", cure)
        vocabulary = Vocabulary.build(chain(examples.inputs, wanted), config.target)
        return TextCodec(vocabulary, config.tokens), vocabulary
    return _new_codec(examples, config, vectors), Vocabulary.build(wanted, config.target)


def _continued_codecs(
    examples: Pairs, config: TranslatorConfig, origin: Origin[TrainedTranslator]
) -> tuple[Codec[Input], Vocabulary]:
    """Build the same, extending those of another run."""
    wanted, there = examples.targets, origin.trained
    if config.decoder.shared:
        vocabulary = there.vocabulary.continued(chain(examples.inputs, wanted), config.target, origin.grow)
        return TextCodec(vocabulary, config.tokens), vocabulary
    vocabulary = there.vocabulary.continued(wanted, config.target, origin.grow)
    if config.pairs.kind == "class":
        return there.codec, vocabulary
    options = CodecOptions(len(examples.columns), config.vocabulary, config.tokens)
    codec = continued_codec(codec_of(origin), config.pairs.kind, examples.inputs, options)
    return codec, vocabulary


def _rows(model: Writer, codec: Codec[Input], vocabulary: Vocabulary) -> Rows:
    """Return the meaning of the rows of parameters (tokens, classes), to transfer weights by name."""
    return {**part_rows(model, codec), **model.token_rows(vocabulary.tokens)}


def _new_codec(examples: Pairs, config: TranslatorConfig, vectors: Path | None) -> Codec[Input]:
    if config.pairs.kind == "class":

        def named(row: Example[Input, str], place: str) -> Example[Input, str]:
            return Example(row.input, row.input, place)

        rows = mapped(examples.rows, examples.places, named)
        return ClassCodec(check_labels(Examples(rows)))
    options = CodecOptions(len(examples.columns), config.vocabulary, config.tokens)
    return new_codec(config.pairs.kind, examples.inputs, options, vectors)


def _sizes(pair: Encoded) -> tuple[int, int, int]:
    """Return the steps of the target and of the source of a pair, and the unknown tokens of the target."""
    target, source, *_ = pair
    return len(target), len(source), count_unknown(target)


def _lengths(lengths: Tensor) -> str:
    """Describe lengths (N,): the shortest, the longest and the median."""
    least, median, most = lengths.sort().values[[0, len(lengths) // 2, -1]].tolist()
    return f"{least:,} to {most:,} (median {median:,})"
