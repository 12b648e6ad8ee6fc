"""Linear models beside a classifier, which see hardly any order: fitted, kept in the run, measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from bptt.jobs.answers import ScoreTable
from bptt.jobs.classify.network import decide
from bptt.models.encoded import cut
from bptt.models.linear_baselines import LinearBaselines, summarise
from bptt.models.summaries import StepSummary
from bptt.runs.weights import read_weights, write_weights

if TYPE_CHECKING:
    from bptt.jobs.classify.trained import Labelled, TrainedClassifier

# Runs of before, whose file of another name has fewer models, answer without them.
FILE = "linear_models.safetensors"
_NETWORK = "recurrent network"


def fit_beside(
    trained: TrainedClassifier, summaries: tuple[StepSummary, ...], examples: Labelled
) -> LinearBaselines:
    """Return linear models that are fitted to the summaries of training examples."""
    vectors = _vectors(trained, summaries, examples)
    found = LinearBaselines(summaries, [rows.shape[1] for rows in vectors], len(trained.labels))
    found.fit(vectors, trained.targets(examples))
    return found


def write_beside(models: LinearBaselines, run: Path) -> None:
    """Write the models into the run folder."""
    write_weights(models, run / FILE)


def accuracies_beside(
    trained: TrainedClassifier, summaries: tuple[StepSummary, ...], run: Path, examples: Labelled
) -> list[tuple[str, float]]:
    """Return the accuracy of each linear model of a run on labelled examples; [] if it has none.

    Raises InputError if their file is damaged.
    """
    if not (run / FILE).exists():
        return []
    vectors = _vectors(trained, summaries, examples)
    models = LinearBaselines(summaries, [rows.shape[1] for rows in vectors], len(trained.labels))
    read_weights(models, run / FILE)
    targets = trained.targets(examples)
    return [
        (summary.name, (decide(logits.log_softmax(1)) == targets).double().mean().item())
        for summary, logits in zip(summaries, models(vectors), strict=True)
    ]


def _vectors(
    trained: TrainedClassifier, summaries: tuple[StepSummary, ...], examples: Labelled
) -> list[Tensor]:
    limit = trained.config.data.max_length
    encoded = (cut(trained.codec.encode_example(row), limit) for row in examples.rows)
    return summarise(summaries, map(trained.codec.steps, encoded))


def table_beside(found: list[tuple[str, float]], accuracy: float) -> ScoreTable:
    """Return the accuracies of the linear models above that of the network."""
    rows = [(f"linear: {name}", f"{share:.4f}") for name, share in found]
    foot = ""
    if accuracy <= max(share for _, share in found):
        foot = "The network is no better than a linear model of the mean or of parts of the input."
    return ScoreTable(("model", "accuracy"), (*rows, (_NETWORK, f"{accuracy:.4f}")), foot=foot)


def lines_beside(found: list[tuple[str, float]], accuracy: float) -> list[str]:
    """Return the accuracies on the held-out examples as lines."""
    table = table_beside(found, accuracy)
    said = "; ".join(f"{name} {share}" for name, share in table.rows)
    return [f"held-out accuracy: {said}", *([table.foot] if table.foot else [])]
