"""A source and its target as a translator reads and writes them, exposed to a probe."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bptt.data.examples import Example
from bptt.jobs.exposure import encode_one, predictions, show_input, show_tokens
from bptt.jobs.translate.network import Translator, Writer, shift
from bptt.jobs.translate.translator import TrainedTranslator, encode_target
from bptt.nn.decoder import DecoderState
from bptt.nn.exposure import Exposure, LossSteps, Part
from bptt.runs.evaluating import evaluating


def expose(trained: TrainedTranslator, example: Example[Any, str], limit: int) -> Exposure:
    """Return the exposure of an example, with a loss term for each token of the target.

    Each token is predicted from the true ones before it (teacher forcing). The target is that of the example,
    or the model's translation if it has none. At most `limit` steps of source and target are read; a class or
    a row of a table has no steps. Raises InputError if the source is empty or cannot be read.
    """
    model, vocabulary = trained.model, trained.vocabulary
    batch = encode_one(trained.codec, example, limit).to(model.device)
    text = trained.predict([example.input])[0].text if example.target is None else example.target
    targets = encode_target(vocabulary, text)[:limit].to(model.device)
    before = shift(targets[:, None])
    with evaluating(model):
        state, embedded = model.start(*batch), model.embed(before)
        output, _, _ = model.decoder(embedded, state)
    fed = (torch.cat([state.output[None], output[:-1]]),) if model.decoder.input_feeding else ()
    read = show_tokens("translation", vocabulary, before[:, 0].tolist())
    decoder = Part(
        "decoder",
        model.decoder.recurrent,
        1,
        torch.cat([embedded, *fed], -1),
        state.recurrent,
        stepwise=model.decoder.input_feeding,
    )
    shown = tuple(map(vocabulary.show, targets.tolist()))
    predict = partial(predictions, output[:, 0], targets, model.log_probabilities, vocabulary.show)
    if not isinstance(model, Translator):
        only = replace(decoder, name="", sequence=0)
        return Exposure(
            model,
            sequences=(read,),
            parts=(only,),
            of=0,
            targets=shown,
            losses_of=partial(_generated, model, state, targets),
            predict=predict,
            predicted="next",
        )
    with evaluating(model):
        values = model.encoder.embed(batch.tensors)
    return Exposure(
        model,
        sequences=(show_input("source text", trained.codec, example.input, len(values)), read),
        parts=(Part("encoder", model.encoder.recurrent, 0, values), decoder),
        of=1,
        targets=shown,
        losses_of=partial(_translated, model, embedded, targets),
        predict=predict,
        predicted="next",
    )


def _translated(
    model: Translator, embedded: Tensor, targets: Tensor, inputs: Tensor, steps: LossSteps
) -> Tensor:
    """Return the losses (R,), given the embedded inputs of the encoder, (S, R, I)."""
    lengths = torch.full((len(steps),), len(inputs), device=inputs.device)
    state = model.start_from(inputs, lengths)
    return _losses(model, state, targets, embedded.expand(-1, len(steps), -1), steps)


def _generated(
    model: Writer, state: DecoderState, targets: Tensor, inputs: Tensor, steps: LossSteps
) -> Tensor:
    """Return the losses (R,), given the inputs of the decoder, (T, R, D)."""
    copies = state.select(torch.zeros(len(steps), dtype=torch.int64, device=inputs.device))
    return _losses(model, copies, targets, inputs, steps)


def _losses(
    model: Writer, state: DecoderState, targets: Tensor, embedded: Tensor, steps: LossSteps
) -> Tensor:
    """Return -ln P of the targets (T,) at these steps, (R,); rows are read up to the last of the steps."""
    step = torch.tensor(steps, device=targets.device)
    output, _, _ = model.decoder(embedded[: max(steps) + 1], state)
    rows = torch.arange(len(step), device=step.device)
    return model.loss(output[step, rows], targets[step], "none")
