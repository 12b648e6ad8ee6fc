"""A trained translator: reading inputs, searching, evaluating, and loading from a run folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from bptt.data.readers.asked import Said, is_lines
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.readers.translations import Pairs, read_translations, read_untranslated
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.data.vocabulary_options import END, SPECIAL, UNKNOWN
from bptt.jobs.language.evaluation import perplexity
from bptt.jobs.language.sampling_options import SamplingOptions
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.jobs.supervised import in_batches
from bptt.jobs.translate.beam import beam_search
from bptt.jobs.translate.config import TASK, TranslatorConfig
from bptt.jobs.translate.drawing import draw
from bptt.jobs.translate.hypotheses import Hypothesis, Step
from bptt.jobs.translate.network import Generator, Translator, Writer
from bptt.jobs.translate.options import BeamOptions
from bptt.models.codecs.classes import ClassCodec
from bptt.models.codecs.codec import Codec, Padded, stack
from bptt.models.codecs.given import as_list
from bptt.models.codecs.text import TextCodec
from bptt.models.encoded import encode_inputs
from bptt.models.encoder import Encoder
from bptt.models.kinds.kind import CodecOptions
from bptt.models.kinds.registry import saved_codec
from bptt.notebook import MOST, Answers, ShownRow, shares_html
from bptt.runs.config import read_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.labels import read_labels
from bptt.runs.memory import within_memory
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

TARGET_FILE = "target_tokenizer.json"
SMALLER = "Make it smaller: fewer units, a smaller batch, a narrower beam, or `max_length`"

Input = Any
Search = BeamOptions | SamplingOptions

_NOTHING_SAID = Said()


@dataclass(frozen=True, eq=False)
class Translation(ShownRow):
    """A text found for an input.

    `log_probability` is the network's ln P of the text, `<eos>` included; the search ranks by `score`.
    `attention` (T, S) holds the weights of each of `tokens`, `<eos>` the last, over the steps of the
    `source`; S = 0 without attention.
    """

    text: str
    log_probability: float
    score: float
    source: tuple[str, ...]
    tokens: tuple[str, ...]
    attention: Tensor

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        return {"text": self.text, "ln P": f"{self.log_probability:.3f}"}

    def _repr_html_(self) -> str:
        """Return the text, and the weights of its attention if there is any, for a notebook."""
        html = super()._repr_html_()
        if self.attention.numel() and max(self.attention.shape) <= MOST:
            html += shares_html(self.source, list(zip(self.tokens, self.attention.tolist(), strict=True)))
        return html


class TrainedTranslator(ShownModel):
    """A translator with everything needed to read inputs and to write texts."""

    task: ClassVar[str] = TASK

    def __init__(
        self, model: Writer, codec: Codec[Input], vocabulary: Vocabulary, config: TranslatorConfig
    ) -> None:
        self.model, self.codec, self.vocabulary, self.config = model, codec, vocabulary, config

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        about = {"input": self.config.pairs.kind, self.vocabulary.unit: self.vocabulary.size}
        return TrainedFacts(self.model, self.config.cell, self.config.decoder, about)

    def read(self, source: Source, said: Said = _NOTHING_SAID) -> Pairs:
        """Read all inputs to be translated, in the format of the training data.

        Each line of a text is one input. Raises InputError with file and line if one cannot be read.
        """
        return read_untranslated(source, self.config.pairs.form, self.config.pairs.columns, said)

    def read_asked(self, source: Source, said: Said) -> Pairs:
        """Read all inputs to be translated, as `read` does."""
        return self.read(source, said)

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is an input."""
        columns = replace(self.config.pairs.columns, labelled=False)
        return self.config.pairs.kind in ("text", "class") and is_lines(first, columns, said)

    def read_pairs(self, source: Source, target: Source | None = None, said: Said = _NOTHING_SAID) -> Pairs:
        """Read pairs, in the format of the training data. Raises InputError with file and line."""
        pairs = self.config.pairs
        return read_translations(source, target, pairs.form, said.about(pairs.columns))

    def predict(self, inputs: Iterable[Input], search: Search | None = None) -> Answers[Translation]:
        """Return the best translation of each input, by default found by a beam of width 5.

        Raises InputError if an input cannot be encoded, naming it, for example inputs[3]; MachineError if a
        batch does not fit into memory.
        """
        given = as_list(inputs, "inputs", "inputs")
        return Answers((found[0] for found in self.search(given, search)), given)

    def search(self, inputs: Iterable[Input], search: Search | None = None) -> list[list[Translation]]:
        """Return the best translations of each input, best first; that of an empty input is empty.

        A translation does not depend on other inputs; a sample depends on the index of its input. Raises the
        errors of `predict`.
        """
        given = self.codec.take(inputs)
        encoded = [self.codec.encode(each) for each in given]
        found = [[Translation("", 0.0, 0.0, (), SPECIAL[END:], torch.zeros(1, 0))] for _ in given]
        filled = [row for row, tensors in enumerate(encoded) if len(tensors[0])]
        with evaluating(self.model), within_memory("a batch", SMALLER):
            for places, batch in in_batches([encoded[row] for row in filled], self.config.data.batch_size):
                rows = [filled[place] for place in places]
                step, state = self.begin([given[row] for row in rows], batch)
                lengths, asked, limit = batch.lengths.tolist(), search or BeamOptions(), self.config.limit
                if isinstance(asked, BeamOptions):
                    hypotheses = beam_search(step, state, lengths, asked, limit)
                else:
                    hypotheses = [[each] for each in draw(step, state, lengths, asked, rows, limit)]
                for row, each in zip(rows, hypotheses, strict=True):
                    shown = self.codec.show(given[row])
                    found[row] = [self._translation(hypothesis, shown) for hypothesis in each]
        return found

    def evaluate(self, examples: Pairs) -> dict[str, float]:
        """Return metrics of the targets' probability.

        "loss" is the mean of -ln P per token, `<eos>` counted, in nats, "perplexity" its exponential;
        "tokens" counts the tokens, "unknown" the `<unk>` among them. Raises the errors of `predict`.
        """
        encoded = encode_inputs(self.codec, examples.rows, 0, fits_memory=True)
        inputs, targets = examples.inputs, examples.targets
        total, tokens, unknown = 0.0, 0, 0

        def teach(rows: Sequence[int], batch: Padded) -> tuple[float, int, int]:
            wanted = [encode_target(self.vocabulary, targets[row]) for row in rows]
            loss = self.loss([inputs[row] for row in rows], batch, stack(wanted).to(self.model.device))
            return loss, sum(map(len, wanted)), sum(map(count_unknown, wanted))

        with evaluating(self.model):
            for _, found in self.sharing.answered(encoded, self.config.data.batch_size, teach):
                total, tokens, unknown = total + found[0], tokens + found[1], unknown + found[2]
        return {
            "loss": total / tokens,
            "perplexity": perplexity(total / tokens),
            "tokens": tokens,
            "unknown": unknown,
            "examples": len(examples),
        }

    def as_written(self, targets: Sequence[str]) -> list[str]:
        """Return targets as the vocabulary writes them: for example in lower case, or without digits."""
        return ["\n".join(self.vocabulary.left_in(text)) for text in targets]

    def count_unknown(self, inputs: Sequence[Input]) -> tuple[int, int]:
        """Return the number of `<unk>` among the tokens of texts, and the number of tokens."""
        if not isinstance(self.codec, TextCodec):
            return 0, 0
        tokens = torch.cat([self.codec.encode(each)[0] for each in inputs])
        return count_unknown(tokens), len(tokens)

    def begin(self, inputs: Sequence[Input], batch: Padded) -> tuple[Step[Any], Any]:
        """Return the step of a search, and the state that it begins with, for inputs that `batch` holds."""
        return self.model.step, self.model.start(*batch.to(self.model.device))

    def loss(self, inputs: Sequence[Input], batch: Padded, targets: Tensor) -> float:
        """Return the sum of -ln P of the targets (T, B) of inputs that `batch` holds."""
        return self.model.teach(batch.to(self.model.device), targets, "sum").item()

    def _translation(self, found: Hypothesis, source: tuple[str, ...]) -> Translation:
        tokens = tuple(map(self.vocabulary.show, (*found.tokens, END)))
        text = self.vocabulary.decode(found.tokens)
        return Translation(text, found.log_probability, found.score, source, tokens, found.attention)


