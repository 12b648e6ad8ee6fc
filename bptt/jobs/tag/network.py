"""The network of a tagger: from a sequence to the scores of tags at each step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.cells.load import Cells
from bptt.data.batches import NOTHING
from bptt.data.schemes import Allowed
from bptt.models.codecs.codec import Padded
from bptt.models.encoder import Encoder
from bptt.models.inputs import InputPart
from bptt.models.options import EncoderOptions
from bptt.nn import CRF


class Tagger(nn.Module):
    """The network with scores M h_t + b of K tags at step t, h being the output of an encoder (many to many).

    With `crf`, a conditional random field defines the probability of a whole tag sequence (Huang, Xu & Yu
    2015), restricted to the transitions `allowed` if not None; without, each step has its own softmax.
    """

    def __init__(
        self,
        part: InputPart,
        num_tags: int,
        cell: Cells,
        options: EncoderOptions,
        crf: bool,
        allowed: Allowed | None,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(part, cell, options)
        self.output = nn.Linear(self.encoder.output_size, num_tags)
        self.crf = _crf(num_tags, allowed) if crf else None

    @property
    def loss_name(self) -> str:
        """The loss by the field's name, for a derivation on paper."""
        return "softmax" if self.crf is None else "crf"

    def forward(self, inputs: Padded) -> Tensor:
        """Return the scores (T, B, K) of the tags at each step."""
        return self.score(self.encoder.embed(inputs.tensors), inputs.lengths)

    def score(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores (T, B, K), given the embedded inputs (T, B, I) of the recurrent layers."""
        scores: Tensor = self.output(self.encoder.encode(values, lengths).output)
        return scores

    def negative_log_likelihood(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return -ln P of the `tags` (T, B) int64 of each row, (B,); tags are NOTHING in the padding."""
        if self.crf is not None:
            return -self.crf.log_likelihood(scores, tags, lengths)
        found = functional.cross_entropy(
            scores.flatten(0, 1), tags.flatten(), ignore_index=NOTHING, reduction="none"
        )
        return found.view(tags.shape).sum(0)

    def step_losses(self, scores: Tensor, step: Tensor, tag: Tensor, lengths: Tensor) -> Tensor:
        """Return -ln of the marginal probability of one tag in each row, (B,); `step`, `tag` (B,) int64."""
        if self.crf is not None:
            return -self.crf.log_marginal(scores, step, tag, lengths)
        rows = torch.arange(len(step), device=step.device)
        return functional.cross_entropy(scores[step, rows], tag, reduction="none")

    def decode(self, scores: Tensor, lengths: Tensor) -> list[list[int]]:
        """Return the most probable tags of each row: with a CRF, the most probable sequence."""
        if self.crf is not None:
            return self.crf.decode(scores, lengths)
        rows = zip(scores.argmax(2).t().tolist(), lengths.tolist(), strict=True)
        return [tags[:length] for tags, length in rows]

    def marginals(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Return the marginal probability of each tag at each step, (T, B, K); undefined in the padding."""
        return scores.softmax(2) if self.crf is None else self.crf.marginals(scores, lengths)


def _crf(num_tags: int, allowed: Allowed | None) -> CRF:
    if allowed is None:
        return CRF(num_tags)
    return CRF(
        num_tags, torch.tensor(allowed.pairs), torch.tensor(allowed.starts), torch.tensor(allowed.ends)
    )
