"""The Python interface of a trained language model: sampling, predicting, scoring, choosing, evaluating."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from bptt.errors import InputError
from bptt.jobs.language.config import TASK
from bptt.jobs.language.evaluation import evaluate_text
from bptt.jobs.language.model import Trained, load_language_model
from bptt.jobs.language.next_tokens import TOP, NextTokens, next_tokens
from bptt.jobs.language.sampling import read_prompt, sample_many
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions
from bptt.jobs.language.scoring import LineScore, score_lines
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.models.codecs.given import as_list, as_text
from bptt.notebook import Answers, PartAnswers


class TrainedLanguageModel(ShownModel, Trained):
    """A language model with its vocabulary and its configuration."""

    task: ClassVar[str] = TASK

    def sample(
        self,
        prompt: str = "",
        count: int = 1,
        *,
        length: int = SamplingOptions.length,
        temperature: float = SamplingOptions.temperature,
        top_k: int = SamplingOptions.top_k,
        top_p: float = SamplingOptions.top_p,
        refuse_unknown: bool = SamplingOptions.refuse_unknown,
        stop_at_end: bool = SamplingOptions.stop_at_end,
        seed: int = SamplingOptions.seed,
        acrostic: str = LineOptions.acrostic,
        lines: int = LineOptions.lines,
        line_length: int = LineOptions.line_length,
    ) -> list[str]:
        """Return `count` texts that begin with `prompt`, drawn as `SamplingOptions` describes, in lines as
        `LineOptions` describes.

        Raises InputError if an option is out of bounds, or the prompt cannot be read.
        """
        options = SamplingOptions(
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            length=length,
            refuse_unknown=refuse_unknown,
            stop_at_end=stop_at_end,
        )
        begun = read_prompt(self, as_text(prompt, "prompt"))
        form = LineOptions(acrostic, lines, line_length)
        return [begun.text + text for text in sample_many(self, begun, options, count, form)]

    def score(self, lines: Iterable[str], batch_size: int = 64) -> Answers[LineScore]:
        """Return the score of each line, `<eos>` included, as `bptt score` prints it, in nats.

        Raises InputError if a line contains a newline, or a single text is passed instead of several.
        """
        given = _several(lines)
        return Answers(score_lines(self, given, batch_size), given)

    def choose(self, sentences: Iterable[str]) -> str:
        """Return the most probable of several sentences, of equal ones the first.

        Raises InputError if there are none.
        """
        given = _several(sentences)
        if not given:
            raise InputError("sentences", "must hold one or more to choose from", "none")
        scores = [score.log_probability for score in self.score(given)]
        return given[scores.index(max(scores))]

    def next_tokens(self, text: str = "", top: int = TOP) -> PartAnswers[NextTokens]:
        """Return the likeliest tokens at each step of a text, before its first one too: `bptt next`.

        Raises InputError if `top` is below 1, or the text cannot be read.
        """
        return next_tokens(self, as_text(text, "text"), top)

    def evaluate(self, text: str) -> dict[str, float]:
        """Return perplexity per token and per word, bits per character and counts: `evaluate_text`."""
        return evaluate_text(self.model, self.vocabulary, self.config.data, as_text(text, "text"))

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        about = {"mode": self.config.data.mode, self.vocabulary.unit: self.vocabulary.size}
        return TrainedFacts(self.model, self.config.cell, self.config.model, about)


def load_trained(run: Path) -> TrainedLanguageModel:
    """Return the model of a run folder with its best weights.

    Raises InputError as `load_language_model` does.
    """
    return TrainedLanguageModel(*load_language_model(run))


def _several(lines: Iterable[str]) -> list[str]:
    """Return the lines as a list.

    Raises InputError if a single text is passed, whose characters would be the lines; WrongTypeError if a
    line is no text.
    """
    return [as_text(each, f"lines[{number}]") for number, each in enumerate(as_list(lines, "lines"))]
