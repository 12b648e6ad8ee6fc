"""Transcription: recordings and what was said in each, learned without an alignment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bptt.data.examples import note_left_out
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.errors import InputError, counted
from bptt.jobs.supervised import SMALLER, Encoded, Supervised, fingerprint
from bptt.jobs.transcribe.config import TASK, TranscriberConfig
from bptt.jobs.transcribe.evaluation import write_held_out
from bptt.jobs.transcribe.network import Transcriber, label_losses
from bptt.jobs.transcribe.options import OPTIONS
from bptt.jobs.transcribe.splitting import note_shared, split_recordings
from bptt.jobs.transcribe.spoken_texts import Recordings, clean_all, note_unknown, settled
from bptt.jobs.transcribe.symbol_paths import count_unknown, encode, least_steps
from bptt.jobs.transcribe.trained import TrainedTranscriber, build, load_transcriber
from bptt.models.encoded import InMemory, ReadAhead, measure, source_of
from bptt.models.kinds.kind import CodecOptions
from bptt.models.kinds.registry import codec_of, continued_codec, find_kind, new_codec, part_rows
from bptt.runs.config import to_sections
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, Rows, take_weights
from bptt.runs.run_folder import write_bytes, write_config


class TranscribeTask(Supervised):
    """A training of a transcriber.

    The held-out recordings are `held_out`, or, if that is None, a share of `examples`: whole speakers, where
    they are named. Recordings too short for their label are left out of training. Initial weights are drawn
    from torch's generator: seed it before. `workers` threads read and encode recordings ahead of time.

    Raises InputError if a recording cannot be read, or none is long enough for its label; MachineError if the
    model does not fit into memory.
    """

    title = OPTIONS.called
    model: Transcriber
    shown = ("cer", "wer", "blanks", "place")

    def __init__(
        self,
        examples: Recordings,
        held_out: Recordings | None,
        config: TranscriberConfig,
        origin: Origin[TrainedTranscriber] | None = None,
        *,
        workers: int = 0,
    ) -> None:
        text = settled(examples.targets, config.text)
        source = replace(config.source, features=examples.columns, learned=examples.found)
        self.config = config = replace(config, text=text, source=source)
        self.criterion = config.target.select
        examples = clean_all(examples, text)
        self._notes = [*examples.notes]
        if held_out is None:
            examples, held_out, notes = split_recordings(examples, config.data)
        else:
            held_out = clean_all(held_out, text)
            notes = (*(f"dev: {note}" for note in held_out.notes), *note_shared(examples, held_out))
        self._notes += notes
        self._learned, self._held_out, self._workers = examples, held_out, workers
        spoken = "\n".join(examples.targets)
        self.vocabulary = (
            origin.trained.vocabulary.continued(spoken, config.vocabulary, origin.grow)
            if origin
            else Vocabulary.build(spoken, config.vocabulary)
        )
        self.unit = self.vocabulary.unit
        options = CodecOptions(
            len(examples.columns), sound=config.sound, changes=config.changes, workers=workers
        )
        self._codec = (
            continued_codec(codec_of(origin), source.kind, examples.inputs, options)
            if origin
            else new_codec(source.kind, examples.inputs, options)
        )
        with within_memory("the model", SMALLER):
            self.model = build(self._codec, self.vocabulary, config)
        self._taken = self._take(origin) if origin else []
        self._labels = [encode(self.vocabulary, target) for target in examples.targets]
        lengths = self._measure(examples)
        # Read once now, so that a held-out recording that cannot be read is refused before training starts.
        self._held_out_lengths = self._measure(held_out)
        self._keep_possible(lengths)
        super().__init__(self._inputs_of(self._learned), config.data)

    def _measure(self, examples: Recordings) -> Tensor:
        """Return the steps of each recording, (N,). Raises InputError if one cannot be read."""
        known = [self._codec.length(row.input) for row in examples.rows]
        if not any(length is None for length in known):
            return torch.tensor([self.trained.steps_of(length or 0) for length in known])
        return measure(self.trained.encode_one, examples.rows, self._workers)

    def _keep_possible(self, lengths: Tensor) -> None:
        """Leave out the recordings that are too short for their label. Raises InputError if all are."""
        needed = torch.tensor([least_steps(label.tolist()) for label in self._labels])
        fits = (needed <= lengths).tolist()
        left_out = [row for row, fit in enumerate(fits) if not fit]
        if left_out:
            row = left_out[0]
            places = [self._learned.rows[each].place for each in left_out]
            why = "are too short for their transcript"
            first = (
                f" of {counted(int(lengths[row]), 'steps')}, while its transcript needs {int(needed[row])}"
            )
            self._notes += [note + first for note in note_left_out(places, why)]
        if not any(fits):
            rule = "some recording must have as many steps as its transcript has symbols"
            raise InputError("examples", rule, "none", "Make steps shorter: a smaller `frames_per_step`")
        kept = [row for row, fit in enumerate(fits) if fit]
        self._learned, self._lengths = self._learned.take(kept), lengths[kept]
        self._labels = [self._labels[row] for row in kept]
        self._unreachable = int((self._needed_of(self._held_out) > self._held_out_lengths).sum())

    def _needed_of(self, examples: Recordings) -> Tensor:
        labels = [encode(self.vocabulary, target) for target in examples.targets]
        return torch.tensor([least_steps(label.tolist()) for label in labels])

    def _inputs_of(self, examples: Recordings) -> InMemory | ReadAhead:
        """Return the steps of recordings, those of sounds changed anew in each epoch."""
        if find_kind(self.config.source.kind).fits_memory:
            return InMemory([self.trained.encode_one(row) for row in examples.rows])
        return ReadAhead(self._encode, self._lengths, self._workers)

    def _encode(self, row: int, epoch: int) -> Encoded:
        draw = source_of(self.config.data.seed, epoch, row)
        return self.trained.encode_one(self._learned.rows[row], draw)

    def _take(self, origin: Origin[TrainedTranscriber]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        here, other = (_rows(each) for each in (self.trained, there))
        return take_weights(self.model, here, there.model, other, origin.name)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean of -ln P per symbol of the recordings of these numbers, and the number of symbols.

        A recording that augmentation has made too short for its label counts for nothing.
        """
        with within_memory("a batch", SMALLER):
            batch = self.batch(self.take(rows))
            labels = [self._labels[row] for row in rows]
            steps = batch.lengths.tolist()
            fits = [least_steps(each.tolist()) <= length for each, length in zip(labels, steps, strict=True)]
            sizes = torch.tensor([len(label) for label in labels])
            losses = label_losses(
                self.model(batch), torch.cat(labels).to(self.device), batch.lengths, sizes.to(self.device)
            )
            possible = torch.tensor(fits)
            count = max(1, int(sizes[possible].sum()))
            return losses[possible.to(self.device)].sum() / count, count

    @property
    def fingerprint(self) -> str:
        """A hash of all recordings and their transcripts."""
        return fingerprint(self._learned, self._held_out)

    @property
    def holds_out(self) -> bool:
        """Whether there are recordings to evaluate on."""
        return len(self._held_out) > 0

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of the held-out recordings."""
        return self.shared(self.trained).evaluate(self._held_out)

    def is_waiting(self, metrics: Mapping[str, float]) -> bool:
        """Return whether the model still answers with blanks alone, as it does at first."""
        return metrics["cer"] >= 1

    def conclude(self, run: Path) -> list[str]:
        """Describe the errors of the best weights on the held-out recordings."""
        if not self.holds_out:
            return []
        found = load_transcriber(run).evaluate(self._held_out)
        return [
            f"held-out word error rate {found['wer']:.2%}, characters {found['cer']:.2%} "
            "by the likeliest symbol of each step; a beam or a language model searches better"
        ]

    def save(self, folder: Path) -> None:
        """Write config.json, the files of the codec, the vocabulary, and which recordings are held out."""
        write_held_out(folder, self._held_out)
        for name, content in self._codec.files().items():
            write_bytes(folder / name, content)
        write_bytes(folder / FILE, self.vocabulary.to_bytes())
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """Describe the recordings, the symbols, and the size of the model."""
        symbols, lengths = sum(map(len, self._labels)), sorted(self._lengths.tolist())
        unknown = sum(map(count_unknown, self._labels))
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        speakers = len({row.group for row in self._learned.rows if row.group})
        others = len({row.group for row in self._held_out.rows if row.group})
        return [
            *self._taken,
            *self._notes,
            f"learned: {counted(len(self._learned), 'recordings')}{_of(speakers)}, {self._count(symbols)}",
            f"held out: {counted(len(self._held_out), 'recordings')}{_of(others)}",
            *self._codec.describe(),
            f"steps: {lengths[0]:,} to {lengths[-1]:,} each; {sum(lengths):,} for {self._count(symbols)}",
            *self._describe_symbols(unknown),
            f"model: {weights:,} weights",
        ]

    def _describe_symbols(self, unknown: int) -> Iterator[str]:
        case = {"upper": "in capitals", "lower": "in small letters", "mixed": "as written"}
        kept = "" if self.config.text.spaces else ", without spaces between words"
        yield f"transcripts: {case[self.config.text.case]}{kept}"
        yield f"symbols: {self._count(self.vocabulary.size - 2)} and the blank{self.vocabulary.folding}"
        if unknown:
            yield f"unknown symbols (<unk>) learned: {unknown:,}"
        if self.vocabulary.options.level == "character":
            yield from note_unknown(self._held_out.targets, self.vocabulary.tokens, "held out")
        if self._unreachable:
            yield (
                f"held out, and too short for their transcript: {self._unreachable:,}; they count as "
                "errors, but not in the loss"
            )

    def _count(self, symbols: int) -> str:
        return counted(symbols, self.unit)

    @cached_property
    def trained(self) -> TrainedTranscriber:
        """The transcriber with its current weights."""
        return TrainedTranscriber(self.model, self._codec, self.vocabulary, self.config, self._workers)


def _rows(trained: TrainedTranscriber) -> Rows:
    """Return the meaning of the rows of parameters (symbols), to transfer weights by name."""
    symbols = (trained.vocabulary.tokens,)
    of_part: dict[str, Any] = part_rows(trained.model, trained.codec)
    return {**of_part, "output.weight": symbols, "output.bias": symbols}


def _of(speakers: int) -> str:
    return f" of {counted(speakers, 'speakers')}" if speakers else ""
