"""A training of a model of music."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor

from bptt.jobs.group import WHOLE, Group
from bptt.jobs.language.network import START
from bptt.jobs.music import corpus_record, held_out_pieces
from bptt.jobs.music.config import TASK, MusicConfig
from bptt.jobs.music.corpus_record import CorpusRecord
from bptt.jobs.music.options import OPTIONS
from bptt.jobs.music.piece_batches import PieceBatches, batch_of
from bptt.jobs.music.piece_notation import FILE, MusicNetwork, PieceNotation, notes_on
from bptt.jobs.music.pieces import EncodedPieces
from bptt.jobs.music.trained import TrainedMusicModel, load_music_model, metrics_of
from bptt.jobs.supervised import SMALLER
from bptt.jobs.task import Step, Task, check_halved
from bptt.runs.config import to_sections
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, take_weights
from bptt.runs.run_folder import write_bytes, write_config
from bptt.runs.spans import span

# The tempos of training pieces, as shares of the largest change.
_MOST_EPOCHS = 1_000_000
_TEMPOS = (-1.0, -0.5, 0.0, 0.5, 1.0)


class MusicTask(Task):
    """A training of a model of music, on pieces as `notation` writes them.

    Each epoch draws every piece in a key and at a tempo, the same ones whenever the epoch is repeated.
    Initial weights are drawn from torch's generator: seed it before.
    """

    title = OPTIONS.called
    model: MusicNetwork
    takes_groups = True

    def __init__(
        self,
        learned: EncodedPieces,
        held_out: EncodedPieces,
        notation: PieceNotation,
        config: MusicConfig,
        corpus: CorpusRecord,
        about: Sequence[str] = (),
        origin: Origin[TrainedMusicModel] | None = None,
    ) -> None:
        self.config, self._notation, self._corpus, self._about = config, notation, corpus, about
        self._learned, self._held_out = learned, held_out
        self._keys, self.unit = Counter(learned.keys), notation.unit
        with within_memory("the model", SMALLER):
            self.model = notation.network(config.cell, config.model)
        self._taken = self._take(origin) if origin else []
        lengths = torch.tensor([len(piece) for piece in learned.steps])
        data = config.data
        self._batches = PieceBatches(lengths, data.batch_size, data.sequence_length, data.seed)

    def _take(self, origin: Origin[TrainedMusicModel]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        rows = self._notation.rows(self.model), there.notation.rows(there.model)
        return take_weights(self.model, rows[0], there.model, rows[1], origin.name)

    @property
    def holds_out(self) -> bool:
        """Whether there are pieces to evaluate on."""
        return len(self._held_out.steps) > 0

    @property
    def fingerprint(self) -> str:
        """A hash of all pieces, as they are written."""
        digest = hashlib.sha256()
        for part in (self._learned, self._held_out):
            for piece in part.steps:
                digest.update(piece.numpy().tobytes())
            digest.update(b"\n")
        return digest.hexdigest()

    def steps(self, epoch: int) -> int:
        """Return the number of windows in `epoch`."""
        return self._batches.steps(epoch)

    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...], group: Group = WHOLE) -> Step:
        """Compute the loss on a window of a batch of pieces; the states are those after the window before."""
        window = self._batches.window(epoch, index)
        rows = window.rows[group.cut(len(window.rows))].tolist()
        with span("input"):
            pieces = [self._varied(epoch, row) for row in rows]
        units = sum(max(0, min(len(piece), window.stop) - window.start) for piece in pieces)
        if not units:
            # Pieces that have ended, or none at all: their states count for nothing.
            return Step(torch.zeros(()), 0, carry)
        with span("input"):
            batch = batch_of(pieces, window.start, window.stop).to(self.model.device)
        with within_memory("a batch", SMALLER):
            output, states = self.model.read(batch.inputs, carry if batch.continues else START)
            log_p = self.model.score(output, batch.targets)
        return Step(-log_p.sum() / units, units, tuple(state.detach() for state in states))

    def _varied(self, epoch: int, row: int) -> Tensor:
        """Return a training piece in the key and at the tempo of an epoch."""
        steps, data = self._learned.steps[row], self.config.data
        seed = ((data.seed * _MOST_EPOCHS + epoch) * len(self._learned.steps) + row) % 2**63
        key, tempo = torch.rand(2, generator=torch.Generator().manual_seed(seed)).tolist()
        if data.transpose:
            steps = self._notation.transposed(steps, self._semitones(row, key))
        if data.tempo_change and self._notation.feels_tempo:
            steps = self._notation.retimed(steps, 1 + _TEMPOS[int(tempo * len(_TEMPOS))] * data.tempo_change)
        return steps

    def _semitones(self, row: int, draw: float) -> int:
        """Return by how much to move a training piece: into each key as often as training pieces are in it.

        All keys alike would take most of a short training for keys in which nobody plays.
        """
        allowed = self._notation.transpositions(self._learned.steps[row])
        own = self._learned.keys[row]
        totals = list(accumulate(self._keys[own.moved(each)] for each in allowed))
        return allowed[bisect(totals, int(draw * totals[-1]))]

    def keep_half(self, half: int) -> None:
        """Keep the first or the second half of the held-out pieces, as variants are mostly neighbours."""
        held = self._held_out
        middle = len(held.steps) // 2
        part = slice(middle, None) if half else slice(middle)
        check_halved(held.steps[part])
        self._held_out = replace(
            held, steps=held.steps[part], notes=held.notes[part], names=held.names[part], keys=held.keys[part]
        )

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of the held-out pieces."""
        return metrics_of(self.shared(self.trained).score_steps(self._held_out.steps, self._held_out.notes))

    def conclude(self, run: Path) -> list[str]:
        """Return the likelihood of the held-out notes under the best weights."""
        if not self.holds_out:
            return []
        best = load_music_model(run)
        found = metrics_of(best.score_steps(self._held_out.steps, self._held_out.notes))
        return [f"held-out pieces: {found['nats_per_note']:.4f} nats per note"]

    def save(self, folder: Path) -> None:
        """Write config.json, the notation, the record of the corpus, and the held-out pieces."""
        write_bytes(folder / FILE, self._notation.to_bytes())
        write_bytes(folder / corpus_record.FILE, self._corpus.to_bytes())
        write_bytes(folder / held_out_pieces.FILE, held_out_pieces.to_bytes(self._notation, self._held_out))
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """Describe the pieces, the notation, and the size of the model."""
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        return [
            *self._taken,
            *self._about,
            f"learned: {self._learned.describe(self.unit)}",
            f"held out: {self._held_out.describe(self.unit)}",
            self._notation.describe(),
            *notes_on(self._learned.lost + self._held_out.lost),
            f"model: {weights:,} weights",
        ]

    @cached_property
    def trained(self) -> TrainedMusicModel:
        """The model with its current weights."""
        return TrainedMusicModel(self.model, self._notation, self.config, self._corpus)
