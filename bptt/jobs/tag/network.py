"""The network of a tagger: a sequence to a tag for each step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.cells.cell import Cell
from bptt.data.batches import NOTHING
from bptt.data.schemes import Allowed
from bptt.models.codecs.codec import Padded
from bptt.models.encoder import Encoder
from bptt.models.inputs import InputPart
from bptt.models.options import EncoderOptions
from bptt.nn import CRF


class Tagger(nn.Module):
    """The scores of K tags at step t are M h_t + b, where h is what an encoder gives (many to many).

    With `crf`, a conditional random field makes the probability of a whole sequence of them (Huang, Xu &
    Yu 2015), within `allowed` if that is not None; without, each step has a softmax of its own.
    """

    def __init__(
        self,
        part: InputPart,
        num_tags: int,
        cell: Cell,
        options: EncoderOptions,
        crf: bool,
        allowed: Allowed | None,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(part, cell, options)
        self.output = nn.Linear(self.encoder.output_size, num_tags)
        self.crf = _crf(num_tags, allowed) if crf else None

    def forward(self, inputs: Padded) -> Tensor:
        """The scores (T, B, K) of the tags of each step."""
        return self.score(self.encoder.embed(inputs.tensors), inputs.lengths)

    def score(self, values: Tensor, lengths: Tensor) -> Tensor:
        """`forward`, from what goes into the stack on, (T, B, I)."""
        scores: Tensor = self.output(self.encoder.encode(values, lengths).output)
        return scores

    def negative_log_likelihood(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """-ln P of the `tags` (T, B) int64 of each row, (B,); they are NOTHING in the padding."""
        if self.crf is not None:
            return -self.crf.log_likelihood(scores, tags, lengths)
        found = functional.cross_entropy(
            scores.flatten(0, 1), tags.flatten(), ignore_index=NOTHING, reduction="none"
        )
        return found.view(tags.shape).sum(0)

    def step_losses(self, scores: Tensor, step: Tensor, tag: Tensor, lengths: Tensor) -> Tensor:
        """-ln P of the tag of one step of each row, whatever the other tags: `step`, `tag` (B,) int64."""
        if self.crf is not None:
            return -self.crf.log_marginal(scores, step, tag, lengths)
        rows = torch.arange(len(step), device=step.device)
        return functional.cross_entropy(scores[step, rows], tag, reduction="none")

    def decode(self, scores: Tensor, lengths: Tensor) -> list[list[int]]:
        """The most probable tags of each row."""
        if self.crf is not None:
            return self.crf.decode(scores, lengths)
        rows = zip(scores.argmax(2).t().tolist(), lengths.tolist(), strict=True)
        return [tags[:length] for tags, length in rows]

    def marginals(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The probability of each tag at each step, (T, B, K); in the padding without meaning."""
        return scores.softmax(2) if self.crf is None else self.crf.marginals(scores, lengths)


def _crf(num_tags: int, allowed: Allowed | None) -> CRF:
    if allowed is None:
        return CRF(num_tags)
    return CRF(
        num_tags, torch.tensor(allowed.pairs), torch.tensor(allowed.starts), torch.tensor(allowed.ends)
    )