def build(codec: Codec[Input], vocabulary_size: int, config: TranslatorConfig) -> Writer:
    """Build the network for the inputs of a codec."""
    part = codec.part()
    if config.pairs.is_vector:
        return Generator(part, vocabulary_size, config.cell, config.decoder)
    encoder = Encoder(part, config.cell, config.encoder)
    return Translator(encoder, vocabulary_size, config.cell, config.decoder)


def encode_target(vocabulary: Vocabulary, target: str) -> Tensor:
    """Encode a text, followed by `<eos>`, (T,) int64."""
    return vocabulary.encode(target + "\n").long()


def count_unknown(tokens: Tensor) -> int:
    """Return how many of the tokens are `<unk>`."""
    return int((tokens == UNKNOWN).sum())


def load_translator(run: Path) -> TrainedTranslator:
    """Load the translator of a run folder with its best weights.

    Raises InputError with file and cure if a file is missing or damaged.
    """
    config = read_sections(TranslatorConfig, run, TASK)
    vocabulary = Vocabulary.load(run / (FILE if config.decoder.shared else TARGET_FILE), config.target)
    codec = _saved_codec(run, config)
    layers = {
        "encoder.num_layers": config.encoder.num_layers,
        "encoder.feed_forward": len(config.encoder.feed_forward),
        "decoder.num_layers": config.decoder.num_layers,
    }
    model = build_unset(run, layers, lambda: build(codec, vocabulary.size, config))
    read_weights(model, run / WEIGHTS)
    return TrainedTranslator(model.eval(), codec, vocabulary, config)


def _saved_codec(run: Path, config: TranslatorConfig) -> Codec[Input]:
    pairs = config.pairs
    if pairs.kind == "class":
        return ClassCodec(read_labels(run))
    options = CodecOptions(len(pairs.features), config.vocabulary, config.tokens)
    return saved_codec(run, pairs.kind, options)
