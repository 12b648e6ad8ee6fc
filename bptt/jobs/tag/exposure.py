"""A sentence as a tagger reads it, with the loss of each word's tag, exposed to a probe."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from bptt.data.examples import Example, Words
from bptt.jobs.exposure import encode_one, predictions
from bptt.jobs.tag.network import Tagger
from bptt.jobs.tag.trained import TrainedTagger
from bptt.nn.exposure import Exposure, LossSteps, Part, RankedAnswers, Sequence
from bptt.runs.evaluating import evaluating


def expose(trained: TrainedTagger, example: Example[Words, Words], limit: int) -> Exposure:
    """Return the exposure of a sentence, with a loss term for each word.

    A term is -ln P of the word's tag, with a CRF by its marginal probability. The tags are those of the
    example, or the predicted ones if it has none. At most `limit` words are read. Raises InputError if there
    are no words, or a tag was not learned.
    """
    model = trained.model
    batch = encode_one(trained.codec, example, limit).to(model.output.weight.device)
    with evaluating(model):
        inputs = model.encoder.embed(batch.tensors)
        found = torch.tensor(model.decode(model.score(inputs, batch.lengths), batch.lengths)[0])
    words, wanted = example.input[:limit], example.target
    tags = found if wanted is None else trained.tags.encode_known(wanted, example.place)[:limit]
    texts = trained.codec.spell(words) if trained.config.tags.unit == "word" else words
    return Exposure(
        model,
        sequences=(Sequence("text", words, texts),),
        parts=(Part("", model.encoder.recurrent, 0, inputs),),
        of=0,
        targets=trained.tags.decode(tags.tolist()),
        losses_of=partial(_losses, model, tags.to(inputs.device)),
        answers=trained.tags.decode(found.tolist()),
        labelled=example.target is not None,
        predict=partial(_predict, trained, tags, inputs, batch.lengths),
        predicted="tag",
    )


def _predict(
    trained: TrainedTagger, tags: Tensor, inputs: Tensor, lengths: Tensor, top: int
) -> tuple[RankedAnswers, ...]:
    """Return the likeliest tags of each word, by their marginal probabilities."""
    model, names = trained.model, trained.tags
    with evaluating(model):
        marginals = model.marginals(model.score(inputs, lengths), lengths)[:, 0]
    return predictions(marginals, tags, torch.log, lambda tag: names.decode([tag])[0], top)


def _losses(model: Tagger, tags: Tensor, inputs: Tensor, steps: LossSteps) -> Tensor:
    """Return -ln P of the tags (T,) at these steps, (R,); later words are read only if P depends on them."""
    step = torch.tensor(steps, device=inputs.device)
    looks_ahead = model.crf is not None or model.encoder.recurrent.bidirectional
    lengths = torch.full_like(step, len(inputs)) if looks_ahead else step + 1
    scores = model.score(inputs[: int(lengths.max())], lengths)
    return model.step_losses(scores, step, tags[step], lengths)
