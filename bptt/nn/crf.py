"""The linear-chain conditional random field: a distribution over whole sequences of tags."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.types import Device

from bptt.errors import InputError
from bptt.nn.parameters import is_count, plain
from bptt.nn.sequences import Lengths, read_padded
from bptt.shapes import check_shape

# The score of what is not allowed. In float32 and float64 it swallows every ordinary score and leaves a
# probability of exactly zero, as -inf does; the gradient of a logarithm of a sum of -inf would be NaN.
_FORBIDDEN = -1e30


class TagPath(NamedTuple):
    """The tags of a sequence, and the natural logarithm of their probability."""

    tags: list[int]
    log_probability: float


class CRF(nn.Module):
    """P(y | x) = exp(s(x, y)) / Z(x) for the tags y of a sequence, with the score

    s(x, y) = start[y_1] + Σ_t emission_t[y_t] + Σ_t transitions[y_t, y_{t+1}] + end[y_T],

    where Z(x) sums over all sequences of tags. `emissions` are (T, B, K) for K tags; `lengths` (B,) count
    the valid steps of each row, zero allowed, all T if not given. Values in the padding do not
    matter. The parameters start at zero: every transition is as good as any other.

    `allowed` (K, K), from row to column, and `allowed_start` and `allowed_end` (K,) are booleans: a
    sequence that breaks them has the probability zero. They are stored with the parameters.

    Source: Lafferty, McCallum & Pereira 2001; on a recurrent network, Lample et al. 2016. Raises
    InputError for sizes, shapes, tags and lengths that cannot be.
    """

    allowed_start: Tensor
    allowed_transitions: Tensor
    allowed_end: Tensor

    def __init__(
        self,
        num_tags: int,
        allowed: Tensor | None = None,
        allowed_start: Tensor | None = None,
        allowed_end: Tensor | None = None,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        num_tags = plain(num_tags)
        if not is_count(num_tags) or num_tags == 0:
            raise InputError("CRF", "num_tags is a positive integer", repr(num_tags))
        self.num_tags = num_tags
        vector, matrix = (num_tags,), (num_tags, num_tags)
        self.start = nn.Parameter(torch.empty(vector, device=device, dtype=dtype))
        self.transitions = nn.Parameter(torch.empty(matrix, device=device, dtype=dtype))
        self.end = nn.Parameter(torch.empty(vector, device=device, dtype=dtype))
        self.register_buffer("allowed_start", self._mask("allowed_start", allowed_start, vector, device))
        self.register_buffer("allowed_transitions", self._mask("allowed", allowed, matrix, device))
        self.register_buffer("allowed_end", self._mask("allowed_end", allowed_end, vector, device))
        self.reset_parameters()

    @property
    def where(self) -> str:
        """How an error names this module."""
        return f"CRF(num_tags={self.num_tags})"

    def extra_repr(self) -> str:
        """Return the number of tags."""
        return f"num_tags={self.num_tags}"

    def reset_parameters(self) -> None:
        """Set every score to zero."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Return the logarithm of P for `tags` (T, B) integers, (B,), differentiable.

        It is -inf for tags that are not allowed, and 0 for a sequence of length zero. The sum over all
        sequences of tags is the forward algorithm, step by step on logarithms.
        """
        emissions, counts, valid = self._read(emissions, lengths)
        tags = self._read_tags(tags, valid)
        score = self._score(emissions, tags, counts, valid)
        result = score - self._log_partition(emissions, valid)
        return torch.where(score > _FORBIDDEN / 2, result, -torch.inf)

    @torch.no_grad()
    def decode(self, emissions: Tensor, lengths: Lengths | None = None) -> list[list[int]]:
        """Return the most probable tags of each row (Viterbi 1967). Raises InputError if none are allowed."""
        emissions, counts, valid = self._read(emissions, lengths)
        paths, scores = self._best(emissions, valid, 1)
        self._check_allowed(scores[:, 0], counts)
        rows = zip(paths[0].t().tolist(), counts.tolist(), strict=True)
        return [tags[:count] for tags, count in rows]

    @torch.no_grad()
    def decode_nbest(
        self, emissions: Tensor, lengths: Lengths | None = None, n: int = 10
    ) -> list[list[TagPath]]:
        """Return the `n` most probable sequences of tags of each row, best first; fewer if no more are
        allowed.

        Raises InputError if none are.
        """
        if not is_count(n) or n == 0:
            raise InputError(self.where, "n is a positive integer", repr(n))
        emissions, counts, valid = self._read(emissions, lengths)
        paths, scores = self._best(emissions, valid, n)
        self._check_allowed(scores[:, 0], counts)
        logarithms = scores - self._log_partition(emissions, valid)[:, None]
        return [
            _paths(paths[:, :count, row].tolist(), logarithms[row].tolist()) if count else [TagPath([], 0.0)]
            for row, count in enumerate(counts.tolist())
        ]

    def marginals(self, emissions: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Return P(y_t = k | x) for every step and tag, (T, B, K), zero in the padding; not differentiable.

        Computed as ∂ ln Z / ∂ emission_t[k], which is the same.
        """
        with torch.inference_mode(False), torch.enable_grad():
            emissions, _, valid = self._read(emissions.detach().clone(), lengths)
            emissions.requires_grad_()
            (found,) = torch.autograd.grad(self._log_partition(emissions, valid).sum(), emissions)
        return found

    def log_marginal(
        self, emissions: Tensor, step: Tensor, tag: Tensor, lengths: Lengths | None = None
    ) -> Tensor:
        """Return ln P(y_t = k | x), (B,), for one `step` t and `tag` k of each row, (B,) int64 each.

        It is that of the share of Z that the sequences through k at t have, and differentiable; -inf if
        none of them is allowed.
        """
        emissions, counts, valid = self._read(emissions, lengths)
        rows = torch.arange(len(counts), device=emissions.device)
        others = torch.zeros_like(emissions, dtype=torch.bool)
        others[step, rows] = True
        others[step, rows, tag] = False
        through = self._log_partition(emissions.masked_fill(others, _FORBIDDEN), valid)
        result = through - self._log_partition(emissions, valid)
        return torch.where(through > _FORBIDDEN / 2, result, -torch.inf)

    def _mask(self, name: str, given: Tensor | None, shape: tuple[int, ...], device: Device) -> Tensor:
        if given is None:
            return torch.ones(shape, dtype=torch.bool, device=device)
        check_shape(f"{self.where}, {name}", given.shape, " ".join(map(str, shape)))
        if given.dtype != torch.bool:
            raise InputError(self.where, f"{name} is booleans", given.dtype)
        return given.to(device)

    def _read(self, emissions: Tensor, lengths: Lengths | None) -> tuple[Tensor, Tensor, Tensor]:
        return read_padded(self.where, emissions.to(self.transitions.dtype), self.num_tags, lengths)

    def _read_tags(self, tags: Tensor, valid: Tensor) -> Tensor:
        """Return the tags as indices, 0 in the padding."""
        steps, batch = valid.shape
        check_shape(f"{self.where}, tags", tags.shape, "T B", sizes={"T": steps, "B": batch})
        tags = torch.where(valid, tags, 0).long()
        outside = tags[(tags < 0) | (tags >= self.num_tags)]
        if len(outside):
            raise InputError(self.where, f"tags are from 0 to {self.num_tags - 1}", int(outside[0]))
        return tags

    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scores of a start (K,), a transition (K, K) and an end (K,)."""
        return (
            self.start.masked_fill(~self.allowed_start, _FORBIDDEN),
            self.transitions.masked_fill(~self.allowed_transitions, _FORBIDDEN),
            self.end.masked_fill(~self.allowed_end, _FORBIDDEN),
        )

    def _score(self, emissions: Tensor, tags: Tensor, counts: Tensor, valid: Tensor) -> Tensor:
        """Return s(x, y) of each row, (B,)."""
        start, transitions, end = self.scores()
        last = tags.gather(0, (counts - 1).clamp(min=0)[None])[0]  # (B,)
        at_ends = torch.where(counts > 0, start[tags[0]] + end[last], 0.0)
        between = torch.where(valid[1:], transitions[tags[:-1], tags[1:]], 0.0)  # (T-1, B)
        return at_ends + between.sum(0) + emissions.gather(2, tags[:, :, None]).sum((0, 2))

    def _log_partition(self, emissions: Tensor, valid: Tensor) -> Tensor:
        """Return the logarithm of Z of each row, (B,); 0 where there is no step."""
        start, transitions, end = self.scores()
        # Entry k: ln of the sum over all tags of the steps so far of which the last is k.
        alpha = start + emissions[0]  # (B, K)
        for emission, here in zip(emissions[1:], valid[1:], strict=True):
            moved = torch.logsumexp(alpha[:, :, None] + transitions, 1) + emission
            alpha = torch.where(here[:, None], moved, alpha)
        return torch.where(valid[0], torch.logsumexp(alpha + end, 1), 0.0)

    def _best(self, emissions: Tensor, valid: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Return the tags (n, T, B) and the scores (B, n) of the n best sequences of each row, best first.

        Entry k·n + i of `scores` (B, K·n) is the i-th best sequence so far whose last tag is k. Where there
        are fewer, and after the end of a row, the values are undefined.
        """
        start, transitions, end = self.scores()
        slots = torch.arange(self.num_tags * n, device=emissions.device)
        first = (start + emissions[0])[:, :, None]  # (B, K, 1)
        scores = nn.functional.pad(first, (0, n - 1), value=2 * _FORBIDDEN).flatten(1)
        origins = []
        for emission, here in zip(emissions[1:], valid[1:], strict=True):
            reached = scores[:, :, None] + transitions.repeat_interleave(n, 0)  # (B, K·n, K)
            best, origin = reached.topk(n, 1)  # (B, n, K)
            best = (best + emission[:, None]).transpose(1, 2).flatten(1)
            scores = torch.where(here[:, None], best, scores)
            origins.append(torch.where(here[:, None], origin.transpose(1, 2).flatten(1), slots))
        final, slot = (scores + end.repeat_interleave(n)).topk(n, 1)  # (B, n)
        path = [slot]
        for origin in reversed(origins):
            path.append(origin.gather(1, path[-1]))
        return torch.stack(path[::-1]).div(n, rounding_mode="floor").permute(2, 0, 1), final

    def _check_allowed(self, scores: Tensor, counts: Tensor) -> None:
        """Raise InputError if the best sequence of a row is not allowed."""
        barred = counts[(scores <= _FORBIDDEN / 2) & (counts > 0)]
        if len(barred):
            rule = "some sequence of tags is allowed for every length"
            raise InputError(self.where, rule, f"none of {int(barred[0])} tags")


def _paths(tags: list[list[int]], logarithms: list[float]) -> list[TagPath]:
    pairs = zip(tags, logarithms, strict=True)
    return [TagPath(path, value) for path, value in pairs if value > _FORBIDDEN / 2]
