"""A trained tagger: reading sentences, predicting, evaluating, and loading from a run folder."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, TypeVar

from torch import Tensor

from bptt.data.cutting import Level
from bptt.data.examples import Words, column
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.stored_columns import CodedSequences
from bptt.errors import InputError
from bptt.jobs.options import JobOptions
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.jobs.tag.config import TASK, TaggerConfig
from bptt.jobs.tag.found import as_found
from bptt.jobs.tag.metrics import TagScores, tag_scores
from bptt.jobs.tag.network import Tagger
from bptt.jobs.tag.options import OPTIONS, TagOptions
from bptt.jobs.tag.reading import begins_as_lines, read_sentences
from bptt.jobs.tag.tag_set import Tagged, TagSet, spell
from bptt.models.codecs.codec import Padded, stack
from bptt.models.codecs.words import WordCodec
from bptt.models.encoded import EncodedInputs, InMemory, encode_inputs
from bptt.models.kinds.registry import part_rows
from bptt.notebook import MOST, Answers, ShownRow, table_html
from bptt.runs.config import read_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.labels import read_labels
from bptt.runs.origin import Rows
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

Answer = TypeVar("Answer")

_NOTHING_SAID = Said()
# The name of the argument, and what it holds, in errors.
_SENTENCES = "sentences", "sentences, each a sequence of words"


@dataclass(frozen=True)
class Tagging(ShownRow):
    """The tags of a sentence, its `words`, and the marginal probability of each tag."""

    tags: Words
    probabilities: tuple[float, ...]
    words: Words = field(default=(), repr=False)

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        return {"tags": " ".join(map("{}/{}".format, self.words, self.tags))}

    def _repr_html_(self) -> str:
        """Return the words with their tags and probabilities for a notebook."""
        numbers = (f"{each:.3f}" for each in self.probabilities)
        return table_html(("word", "tag", "P"), list(zip(self.words, self.tags, numbers, strict=True))[:MOST])


@dataclass(frozen=True)
class Alternative:
    """The tags of a sentence, and the natural logarithm of their probability."""

    tags: Words
    log_probability: float


class TrainedTagger(ShownModel):
    """A tagger with everything needed to read sentences and to name tags.

    A job derived from tagging is a subclass with its own `options` and its own `sentences`, which reads its
    files. `units` names these and their steps; `settled` and `augmented` may be its own, too.
    """

    task: ClassVar[str] = TASK
    options: ClassVar[JobOptions] = OPTIONS
    units: ClassVar[tuple[str, str]] = "sentences", "words"

    def __init_subclass__(cls) -> None:
        cls.task = cls.options.task

    def __init__(self, model: Tagger, codec: WordCodec, tags: TagSet, config: TaggerConfig) -> None:
        self.model, self.codec, self.tags, self.config = model, codec, tags, config

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        about = {"words": len(self.codec.words), "tags": len(self.tags.tags)}
        return TrainedFacts(self.model, self.config.cell, self.config.model, about)

    def cutting_by(self, level: Level | None) -> TrainedTagger:
        """Return the same tagger, which cuts plain text by another rule; None leaves the one it learned."""
        if level is None:
            return self
        found = copy(self)
        found.config = replace(self.config, tags=replace(self.config.tags, level=level))
        return found

    @classmethod
    def sentences(cls, source: Source, config: TaggerConfig, said: Said, tags: Words | None) -> Tagged:
        """Return the sentences of a source, for training or to be tagged.

        For training `tags` is None, and each word needs a tag; otherwise `tags` are those that were learned,
        and the source may have none. Raises InputError with the line if the source cannot be read.
        """
        return read_sentences(source, said, config.tags.cutting, tags)

    @classmethod
    def settled(cls, examples: Tagged, options: TagOptions) -> tuple[TagOptions, tuple[str, ...]]:
        """Return the options with what the examples to learn from show, and the reasons for the user.

        Raises InputError at the first tag outside of the scheme if only a few are.
        """
        return as_found(examples, options)

    @classmethod
    def augmented(cls, examples: Tagged, config: TaggerConfig) -> Tagged:
        """Return the examples that remain to learn from when others are held out, perhaps with more."""
        return examples

    def read(self, source: Source, tagged: bool, said: Said = _NOTHING_SAID) -> Tagged:
        """Read sentences; unless `tagged`, also those without tags. Raises InputError as `sentences` does."""
        return self.sentences(source, self.config, said, None if tagged else self.tags.tags)

    def read_asked(self, source: Source, said: Said) -> Tagged:
        """Return all sentences to be tagged. Raises InputError as `sentences` does."""
        return self.read(source, tagged=False, said=said)

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is a sentence."""
        return begins_as_lines(first, said, self.config.tags.cutting)

    def predict(self, sentences: Iterable[Sequence[str]]) -> Answers[Tagging]:
        """Return the tags of each sentence, a sequence of words.

        Raises InputError if a sentence is not a sequence of words, MachineError if a batch does not fit into
        memory.
        """
        given = self.codec.take(sentences, *_SENTENCES)

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[Tagging]:
            # Rounding may give slightly more than 1.
            marginals = self.model.marginals(scores, lengths).clamp(max=1.0)  # (T, B, K)
            found = enumerate(zip(rows, self.model.decode(scores, lengths), strict=True))
            return [
                Tagging(self.tags.decode(tags), _probabilities(marginals[:, n], tags), given[row])
                for n, (row, tags) in found
            ]

        return Answers(self._ask(given, answer))

    def probabilities(self, sentences: Iterable[Sequence[str]]) -> list[Tensor]:
        """Return, for each sentence, the probability of each tag at each word, (T, K), on the CPU.

        Raises the errors of `predict`.
        """

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[Tensor]:
            marginals = self.model.marginals(scores, lengths).cpu()  # (T, B, K)
            return [marginals[:length, row] for row, length in enumerate(lengths.tolist())]

        return self._ask(sentences, answer)

    def predict_nbest(self, sentences: Iterable[Sequence[str]], n: int) -> list[list[Alternative]]:
        """Return the `n` most probable tag sequences of each sentence, best first; fewer if there are fewer.

        Raises InputError if the tagger has no CRF, and the errors of `predict`.
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
        """Return the scores on tagged examples; tags that were not learned are counted.

        Tags in another scheme are converted to the learned one. Raises InputError with the line if the model
        has a scheme and a tag fits none.
        """
        given, places = column(examples.rows, "target"), examples.places

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[tuple[Words, float, int]]:
            wanted = [self.tags.encode(given[row], places[row]) for row in rows]
            tags = stack([each.numbers for each in wanted]).to(scores.device)
            losses = self.model.negative_log_likelihood(scores, tags, lengths).tolist()
            found = map(self.tags.decode, self.model.decode(scores, lengths))
            return list(zip(found, losses, [len(each.strange) for each in wanted], strict=True))

        numbers, losses, strange = array("q"), array("d"), array("q")

        def tags_found() -> Iterator[Words]:
            for rows, answers in self._answered(examples.inputs, encoded, answer):
                for row, (tags, loss, count) in zip(rows, answers, strict=True):
                    numbers.append(row)
                    losses.append(loss)
                    strange.append(count)
                    yield tags

        encoded = encode_inputs(self.codec, examples.rows, 0, fits_memory=True)
        with evaluating(self.model):
            # A byte for each tag: a large file, whose rows stay in it, holds out many sentences.
            found = CodedSequences.of(tags_found())
        order = sorted(range(len(numbers)), key=numbers.__getitem__)
        known = [None if strange[n] else losses[n] for n in order]
        spelled = (spell(tags, place, self.tags.scheme) for tags, place in zip(given, places, strict=True))
        gold = CodedSequences.of(spelled)
        return tag_scores(gold, found.take(order), known, sum(strange), self.tags.scheme is not None)

    def _ask(
        self,
        sentences: Iterable[Sequence[str]],
        answer: Callable[[Sequence[int], Tensor, Tensor], Sequence[Answer]],
    ) -> list[Answer]:
        """Call `answer` with indices, scores (T, B, K) and lengths of each batch; return results in order."""
        given = self.codec.take(sentences, *_SENTENCES)
        encoded = InMemory([self.codec.encode(each) for each in given])
        found: dict[int, Answer] = {}
        with evaluating(self.model):
            for rows, answers in self._answered(given, encoded, answer):
                found.update(zip(rows, answers, strict=True))
        return [found[row] for row in range(len(given))]

    def _answered(
        self,
        given: Sequence[Words],
        encoded: EncodedInputs,
        answer: Callable[[Sequence[int], Tensor, Tensor], Sequence[Answer]],
    ) -> Iterator[tuple[list[int], Sequence[Answer]]]:
        """Yield the rows of each batch, and what `answer` returns for them; call it inside `evaluating`."""

        def answer_batch(rows: Sequence[int], batch: Padded) -> Sequence[Answer]:
            here = batch.to(self.model.output.weight.device)
            scores = self.score([given[row] for row in rows], here)
            return answer(rows, scores, here.lengths)

        return self.sharing.answered(encoded, self.config.data.batch_size, answer_batch)

    def score(self, sentences: Sequence[Words], batch: Padded) -> Tensor:
        """Return the scores (T, B, K) of sentences, which `batch` holds as the network reads them."""
        scores: Tensor = self.model(batch)
        return scores


def _probabilities(marginals: Tensor, tags: Sequence[int]) -> tuple[float, ...]:
    """Return the probability of each tag of a sentence, given the marginals (T, K)."""
    return tuple(marginals[range(len(tags)), tags].tolist())


def build(codec: WordCodec, tags: TagSet, config: TaggerConfig) -> Tagger:
    """Build the network for the inputs of a codec."""
    return Tagger(codec.part(), len(tags.tags), config.cell, config.model, config.tags.crf, tags.allowed)


def weight_rows(model: Tagger, codec: WordCodec, tags: Words) -> Rows:
    """Return the meaning of the rows of parameters (tokens, tags), to transfer weights by name."""
    of_tags = dict.fromkeys(("output.weight", "output.bias", "crf.start", "crf.end"), (tags,))
    return part_rows(model, codec) | of_tags | {"crf.transitions": (tags, tags)}


def read_config_of(run: Path, kind: type[TrainedTagger] = TrainedTagger) -> TaggerConfig:
    """Return the configuration of a run folder of such a tagger. Raises InputError naming file and cure."""
    return read_sections(TaggerConfig, run, kind.task, kind.options.train.sections)


def load_tagger(run: Path, kind: type[TrainedTagger] = TrainedTagger) -> TrainedTagger:
    """Return the tagger of a run folder with its best weights, as one of this class.

    Raises InputError naming file and cure.
    """
    config = read_config_of(run, kind)
    tags = TagSet(read_labels(run), config.tags.spelling)
    codec = WordCodec.load(run, config.words)
    layers = {
        "model.num_layers": config.model.num_layers,
        "model.feed_forward": len(config.model.feed_forward),
    }
    model = build_unset(run, layers, lambda: build(codec, tags, config))
    read_weights(model, run / WEIGHTS)
    return kind(model.eval(), codec, tags, config)
