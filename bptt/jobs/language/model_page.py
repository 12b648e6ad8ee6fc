"""A language model as a page runs it."""

from __future__ import annotations

from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.language.trained import TrainedLanguageModel
from bptt.jobs.model_page import ModelPage, vocabulary_data
from bptt.languages.phrase import phrase
from bptt.models.heads.full import FullSoftmax
from bptt.runs.run_folder import HELD_OUT, read_held_out

# The page begins with at most N characters of a text that the model did not learn.
_EXAMPLE = 160
_SHORT = "The model reads this text as you type."


def describe(trained: TrainedLanguageModel, run: Path | None = None) -> ModelPage:
    """Return the model with its vocabulary, and the text that `run` held out as an example.

    Raises InputError for another output layer than the full softmax, and for words that jieba cuts.
    """
    model, vocabulary, config = trained
    if not isinstance(model.output, FullSoftmax):
        rule = "a page computes the full softmax only"
        came, cure = f"output_layer {config.model.output_layer}", "Use `bptt sample` or `bptt next`"
        raise InputError("html", rule, came, cure)
    return ModelPage(
        phrase("Language model"),
        engine=("vocabulary", "language"),
        drawing=("pair", "sampling", "language_page"),
        data={
            "vocabulary": vocabulary_data(vocabulary),
            "before": config.data.before_line,
            "layers": model.recurrent,
            "embedding": model.table,
            "output": {
                "matrix": None if model.tied is not None else model.output.matrix(None),
                "bias": model.output.bias,
            },
        },
        stack=model.recurrent,
        facts=(phrase("a vocabulary of {} {}", f"{vocabulary.size:,}", phrase(vocabulary.unit)),),
        example=_example(run) if run else _SHORT,
    )


def _example(run: Path) -> str:
    """Return the beginning of the text that was held out."""
    path = run / HELD_OUT
    found = read_held_out(run) if path.exists() and path.stat().st_size else ""
    start = found.lstrip()[:_EXAMPLE]
    return start.rpartition(" ")[0] or start or _SHORT
