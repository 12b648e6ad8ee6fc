"""A trained transcriber: reading recordings, writing what was said, evaluating, loading from a run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, inf
from pathlib import Path
from random import Random
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from bptt.data.examples import Example, Examples
from bptt.data.readers.asked import Said
from bptt.data.readers.forms import Source
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.jobs.ensembling import refuse_ensemble
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.jobs.transcribe.config import TASK, TranscriberConfig
from bptt.jobs.transcribe.endpoint import EndpointOptions
from bptt.jobs.transcribe.live import LiveTranscriber
from bptt.jobs.transcribe.metrics import rates
from bptt.jobs.transcribe.network import Transcriber, label_losses, stack_frames
from bptt.jobs.transcribe.reading import read_asked_recordings
from bptt.jobs.transcribe.searching import SpeechSearch
from bptt.jobs.transcribe.spoken_texts import Recordings, clean_all
from bptt.jobs.transcribe.symbol_paths import BLANK, collapse, count_unknown, decode, encode
from bptt.jobs.transcribe.transcription import HeardPath, Search, Transcription, TranscriptWriter
from bptt.models.codecs.codec import Codec, Padded
from bptt.models.codecs.given import as_list
from bptt.models.codecs.sound import SoundCodec
from bptt.models.encoded import Encoded, EncodedInputs, InMemory, ReadAhead
from bptt.models.kinds.kind import CodecOptions
from bptt.models.kinds.registry import find_kind, saved_codec
from bptt.nn.prefix_beam import BestPath, CTCHypothesis
from bptt.notebook import Answers
from bptt.runs.config import read_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

Answer = TypeVar("Answer")

_NOTHING_SAID = Said()


class TrainedTranscriber(ShownModel):
    """A transcriber with everything needed to read recordings and to write texts.

    Recordings are read and encoded by `workers` threads ahead of time (0: when a batch needs them).
    """

    task: ClassVar[str] = TASK

    def __init__(
        self,
        model: Transcriber,
        codec: Codec[Any],
        vocabulary: Vocabulary,
        config: TranscriberConfig,
        workers: int = 0,
    ) -> None:
        self.model, self.codec, self.vocabulary, self.config = model, codec, vocabulary, config
        self.workers = workers

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        about = {"input": self.config.source.kind, "symbols": self.vocabulary.size}
        return TrainedFacts(self.model, self.config.cell, self.config.model, about)

    @property
    def seconds(self) -> float:
        """The duration of a step in seconds; in frames, if inputs are features of unknown duration."""
        hop = self.codec.options.hop / 1000 if isinstance(self.codec, SoundCodec) else 1.0
        return hop * self.config.model.frames_per_step

    @property
    def writer(self) -> TranscriptWriter:
        """Writes what was found in a recording."""
        return TranscriptWriter(self.vocabulary, self.seconds, bool(self.config.text.spaces))

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user about how recordings are read."""
        return self.codec.notes

    def read(self, source: Source, labelled: bool, said: Said = _NOTHING_SAID) -> Examples[Any, Any]:
        """Read recordings; `labelled`, with what was said, as the model learned it.

        Raises InputError with file and line if one cannot be read.
        """
        found = read_asked_recordings(source, self.config.source, labelled, said)
        return clean_all(found, self.config.text) if labelled else found

    def predict(self, inputs: Iterable[Any], search: Search | None = None) -> Answers[Transcription]:
        """Return what was said in each recording: what a search finds, by default the likeliest symbols.

        Raises InputError if an input cannot be encoded, naming it, for example inputs[3]; MachineError if a
        batch does not fit into memory.
        """
        given = as_list(inputs, "inputs", "inputs")
        return Answers((found[0] for found in self.search(given, search)), given)

    def search(
        self, inputs: Iterable[Any], search: Search | None = None, n: int = 1, places: Sequence[str] = ()
    ) -> list[list[Transcription]]:
        """Return the `n` best texts of each recording, best first; fewer if there are fewer.

        Without a search it is one: the likeliest symbol of each step. Raises the errors of `predict`, which
        name the `places` of inputs, if these are given.
        """

        def answer(rows: Sequence[int], logits: Tensor, lengths: Tensor) -> list[list[Transcription]]:
            return self._search_batch(logits, lengths, search, n)

        return self._ask(self.codec.take_examples(inputs, places), answer)

    def stream(
        self,
        rate: int | None = None,
        search: SpeechSearch | None = None,
        endpoint: EndpointOptions | None = None,
    ) -> LiveTranscriber:
        """Return a transcriber of sound that arrives at `rate` samples a second (None: that of the model).

            live = bptt.load("RUN").stream()
            for samples in microphone:  # (N,) in ±1, of any size
                for answer in live.push(samples):
                    print(answer)  # PartialAnswer(partial, stable) or HeardUtterance(text, start, end, ...)

        `endpoint` says when an utterance ends. Raises InputError for a transcriber of both directions, and
        for an ensemble.
        """
        refuse_ensemble("stream", self.members)
        return LiveTranscriber(self.model, self.codec, self.writer, rate, search, endpoint)

    def log_probabilities(self, inputs: Iterable[Any], places: Sequence[str] = ()) -> list[Tensor]:
        """Return ln P of each symbol at each step, (T, V), on the CPU. Raises the errors of `predict`."""

        def answer(rows: Sequence[int], found: Tensor, lengths: Tensor) -> list[Tensor]:
            pairs = zip(found.log_softmax(-1).cpu().unbind(1), lengths.tolist(), strict=True)
            return [each[:length] for each, length in pairs]

        return self._ask(self.codec.take_examples(inputs, places), answer)

    def evaluate(self, examples: Recordings) -> dict[str, float]:
        """Return the metrics of recordings with what was said.

        "loss" is the mean of -ln P per symbol in nats, over the recordings that are long enough for their
        label; "cer", "wer" and "ser" are the error rates of the likeliest symbols of each step. "blanks" is
        the share of steps at which the blank is the likeliest; "place" the mean place of the symbols found in
        their recording, from 0, its start, to 1: near 0 after a collapse into the first step.
        """
        return self.judge(examples)[1]

    def judge(self, examples: Recordings) -> tuple[list[str], dict[str, float]]:
        """Return the texts found, and the metrics of `evaluate`."""
        labels = [encode(self.vocabulary, text) for text in examples.targets]

        def answer(rows: Sequence[int], logits: Tensor, lengths: Tensor) -> list[tuple[float, list[int]]]:
            wanted = [labels[row] for row in rows]
            losses = self._losses(logits, wanted, lengths).tolist()
            paths = logits.argmax(-1).t().tolist()
            return [
                (loss, path[:length])
                for loss, path, length in zip(losses, paths, lengths.tolist(), strict=True)
            ]

        found = [HeardPath(*each) for each in self._ask(examples.rows, answer)]
        texts = [decode(self.vocabulary, collapse(each.path)) for each in found]
        possible = [
            (each.loss, len(label)) for each, label in zip(found, labels, strict=True) if each.loss < inf
        ]
        steps = sum(len(each.path) for each in found)
        places = [place for each in found for place in each.places]
        metrics = {
            "loss": sum(loss for loss, _ in possible) / max(1, sum(count for _, count in possible)),
            **rates(examples.targets, texts),
            "blanks": sum(each.path.count(BLANK) for each in found) / max(1, steps),
            "place": sum(places) / max(1, len(places)),
            "symbols": sum(map(len, labels)),
            "unknown": sum(map(count_unknown, labels)),
            "impossible": len(found) - len(possible),
            "examples": len(found),
        }
        return texts, metrics

    def encode_inputs(self, examples: Sequence[Example[Any, Any]]) -> EncodedInputs:
        """Return the steps of recordings, encoded now, or when they are needed if memory cannot hold all."""

        def encode_one(row: int, epoch: int = 0) -> Encoded:
            return self.encode_one(examples[row])

        if find_kind(self.config.source.kind).fits_memory:
            return InMemory([encode_one(row) for row in range(len(examples))])
        lengths = torch.tensor([self.codec.length(example.input) or 0 for example in examples])
        return ReadAhead(encode_one, lengths, self.workers)

    def encode_one(self, example: Example[Any, Any], draw: Random | None = None) -> Encoded:
        """Return the steps of a recording, changed by `draw` if it is given.

        Raises InputError with the place of the recording if it cannot be read.
        """
        (frames,) = self.codec.encode_example(example, draw)
        return self.as_steps(frames)

    def steps_of(self, frames: int) -> int:
        """Return the number of steps in which a recording of as many frames is read."""
        limit = self.config.data.max_length
        return ceil(min(frames, limit or frames) / self.config.model.frames_per_step)

    def as_steps(self, frames: Tensor) -> Encoded:
        """Return frames (T, D) as the steps that the network reads."""
        limit = self.config.data.max_length
        return (stack_frames(frames[: limit or None], self.config.model.frames_per_step),)

    def _search_batch(
        self, logits: Tensor, lengths: Tensor, search: Search | None, n: int
    ) -> list[list[Transcription]]:
        counts = lengths.tolist()
        rows = [row[:count] for row, count in zip(logits.log_softmax(-1).unbind(1), counts, strict=True)]
        if search is not None:
            return [[self.writer.write(each, each.acoustic) for each in search.find(row, n)] for row in rows]
        likeliest = [self._likeliest(row) for row in rows]
        labels = [torch.tensor(each.symbols, dtype=torch.int64) for each in likeliest]
        losses = self._losses(logits, labels, lengths).tolist()
        return [[self.writer.write(each, -loss)] for each, loss in zip(likeliest, losses, strict=True)]

    def _likeliest(self, log_probabilities: Tensor) -> CTCHypothesis:
        search = BestPath(self.vocabulary.size, BLANK)
        search.push(log_probabilities)
        return search.best()

    def _losses(self, logits: Tensor, labels: Sequence[Tensor], lengths: Tensor) -> Tensor:
        sizes = torch.tensor([len(label) for label in labels], device=logits.device)
        return label_losses(logits, torch.cat(list(labels)).to(logits.device), lengths, sizes)

    def _ask(
        self,
        examples: Sequence[Example[Any, Any]],
        answer: Callable[[Sequence[int], Tensor, Tensor], Sequence[Answer]],
    ) -> list[Answer]:
        """Call `answer` with indices, logits (T, B, V) and lengths of each batch; return results in order."""
        found: dict[int, Answer] = {}
        device = self.model.output.weight.device
        encoded = self.encode_inputs(examples)

        def answer_batch(rows: Sequence[int], batch: Padded) -> Sequence[Answer]:
            here = batch.to(device)
            logits = self.score([examples[row] for row in rows], here)
            return answer(rows, logits, here.lengths)

        with evaluating(self.model):
            for rows, answers in self.sharing.answered(encoded, self.config.data.batch_size, answer_batch):
                found |= dict(zip(rows, answers, strict=True))
        return [found[row] for row in range(len(found))]

    def score(self, examples: Sequence[Example[Any, Any]], batch: Padded) -> Tensor:
        """Return the logits (T, B, V) of recordings, which `batch` holds as the network reads them."""
        logits: Tensor = self.model(batch)
        return logits


def build(codec: Codec[Any], vocabulary: Vocabulary, config: TranscriberConfig) -> Transcriber:
    """Build the network for the inputs of a codec."""
    return Transcriber(codec.part(), vocabulary.size, config.cell, config.model)


def load_transcriber(run: Path) -> TrainedTranscriber:
    """Load the transcriber of a run folder with its best weights.

    Raises InputError with file and cure if a file is missing or damaged.
    """
    config = read_sections(TranscriberConfig, run, TASK)
    vocabulary = Vocabulary.load(run / FILE, config.vocabulary)
    codec = saved_codec(run, config.source.kind, CodecOptions(len(config.source.features)))
    layers = {
        "model.num_layers": config.model.num_layers,
        "model.feed_forward": len(config.model.feed_forward),
    }
    model = build_unset(run, layers, lambda: build(codec, vocabulary, config))
    read_weights(model, run / WEIGHTS)
    return TrainedTranscriber(model.eval(), codec, vocabulary, config)
