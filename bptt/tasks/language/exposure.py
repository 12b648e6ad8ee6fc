"""A stretch of a text, or a sentence, as a language model reads it: for a probe to look into."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from bptt.data.batches import NOTHING, Lines
from bptt.data.levels import END
from bptt.nn.exposure import Exposure, LossSteps, Part
from bptt.tasks.evaluating import evaluating
from bptt.tasks.exposure import check_number, show_tokens
from bptt.tasks.language.evaluation import encode_text
from bptt.tasks.language.model import Trained
from bptt.tasks.language.network import START, LanguageModel, States

# So many tokens are read at a time on the way to a stretch.
_READ = 1000


def expose(trained: Trained, text: str, number: int, limit: int) -> Exposure:
    """At most `limit` steps, each of which reads a token, and predicts the next.

    Of a continuous text, `number` is the token to be predicted first; what stands before it was read, from
    the beginning of the text. Where sentences are read, it is the number of the sentence, which is looked
    at from its beginning. Both count from 0. Raises InputError.
    """
    model, vocabulary, config = trained
    tokens = encode_text(vocabulary, config.data, text)[0].long()
    if config.data.mode == "sentences":
        lines = Lines(tokens)
        check_number(number, len(lines.lengths), "sentences")
        tokens, first = lines.batch(torch.tensor([number])).targets[:, 0], 0
    else:
        check_number(number, len(tokens), vocabulary.unit)
        first = number
    read = torch.cat([tokens.new_tensor([NOTHING]), tokens[:-1]])
    stretch = slice(first, first + limit)
    with evaluating(model):
        states = _read(model, read[:first])
        inputs = model.embed(read[stretch, None].to(model.device))
    at_start = first == 0 or int(read[first - 1]) in (NOTHING, END)
    part = Part("", model.recurrent, 0, inputs, states or None)
    return Exposure(
        model,
        sequences=(show_tokens("text", vocabulary, read[stretch].tolist(), at_start),),
        parts=(part,),
        of=0,
        targets=tuple(map(vocabulary.show, tokens[stretch].tolist())),
        losses_of=partial(_losses, model, states, tokens[stretch].to(model.device)),
    )


def _read(model: LanguageModel, tokens: Tensor) -> States:
    """The states after `tokens` (N,)."""
    states = START
    for first in range(0, len(tokens), _READ):
        _, states = model.read(tokens[first : first + _READ, None].to(model.device), states)
    return states


def _losses(
    model: LanguageModel, states: States, targets: Tensor, inputs: Tensor, steps: LossSteps
) -> Tensor:
    """-ln P of the targets (T,) at these steps, (R,), row r being read up to its step alone."""
    last = torch.tensor(steps, device=targets.device)
    rows = torch.arange(len(last), device=targets.device)
    initial = tuple(state.expand(-1, len(last), -1) for state in states)
    output, _ = model.recurrent(inputs[: max(steps) + 1], initial or None, lengths=last + 1)
    return model.loss(output[last, rows], targets[last], "none")
