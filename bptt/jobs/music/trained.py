"""The Python interface of a trained model of music: sampling, scoring and evaluating."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from bptt.data.midi.score import Score
from bptt.jobs.language.sampling_options import DrawOptions
from bptt.jobs.music.config import TASK, MusicConfig
from bptt.jobs.music.corpus_record import CorpusRecord
from bptt.jobs.music.judging import Judgement, judge
from bptt.jobs.music.options import OPTIONS
from bptt.jobs.music.piece_notation import MusicNetwork, PieceNotation, load_notation
from bptt.jobs.music.sample_options import MusicSampleOptions
from bptt.jobs.music.samples import MusicSample, samples
from bptt.jobs.music.scoring import log_probabilities
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.notebook import Answers, ShownRow
from bptt.options.choices import Choices
from bptt.options.option_set import OptionSet
from bptt.runs.config import read_sections
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights


@dataclass(frozen=True)
class PieceScore(ShownRow):
    """The likelihood of a piece: ln P of each step (T,), in nats, and its number of notes.

    The first frame of a piece in frames is not counted, as in published figures.
    """

    log_probabilities: Tensor
    notes: int
    unit: str

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        counts = {self.unit: f"{self.steps:,}", "notes": f"{self.notes:,}"}
        return {"ln P": f"{self.log_probability:.2f}", **counts}

    @property
    def counted(self) -> Tensor:
        """The ln P that count."""
        return self.log_probabilities[1:] if self.unit == "frames" else self.log_probabilities

    @property
    def log_probability(self) -> float:
        """The sum of ln P, in nats."""
        return self.counted.sum().item()

    @property
    def steps(self) -> int:
        """The number of tokens or frames that count."""
        return len(self.counted)


class TrainedMusicModel(ShownModel):
    """A model of music with its notation and its configuration."""

    task: ClassVar[str] = TASK

    def __init__(
        self, model: MusicNetwork, notation: PieceNotation, config: MusicConfig, corpus: CorpusRecord | Path
    ) -> None:
        self.model, self.notation, self.config = model, notation, config
        self._corpus = corpus

    @cached_property
    def corpus(self) -> CorpusRecord:
        """The record of the pieces learned from, read from the run folder when it is needed."""
        return CorpusRecord.load(self._corpus) if isinstance(self._corpus, Path) else self._corpus

    def judge(self, score: Score) -> Judgement:
        """Return the share of notes in key, the longest run copied from the corpus, and faults in words."""
        return judge(score, self.corpus)

    def score(self, pieces: Iterable[Score]) -> Answers[PieceScore]:
        """Return the likelihood of each piece."""
        scores = list(pieces)
        return self.score_steps(
            [self.notation.encode(each) for each in scores], [len(s.notes) for s in scores]
        )

    def score_steps(self, pieces: Sequence[Tensor], notes: Sequence[int]) -> Answers[PieceScore]:
        """Return the likelihood of pieces as the notation writes them, with these numbers of notes."""
        found = log_probabilities(self.model, pieces, self.config.data.batch_size, self.sharing)
        pairs = zip(found, notes, strict=True)
        return Answers(PieceScore(each, n, self.notation.unit) for each, n in pairs)

    def sample(self, primer: Score | None = None, count: int = 1, **options: Any) -> Score:
        """Return the likeliest of `count` samples: `samples`."""
        return self.samples(primer, count, **options)[0].score

    def samples(self, primer: Score | None = None, count: int = 1, **options: Any) -> Answers[MusicSample]:
        """Return samples, the likeliest first, drawn as `bptt sample` draws them.

        Args:
            primer: the piece to continue.
            count: the number of samples, drawn side by side.
            options: those of the command by their names, such as bars=8, key="D" or temperature=0.9.

        Raises InputError for an option that the model cannot follow.

        """
        choices = Choices.read(OptionSet({**(OPTIONS.sample or {})}), options)
        asked, drawing = choices.make(MusicSampleOptions), choices.make(DrawOptions)
        return Answers(samples(self.model, self.notation, primer, asked, drawing, count))

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        about = {"representation": self.config.notation.representation}
        return TrainedFacts(self.model, self.config.cell, self.config.model, about)


def metrics_of(scores: Sequence[PieceScore]) -> dict[str, float]:
    """Return the metrics of pieces: "loss" is the mean of -ln P a step, in nats."""
    steps, notes = sum(each.steps for each in scores), sum(each.notes for each in scores)
    total = -sum(each.log_probability for each in scores)
    unit = scores[0].unit
    return {
        "loss": total / max(steps, 1),
        "nats_per_note": total / max(notes, 1),
        unit: steps,
        "notes": notes,
        "pieces": len(scores),
    }


def load_music_model(run: Path) -> TrainedMusicModel:
    """Load the model of a run folder with its best weights.

    Raises InputError with file and cure if a file is missing or damaged.
    """
    config = read_sections(MusicConfig, run, TASK)
    notation = load_notation(run)
    layers = {"model.num_layers": config.model.num_layers}
    model = build_unset(run, layers, lambda: notation.network(config.cell, config.model))
    read_weights(model, run / WEIGHTS)
    return TrainedMusicModel(model.eval(), notation, config, run)
