"""Tagging: a tag for each word of a sentence, such as the entity it is part of, or its part of speech."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bptt.data.examples import Example, Words, mapped
from bptt.jobs.supervised import SMALLER, Supervised, fingerprint, hold_out
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.network import Tagger
from bptt.jobs.tag.tag_set import Tagged, TagSet, note_rewritten
from bptt.jobs.tag.trained import TrainedTagger as TrainedTagger
from bptt.jobs.tag.trained import build, weight_rows
from bptt.jobs.tag.trained import load_tagger as load_tagger
from bptt.models.codecs.codec import stack
from bptt.models.codecs.words import WordCodec
from bptt.models.encoded import Encoded, as_inputs, cut
from bptt.runs.config import to_sections
from bptt.runs.labels import write_labels
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, take_weights
from bptt.runs.run_folder import write_bytes, write_config


class TagTask(Supervised):
    """A training of a tagger.

    The held-out sentences are `held_out`, or, if that is None, a share of `examples`, in which equal
    sentences are on the same side of the split. `vectors` is a file of pretrained word vectors for the
    embedding. Initial weights are drawn from torch's generator: seed it before. `kind` is the class of the
    trained model.

    Raises InputError with the line if a held-out tag does not occur in training, or tags fit no scheme;
    MachineError if the model does not fit into memory.
    """

    model: Tagger

    def __init__(
        self,
        examples: Tagged,
        held_out: Tagged | None,
        config: TaggerConfig,
        vectors: Path | None = None,
        origin: Origin[TrainedTagger] | None = None,
        kind: type[TrainedTagger] = TrainedTagger,
    ) -> None:
        self._kind, self.title, self.unit = kind, kind.options.called, kind.units[1]
        options, reasons = kind.settled(examples, config.tags)
        self._notes = (*examples.notes, *reasons, *note_rewritten(examples, options.spelling))
        self._tags = TagSet.build(examples, options.spelling)
        self.criterion = options.criterion
        if held_out is None:
            learned, held = hold_out(examples, None, config.data)
            examples, held_out = examples.take(learned), examples.take(held)
        examples = kind.augmented(examples, config)
        self._learned, self._held_out = examples, held_out
        words = replace(config.words, spelled=config.words.spelled and options.unit == "word")
        self._codec = WordCodec.build(examples.inputs, words, held_out.inputs, vectors)
        if origin is not None:
            self._codec = self._codec.continued(origin.trained.codec, origin.grow)
        self.config = replace(config, tags=options, words=self._codec.options)
        with within_memory("the model", SMALLER):
            self.model = build(self._codec, self._tags, self.config)
        self._taken = self._take(origin) if origin else []
        limit = config.data.max_length
        inputs = mapped(examples.rows, examples.places, lambda row, _: cut(self._encode(row), limit))
        steps = (min(len(tags), limit or len(tags)) for tags in examples.targets)
        for tags, place in zip(held_out.targets, held_out.places, strict=True):
            self._tags.encode_known(tags, place)
        super().__init__(as_inputs(inputs, torch.tensor(array("q", steps))), config.data)

    def _take(self, origin: Origin[TrainedTagger]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        here, other = (weight_rows(each.model, each.codec, each.tags.tags) for each in (self._trained, there))
        return take_weights(self.model, here, there.model, other, origin.name)

    def _encode(self, row: Example[Words, Words]) -> Encoded:
        """Return the tags of a sentence, and its words."""
        return self._tags.encode_known(row.target, row.place), *self._codec.encode_example(row)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean per word of -ln P of the tags of these sentences, and the number of words."""
        with within_memory("a batch", SMALLER):
            pairs = self.take(rows)
            batch = self.batch([pair[1:] for pair in pairs])
            tags = stack([pair[0] for pair in pairs]).to(self.device)
            losses = self.model.negative_log_likelihood(self.model(batch), tags, batch.lengths)
            count = int(batch.lengths.sum())
            return losses.sum() / count, count

    @property
    def fingerprint(self) -> str:
        """A hash of all examples."""
        return fingerprint(self._learned, self._held_out)

    @property
    def holds_out(self) -> bool:
        """Whether there are examples to evaluate on."""
        return len(self._held_out) > 0

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of the held-out sentences."""
        return self.shared(self._trained).evaluate(self._held_out).metrics

    def save(self, folder: Path) -> None:
        """Write config.json, labels.json, and the vocabularies of words and characters."""
        for name, content in self._codec.files().items():
            write_bytes(folder / name, content)
        write_labels(folder, self._tags.tags)
        write_config(folder, {"task": self._kind.task, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """Describe the sentences, the tags, and the size of the model."""
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        sentences, words = self._kind.units
        return [
            *self._taken,
            *self._notes,
            f"learned: {len(self._learned):,} {sentences} of {int(self._inputs.lengths.sum()):,} {words}",
            f"held out: {len(self._held_out):,} {sentences}",
            f"tags: {len(self._tags.tags)}",
            *self._codec.describe(words),
            f"model: {weights:,} weights",
        ]

    @cached_property
    def _trained(self) -> TrainedTagger:
        return self._kind(self.model, self._codec, self._tags, self.config)
