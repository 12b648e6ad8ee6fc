"""Small language models for the tests of several rooms, without a step of training."""

from __future__ import annotations

import torch

from bptt.cells.catalogue import get
from bptt.data.text import Corpus
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.language.config import LanguageModelConfig
from bptt.jobs.language.model import LanguageModelTask, Trained
from bptt.jobs.language.options import DataOptions, ModelOptions

TEXT = "".join(f"the cat {n} sat on\nthe mat, né 床前\n\n" for n in range(30))


def make_task(
    text: str = TEXT,
    *,
    cell: str = "lstm",
    model: ModelOptions | None = None,
    data: DataOptions | None = None,
    vocabulary: VocabularyOptions | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    spread: float = 1.0,
) -> LanguageModelTask:
    """A task whose weights, multiplied by `spread`, prefer some tokens to others."""
    torch.manual_seed(seed)
    model = model or ModelOptions(hidden_size=7, num_layers=2, embedding_size=5)
    config = LanguageModelConfig(
        get(cell), model, data or DataOptions(batch_size=3), vocabulary or VocabularyOptions()
    )
    task = LanguageModelTask(Corpus(text, ("a.txt",)), config)
    task.model.to(dtype)
    with torch.no_grad():
        for parameter in task.model.parameters():
            parameter *= spread
    return task


def trained(task: LanguageModelTask) -> Trained:
    """What loading the run of the task would give."""
    return Trained(task.model.eval(), task.vocabulary, task.config)
