"""An example as a classifier reads it, with the loss of its label, exposed to a probe."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from bptt.data.examples import Example
from bptt.errors import InputError
from bptt.jobs.classify.network import Classifier, SequenceReader
from bptt.jobs.classify.trained import TrainedClassifier
from bptt.jobs.exposure import encode_one, predictions, show_input
from bptt.jobs.job import Stretch
from bptt.jobs.reading import refuse_target, take
from bptt.models.ngrams import Bags
from bptt.nn.exposure import Exposure, LossSteps, Part, RankedAnswers
from bptt.runs.evaluating import evaluating


def expose_stretch(trained: TrainedClassifier, stretch: Stretch) -> list[Exposure]:
    """Return the examples of a stretch for a probe. Raises InputError if there are fewer."""
    refuse_target(stretch)
    examples = trained.read(stretch.source, stretch.labelled)
    return [expose(trained, row, stretch.limit) for row in take(examples, stretch)]


def expose(trained: TrainedClassifier, example: Example[Any, str], limit: int) -> Exposure:
    """Return the exposure of an example with one loss term: of its label, or of the answer if it has none.

    At most `limit` steps are read; of DNA only the given strand. Raises InputError if the network has no
    recurrence, the example is empty, or its label was not learned.
    """
    model, body, config = trained.model, trained.model.body, trained.config
    if not isinstance(body, SequenceReader):
        rule = "must have a recurrent network to be looked into"
        raise InputError("run", rule, "feed-forward layers alone", "Name a run on sequences")
    most = min(limit, config.data.max_length or limit)
    batch = encode_one(trained.codec, example, most).to(model.output.weight.device)
    with evaluating(model):
        inputs = body.encoder.embed(batch.tensors)
        bags = trained.bags([example.input])
        logits = model.answer(model.output(body.pool(inputs, batch.lengths)), bags)
        (found,) = model.labelling.decide(model.labelling.log_probabilities(logits), model.offsets)
    target = found if example.target is None else trained.number(example.target, example.place)
    several = config.head.multi_label
    return Exposure(
        model,
        sequences=(show_input(config.source.kind, trained.codec, example.input, len(inputs)),),
        parts=(Part("", body.encoder.recurrent, 0, inputs),),
        of=0,
        targets=(model.labelling.show(target, trained.labels),),
        losses_of=partial(_losses, model, body, target, bags),
        answers=(model.labelling.show(found, trained.labels),),
        labelled=example.target is not None,
        # Several labels are no ranking: their probabilities do not sum to one.
        predict=None if several else partial(_predict, trained, target, logits),
        predicted="labels" if several else "label",
    )


def _predict(
    trained: TrainedClassifier, target: Tensor, logits: Tensor, top: int
) -> tuple[RankedAnswers, ...]:
    """Return the likeliest labels, for logits (1, K)."""
    log_probabilities = trained.model.labelling.log_probabilities
    return predictions(logits, target[None], log_probabilities, trained.labels.__getitem__, top)


def _losses(
    model: Classifier,
    body: SequenceReader,
    target: Tensor,
    bags: Bags | None,
    inputs: Tensor,
    steps: LossSteps,
) -> Tensor:
    """Return the loss of the label, (R,), by network and n-grams; the latter do not depend on `inputs`."""
    lengths = torch.full((len(steps),), len(inputs), device=inputs.device)
    logits = model.answer(model.output(body.pool(inputs, lengths)), bags)
    return model.loss(logits, target.to(inputs.device).expand(len(steps), *target.shape), "none")
