"""Scores of lines by a language model that remembers the lines before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from bptt.data.batches import Lines
from bptt.errors import InputError
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.model import Trained
from bptt.jobs.language.running_text import RunningText
from bptt.jobs.language.scoring import LineScore


def score_in_order(trained: Trained, lines: Iterable[str], memory: MemoryOptions) -> Iterator[LineScore]:
    """Yield the score of each line, given the lines before it. Raises InputError if one contains a"
    " newline.
    """
    running = RunningText(trained.model, memory)
    return (score_running(trained, running, line) for line in lines)


def score_running(trained: Trained, running: RunningText, line: str, learn: bool = True) -> LineScore:
    """Return the score of a line, given what was read before; it is remembered if it is to `learn`.

    Raises InputError if it contains a newline.
    """
    model, vocabulary, config = trained
    if "\n" in line:
        raise InputError("line", "a line to score has no newline in it", repr(line))
    batch = Lines(vocabulary.encode(line + "\n"), config.data.before_line).batch(torch.tensor([0]))
    found, _ = running.read(batch.to(model.device), learn=learn)
    counts = vocabulary.characters(line) + 1, vocabulary.words(line)
    return LineScore(tuple(batch.targets[:, 0].tolist()), tuple(found.tolist()), *counts)
