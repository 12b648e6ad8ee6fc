"""Drawing pieces from a model of frames: a frame of keys at a time, within the limits of the user."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.data.batches import NOTHING
from bptt.data.midi.music_grammar import MusicLimits
from bptt.errors import InputError
from bptt.jobs.language.sampling import generator_of
from bptt.jobs.language.sampling_options import DrawOptions
from bptt.jobs.music.frame_model import FrameModel
from bptt.jobs.music.piece_notation import FrameNotation
from bptt.jobs.music.sampling import Drawn
from bptt.nn import Stepper
from bptt.runs.evaluating import evaluating

# A frame with too many notes is drawn anew, at most this number of times; then its likeliest notes are kept.
_TRIES = 30


def draw_frames(
    model: FrameModel,
    notation: FrameNotation,
    primer: Tensor,
    limits: MusicLimits,
    length: int,
    options: DrawOptions,
    count: int,
) -> list[Drawn]:
    """Draw `count` continuations of a primer (P, K), each of `length` frames, side by side in one batch.

    Sample number n of a seed is the same whatever the count. Raises InputError for options that belong to
    tokens.
    """
    _check(limits, options)
    nothing = primer.new_full((1, notation.keys), NOTHING)
    read = torch.cat([nothing, primer])[:, None].expand(-1, count, -1).to(model.device)
    pitches = range(notation.lowest, notation.highest + 1)
    allowed = torch.tensor([limits.pitches is None or pitch in limits.pitches for pitch in pitches])
    generators = [generator_of(options.seed, number) for number in range(count)]
    frames, log_p = [], []
    with evaluating(model):
        output, states = model.read(read)
        output = output[-1]
        stepper = Stepper(model.recurrent, count)
        stepper.states = states
        for _ in range(length):
            frame = _draw(model, output, generators, options.temperature, allowed, limits.polyphony)
            log_p.append(model.score(output, frame).cpu().double())
            frames.append(frame.long().cpu())
            inputs = model.embed(frame)
            output = model.joined(stepper.step(inputs), inputs)
    steps, values = torch.stack(frames, 1), torch.stack(log_p, 1)
    return [Drawn(steps[row], values[row]) for row in range(count)]


def _check(limits: MusicLimits, options: DrawOptions) -> None:
    for name in ("top_k", "top_p"):
        if getattr(options, name) != getattr(DrawOptions, name):
            rule, cure = "is for a model of tokens", "Leave it out, or lower `temperature`"
            raise InputError(name, rule, "a model of frames, whose keys are drawn one by one", cure)
    if limits.programs is not None or not limits.drums:
        raise InputError("instruments", "are of a model of tokens", "one of frames", "Leave it out")


def _draw(
    model: FrameModel,
    output: Tensor,
    generators: Sequence[torch.Generator],
    temperature: float,
    allowed: Tensor,
    polyphony: int | None,
) -> Tensor:
    """Return a frame (B, K) for each sample, with at most `polyphony` keys."""
    keys = len(allowed)

    def drawn(rows: Sequence[int]) -> Tensor:
        own = [torch.rand(keys, generator=generators[row], dtype=torch.float64) for row in rows]
        mask = allowed.expand(len(rows), -1).to(output.device)
        return model.output.draw(output[list(rows)], torch.stack(own), temperature, mask)

    frame = drawn(range(len(generators)))
    if polyphony is None:
        return frame
    full = torch.nonzero(frame.sum(1) > polyphony).flatten().tolist()
    if full and temperature:
        # At once, as the keys of a chain are drawn one after the other.
        tries = drawn([row for row in full for _ in range(_TRIES)]).view(len(full), _TRIES, keys)
        # The first that has room; the first of all if none has.
        first = (tries.sum(2) <= polyphony).int().argmax(1)
        frame[full] = tries[torch.arange(len(full)), first]
    logits = model.output.logits(output, frame).masked_fill(frame == 0, -torch.inf)
    likeliest = torch.zeros_like(frame).scatter(1, logits.topk(polyphony).indices, 1.0)
    return frame * likeliest
