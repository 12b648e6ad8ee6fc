"""A text that a language model has read: from here on it reads, scores or draws without reading it again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.data.batches import NOTHING
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END
from bptt.jobs.language.model import Trained
from bptt.jobs.language.network import START, LanguageModel, States
from bptt.runs.evaluating import evaluating

# Tokens that are read at a time: their inputs and outputs are in memory together.
CHUNK = 1024


@dataclass(frozen=True, eq=False)
class TextRead:
    """The states before the `last` token of a text, (num_layers, 1, width) each, and that token.

    `last` is NOTHING, or what preceded a line in training, if nothing of the text has been read. `count` is
    the number of tokens, `at_start` whether the next one begins a line.
    """

    last: int
    states: States = START
    count: int = 0
    at_start: bool = True

    @property
    def size(self) -> int:
        """The bytes of the states."""
        return sum(state.nbytes for state in self.states)

    def inputs(self, tokens: Tensor) -> Tensor:
        """Return what is to be read so that the model has read `tokens` (T,) too, (T + 1,) int64."""
        return torch.cat([tokens.new_tensor([self.last]), tokens]).long()

    def after(self, model: LanguageModel, tokens: Tensor) -> TextRead:
        """Return the text with further `tokens` (T,); a step is computed for each."""
        states, inputs = self.states, self.inputs(tokens)
        with evaluating(model):
            for part in torch.split(inputs[:-1].to(model.device), CHUNK):
                if len(part):
                    _, states = model.read(part[:, None], states)
        last = int(inputs[-1])
        at_start = last == END if len(tokens) else self.at_start
        return TextRead(last, states, self.count + len(tokens), at_start)


def before_text() -> TextRead:
    """Return the beginning of a text, where `bptt sample` starts: a zero vector is read first."""
    return TextRead(NOTHING)


def before_line(trained: Trained) -> TextRead:
    """Return the beginning of a line, where `bptt score` and `bptt next` start."""
    return TextRead(trained.config.data.before_line)


def continued(vocabulary: Vocabulary, text: str, before: TextRead) -> str:
    """Return a text that goes on behind another, as it is to be encoded.

    Tokens of words and BPE include the space before them, which is assumed in the middle of a line, too.
    """
    return text if before.at_start or not vocabulary.level.opening else text.removeprefix(" ")
