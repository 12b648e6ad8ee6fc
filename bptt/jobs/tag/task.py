"""Tagging: a tag for each word of a sentence, such as the entity it is part of, or its part of speech."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, TypeVar

from torch import Tensor

from bptt.data.examples import Words
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.errors import InputError
from bptt.jobs.shown import show_trained
from bptt.jobs.supervised import SMALLER, Supervised, fingerprint, hold_out, in_batches
from bptt.jobs.tag.config import TASK, TaggerConfig
from bptt.jobs.tag.found import as_found
from bptt.jobs.tag.metrics import TagScores, tag_scores
from bptt.jobs.tag.network import Tagger
from bptt.jobs.tag.options import OPTIONS
from bptt.jobs.tag.reading import begins_as_lines, read_sentences
from bptt.jobs.tag.tag_set import Tagged, TagSet, note_rewritten, spell
from bptt.models.codecs.codec import stack
from bptt.models.codecs.words import WordCodec
from bptt.models.encoded import cut
from bptt.models.kinds.registry import part_rows
from bptt.runs.config import read_sections, to_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.labels import read_labels, write_labels
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, Rows, take_weights
from bptt.runs.run_folder import WEIGHTS, write_bytes, write_config
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

Answer = TypeVar("Answer")

_NOTHING_SAID = Said()


@dataclass(frozen=True)
class Tagging:
    """The tags of a sentence, and the probability of each at its word."""

    tags: Words
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Alternative:
    """The tags of a sentence, and the natural logarithm of their probability."""

    tags: Words
    log_probability: float


class TagTask(Supervised):
    """Learn the tags of sentences.

    What is not learned from is `held_out`, or, if that is None, a share of the examples, with equal
    sentences on one side. `vectors` is a file of word vectors that the embedding begins with. The weights
    are drawn from torch's generator: seed it before. Raises InputError with the line for a tag that is held
    out and never learned.
    """

    title = OPTIONS.called
    unit = "words"
    model: Tagger

    def __init__(
        self,
        examples: Tagged,
        held_out: Tagged | None,
        config: TaggerConfig,
        vectors: Path | None = None,
        origin: Origin[TrainedTagger] | None = None,
    ) -> None:
        options, reason = as_found(examples, config.tags)
        self._notes = (*examples.notes, reason, *note_rewritten(examples, options.spelling))
        self._tags = TagSet.build(examples, options.spelling)
        self.criterion = options.criterion
        if held_out is None:
            learned, held = hold_out(examples.keys, None, config.data)
            examples, held_out = examples.take(learned), examples.take(held)
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
        self._encoded = [cut(self._codec.encode_example(row), limit) for row in examples.rows]
        self._targets = [cut((self._tags.encode_known(row),), limit)[0] for row in examples.rows]
        for row in held_out.rows:
            self._tags.encode_known(row)
        super().__init__(self._encoded, config.data)

    def _take(self, origin: Origin[TrainedTagger]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        here, other = (_rows(each.model, each.codec, each.tags.tags) for each in (self._trained, there))
        return take_weights(self.model, here, there.model, other, origin.name)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """The mean of -ln P of the tags of these sentences per word, and the number of words."""
        with within_memory("a batch", SMALLER):
            batch = self.batch([self._encoded[row] for row in rows])
            tags = stack([self._targets[row] for row in rows]).to(self.device)
            losses = self.model.negative_log_likelihood(self.model(batch), tags, batch.lengths)
            count = int(batch.lengths.sum())
            return losses.sum() / count, count

    @property
    def fingerprint(self) -> str:
        """Of the examples."""
        return fingerprint(self._learned, self._held_out)

    @property
    def holds_out(self) -> bool:
        """Whether there are examples to evaluate on."""
        return len(self._held_out) > 0

    def evaluate(self) -> dict[str, float]:
        """The metrics of the held-out sentences."""
        return self._trained.evaluate(self._held_out).metrics

    def save(self, folder: Path) -> None:
        """Write config.json, labels.json, and the words and characters known."""
        for name, content in self._codec.files().items():
            write_bytes(folder / name, content)
        write_labels(folder, self._tags.tags)
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """The sentences, the tags, and the size of the model."""
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        return [
            *self._taken,
            *self._notes,
            f"learned: {len(self._learned):,} sentences of {sum(map(len, self._targets)):,} words",
            f"held out: {len(self._held_out):,} sentences",
            f"tags: {len(self._tags.tags)}",
            *self._codec.describe(),
            f"model: {weights:,} weights",
        ]

    @cached_property
    def _trained(self) -> TrainedTagger:
        return TrainedTagger(self.model, self._codec, self._tags, self.config)


class TrainedTagger:
    """A tagger with all that it needs to read sentences and to name tags."""

    task: ClassVar[str] = TASK

    def __init__(self, model: Tagger, codec: WordCodec, tags: TagSet, config: TaggerConfig) -> None:
        self.model, self.codec, self.tags, self.config = model, codec, tags, config

    def __repr__(self) -> str:
        facts = {"words": len(self.codec.words), "tags": len(self.tags.tags)}
        return show_trained(self, TASK, self.model, self.config.cell, self.config.model, facts)

    def read(self, source: Source, tagged: bool, said: Said = _NOTHING_SAID) -> Tagged:
        """Sentences; if no tags are needed also those without, as `reading.read_sentences` finds them."""
        return read_sentences(source, said, self.config.tags.unit, None if tagged else self.tags.tags)

    def read_asked(self, source: Source, said: Said) -> Tagged:
        """Sentences to be tagged, none left out."""
        return self.read(source, tagged=False, said=said)

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Whether what begins with this line is lines, a sentence each."""
        return begins_as_lines(first, said, self.config.tags.unit)

    def predict(self, sentences: Iterable[Sequence[str]]) -> list[Tagging]:
        """The tags of each sentence, a sequence of words. Raises InputError naming a sentence that is not cut
        into words, MachineError if a batch does not fit into memory.
        """

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[Tagging]:
            # Rounding may leave a little more than 1.
            marginals = self.model.marginals(scores, lengths).clamp(max=1.0)  # (T, B, K)
            return [
                Tagging(self.tags.decode(tags), tuple(marginals[range(len(tags)), row, tags].tolist()))
                for row, tags in enumerate(self.model.decode(scores, lengths))
            ]

        return self._ask(sentences, answer)

    def probabilities(self, sentences: Iterable[Sequence[str]]) -> list[Tensor]:
        """For each sentence the probability of each tag at each word, (T, K), on the CPU."""

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[Tensor]:
            marginals = self.model.marginals(scores, lengths).cpu()  # (T, B, K)
            return [marginals[:length, row] for row, length in enumerate(lengths.tolist())]

        return self._ask(sentences, answer)

    def predict_nbest(self, sentences: Iterable[Sequence[str]], n: int) -> list[list[Alternative]]:
        """The `n` most probable sequences of tags of each sentence, best first; fewer if there are no more.

        Raises InputError if the tagger has no CRF.
        """
        crf = self.model.crf
        if crf is None:
            raise InputError("n_best", "needs a tagger with a CRF", "one without", "Train it with `crf`")

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[list[Alternative]]:
            return [
                [Alternative(self.tags.decode(path.tags), path.log_probability) for path in paths]
                for paths in crf.decode_nbest(scores, lengths, n)
            ]

        return self._ask(sentences, answer)

    def evaluate(self, examples: Tagged) -> TagScores:
        """How well the tags of examples are found. Tags that were not learned are counted.

        Tags in another scheme than that learned are compared in the learned one. Raises InputError with the
        line for a tag of no scheme, if those learned are of one.
        """
        wanted = [self.tags.encode(row) for row in examples.rows]

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[tuple[Words, float]]:
            tags = stack([wanted[row].numbers for row in rows]).to(scores.device)
            losses = self.model.negative_log_likelihood(scores, tags, lengths).tolist()
            found = map(self.tags.decode, self.model.decode(scores, lengths))
            return list(zip(found, losses, strict=True))

        found, losses = zip(*self._ask(examples.inputs, answer), strict=True)
        strange = [len(each.strange) for each in wanted]
        known = [None if count else loss for loss, count in zip(losses, strange, strict=True)]
        gold = [spell(row, self.tags.scheme) for row in examples.rows]
        return tag_scores(gold, found, known, sum(strange), self.tags.scheme is not None)

    def _ask(
        self,
        sentences: Iterable[Sequence[str]],
        answer: Callable[[Sequence[int], Tensor, Tensor], Sequence[Answer]],
    ) -> list[Answer]:
        """What `answer` makes of the numbers, scores (T, B, K) and lengths of each batch, in order."""
        found: dict[int, Answer] = {}
        given = self.codec.take(sentences, "sentences", "sentences, each a sequence of words")
        encoded = [self.codec.encode(each) for each in given]
        with evaluating(self.model), within_memory("a batch", SMALLER):
            for rows, batch in in_batches(encoded, self.config.data.batch_size):
                here = batch.to(self.model.output.weight.device)
                answers = answer(rows, self.model(here), here.lengths)
                found.update(zip(rows, answers, strict=True))
        return [found[row] for row in range(len(given))]


def build(codec: WordCodec, tags: TagSet, config: TaggerConfig) -> Tagger:
    """The network for what the codec gives."""
    return Tagger(codec.part(), len(tags.tags), config.cell, config.model, config.tags.crf, tags.allowed)


def _rows(model: Tagger, codec: WordCodec, tags: Words) -> Rows:
    """What the rows of the tensors stand for."""
    of_tags = dict.fromkeys(("output.weight", "output.bias", "crf.start", "crf.end"), (tags,))
    return part_rows(model, codec) | of_tags | {"crf.transitions": (tags, tags)}


def load_tagger(run: Path) -> TrainedTagger:
    """The tagger of a run folder with its best weights. Raises InputError naming file and cure."""
    config = read_sections(TaggerConfig, run, TASK)
    tags = TagSet(read_labels(run), config.tags.spelling)
    codec = WordCodec.load(run, config.words)
    layers = {
        "model.num_layers": config.model.num_layers,
        "model.feed_forward": len(config.model.feed_forward),
    }
    model = build_unset(run, layers, lambda: build(codec, tags, config))
    read_weights(model, run / WEIGHTS)
    return TrainedTagger(model.eval(), codec, tags, config)
