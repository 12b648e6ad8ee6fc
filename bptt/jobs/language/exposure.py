"""A stretch of a text, or a sentence, as a language model reads it, exposed to a probe."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from bptt.data.batches import NOTHING, Lines
from bptt.data.vocabulary_options import END
from bptt.jobs.exposure import check_number, predictions, show_tokens
from bptt.jobs.language.evaluation import encode_text
from bptt.jobs.language.model import Trained
from bptt.jobs.language.network import START, LanguageModel, States
from bptt.nn.exposure import Exposure, LossSteps, Part, RankedAnswers
from bptt.runs.evaluating import evaluating

# The number of tokens read at a time before a stretch: it bounds the memory.
_READ = 1000


def expose(trained: Trained, text: str, number: int, limit: int) -> Exposure:
    """Return the exposure of at most `limit` steps, each of which reads a token and predicts the next.

    Of a continuous text, `number` is the index of the first token to predict; the tokens before it are read,
    from the beginning of the text. If the model reads sentences, it is the index of the sentence, exposed
    from its beginning. Both count from 0. Raises InputError if there is no such token or sentence, or a line
    is too long for a sentence.
    """
    (found,) = expose_all(trained, text, number, limit, 1)
    return found


def expose_all(trained: Trained, text: str, number: int, limit: int, count: int) -> list[Exposure]:
    """Return at most `count` consecutive stretches of a continuous text, or at most `count` sentences."""
    tokens = encode_text(trained.vocabulary, trained.config.data, text).tokens.long()
    if trained.config.data.mode == "sentences":
        lines = Lines(tokens)
        check_number(number, len(lines.lengths), "sentences")
        rows = range(number, min(number + count, len(lines.lengths)))
        sentences = (lines.batch(torch.tensor([row])).targets[:, 0] for row in rows)
        return [_expose(trained, sentence, slice(0, limit), START) for sentence in sentences]
    check_number(number, len(tokens), trained.vocabulary.unit)
    starts = range(number, min(number + count * limit, len(tokens)), limit)
    read, found, states = _shifted(tokens), [], START
    for before, first in pairwise((0, *starts)):
        with evaluating(trained.model):
            states = _read(trained.model, read[before:first], states)
        found.append(_expose(trained, tokens, slice(first, first + limit), states))
    return found


def expose_line(trained: Trained, text: str, number: int, limit: int) -> Exposure:
    """Return the exposure of one line of a text, read as `score_lines` reads it, its `<eos>` included.

    Raises InputError if there is no line of this number, from 0.
    """
    lines = text.removesuffix("\n").split("\n")
    check_number(number, len(lines), "lines")
    tokens = trained.vocabulary.encode(lines[number] + "\n").long()
    return _expose(trained, tokens, slice(0, limit), START, trained.config.data.before_line)


def _shifted(tokens: Tensor, before: int = NOTHING) -> Tensor:
    """Return the inputs at the steps that predict `tokens`: `before`, then all tokens but the last."""
    return torch.cat([tokens.new_tensor([before]), tokens[:-1]])


def _expose(
    trained: Trained, tokens: Tensor, stretch: slice, states: States, before: int = NOTHING
) -> Exposure:
    """Return the exposure of a stretch of tokens to predict, given the states before it."""
    model, vocabulary, _ = trained
    read, targets, first = _shifted(tokens, before), tokens[stretch], stretch.start
    with evaluating(model):
        inputs = model.embed(read[stretch, None].to(model.device))
    at_start = first == 0 or int(read[first - 1]) in (NOTHING, END)
    return Exposure(
        model,
        sequences=(show_tokens("text", vocabulary, read[stretch].tolist(), at_start),),
        parts=(Part("", model.recurrent, 0, inputs, states or None),),
        of=0,
        targets=tuple(map(vocabulary.show, targets.tolist())),
        losses_of=partial(_losses, model, states, targets.to(model.device)),
        predict=partial(_predict, trained, states, inputs, targets),
        predicted="next",
    )


def _predict(
    trained: Trained, states: States, inputs: Tensor, targets: Tensor, top: int
) -> tuple[RankedAnswers, ...]:
    """Return the likeliest next tokens at each step of `inputs` (T, 1, I)."""
    model, vocabulary, _ = trained
    with evaluating(model):
        output, _ = model.recurrent(inputs, states or None)
        return predictions(output[:, 0], targets, model.log_probabilities, vocabulary.show, top)


def _read(model: LanguageModel, tokens: Tensor, states: States) -> States:
    """Return the states after reading `tokens` (N,), given those before."""
    for first in range(0, len(tokens), _READ):
        _, states = model.read(tokens[first : first + _READ, None].to(model.device), states)
    return states


def _losses(
    model: LanguageModel, states: States, targets: Tensor, inputs: Tensor, steps: LossSteps
) -> Tensor:
    """Return -ln P of the targets (T,) at these steps, (R,); row r is read only up to its step."""
    last = torch.tensor(steps, device=targets.device)
    rows = torch.arange(len(last), device=targets.device)
    initial = tuple(state.expand(-1, len(last), -1) for state in states)
    # Rows that are copies are run as one row by the kernel; rows that differ stop at their own step.
    lengths = None if inputs.stride(1) == 0 else last + 1
    output, _ = model.recurrent(inputs[: max(steps) + 1], initial or None, lengths=lengths)
    return model.loss(output[last, rows], targets[last], "none")
