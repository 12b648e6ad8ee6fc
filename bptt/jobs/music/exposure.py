"""A piece as a model of music reads it, with the loss of each step, exposed to a probe."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from bptt.jobs.exposure import BEGINNING, predictions
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.music.frame_model import FrameModel
from bptt.jobs.music.piece_batches import batch_of
from bptt.jobs.music.piece_notation import MusicNetwork, TokenNotation
from bptt.jobs.music.piece_time import piece_time
from bptt.jobs.music.trained import TrainedMusicModel
from bptt.nn.exposure import Exposure, LossSteps, Part, RankedAnswers, Sequence
from bptt.runs.evaluating import evaluating


def expose(trained: TrainedMusicModel, piece: Tensor, limit: int) -> Exposure:
    """Return the exposure of the first `limit` steps of a piece, each of which reads a step and predicts the
    next.
    """
    model, notation = trained.model, trained.notation
    batch = batch_of([piece], 0, min(limit, len(piece))).to(model.device)
    targets = batch.targets[:, 0]
    with evaluating(model):
        inputs = model.embed(batch.inputs)
    shown = tuple(notation.show(step) for step in batch.inputs[1:, 0])
    texts = ("", *(f"{each} " for each in shown))
    time = piece_time(notation, batch.inputs[1:, 0].cpu())
    predict = None
    if isinstance(notation, TokenNotation) and isinstance(model, LanguageModel):
        predict = partial(_predict, model, notation, inputs, targets)
    return Exposure(
        model,
        sequences=(Sequence("piece", (BEGINNING, *shown), texts, timeline=time),),
        parts=(Part("", model.recurrent, 0, inputs),),
        of=0,
        targets=tuple(notation.show(step) for step in targets),
        losses_of=partial(_losses, model, targets),
        predict=predict,
        predicted="next",
    )


def _predict(
    model: LanguageModel, notation: TokenNotation, inputs: Tensor, targets: Tensor, top: int
) -> tuple[RankedAnswers, ...]:
    """Return the likeliest next tokens at each step of `inputs` (T, 1, I)."""
    names = notation.vocabulary.names
    with evaluating(model):
        output, _ = model.recurrent(inputs, None)
        return predictions(output[:, 0], targets, model.log_probabilities, names.__getitem__, top)


def _losses(model: MusicNetwork, targets: Tensor, inputs: Tensor, steps: LossSteps) -> Tensor:
    """Return -ln P of the targets (T,) or (T, K) at these steps, (R,); row r is read up to its step."""
    last = torch.tensor(steps, device=targets.device)
    rows = torch.arange(len(last), device=targets.device)
    # Rows that are copies are run as one row by the kernel; rows that differ stop at their own step.
    lengths = None if inputs.stride(1) == 0 else last + 1
    output, _ = model.recurrent(inputs[: max(steps) + 1], None, lengths=lengths)
    read = output[last, rows]
    if isinstance(model, FrameModel):
        read = model.joined(read, inputs[last, rows])
    return -model.score(read, targets[last])
