"""The parts below a recurrent stack: each turns the tensors of a batch into vectors (T, B, I)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.data.vocabulary_options import NOTHING, UNKNOWN
from bptt.models.options import TokenOptions as TokenOptions
from bptt.shapes import check_shape

if TYPE_CHECKING:
    from bptt.models.moments import Moments

# Series that are joined at a time.
_BLOCK = 1024


def look_up(tokens: Tensor, table: Tensor, row_sparse: bool = False) -> Tensor:
    """Look up the rows of `table` (V, D) for `tokens` (...) integers: (..., D), a zero vector for NOTHING.

    With `row_sparse`, the gradient of the table is a sparse tensor that holds the rows looked up.
    """
    known = (tokens != NOTHING)[..., None]
    rows = functional.embedding(tokens.clamp(min=0), table, sparse=row_sparse)
    return torch.where(known, rows, 0.0)


def one_hot(tokens: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """Return one-hot vectors for `tokens` (...) int64 below `size`: (..., size), a zero vector for
    NOTHING.
    """
    known = (tokens != NOTHING)[..., None]
    zeros = torch.zeros(*tokens.shape, size, dtype=dtype, device=tokens.device)
    return zeros.scatter(-1, tokens.clamp(min=0)[..., None], known.to(dtype))


class InputPart(nn.Module):
    """A part that makes vectors of `output_size`, I. Its results in the padding are never looked at."""

    output_size: int


class TokenInput(InputPart):
    """Tokens by their rows of an embedding (V, D), or one-hot. The `others`, from V on, are known by vectors
    alone, which training leaves as they are.
    """

    one: Tensor
    others: Tensor

    def __init__(self, vocabulary_size: int, options: TokenOptions, others: int = 0) -> None:
        super().__init__()
        self.vocabulary_size, self.options = vocabulary_size, options
        self.output_size = options.embedding_size or vocabulary_size
        if options.embedding_size:
            empty = torch.empty(vocabulary_size, options.embedding_size)
            self.embedding = nn.Parameter(empty, requires_grad=not options.frozen)
        else:
            # The entry of a one-hot vector: its dtype is that of the model.
            self.register_buffer("one", torch.ones(()))
        if others:
            self.register_buffer("others", torch.zeros(others, options.embedding_size))
        self.num_others = others
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embedding uniformly within ±√(3/D): rows of length 1 on average (Ma and Hovy 2016)."""
        for embedding in self.parameters():
            bound = (3 / self.output_size) ** 0.5
            nn.init.uniform_(embedding, -bound, bound)

    @torch.no_grad()
    def fill(self, vectors: Tensor, tokens: Tensor | None = None) -> None:
        """Take `vectors` (N, D), trained elsewhere, for the `tokens` (N,) int64, by default those of the
        embedding. Raises InputError for another shape.
        """
        tokens = torch.arange(self.vocabulary_size) if tokens is None else tokens
        check_shape("vectors", vectors.shape, f"{len(tokens)} {self.options.embedding_size}")
        learned = tokens < self.vocabulary_size
        self.embedding[tokens[learned]] = vectors[learned]
        if self.num_others:
            self.others[tokens[~learned] - self.vocabulary_size] = vectors[~learned]

    def forward(self, tokens: Tensor) -> Tensor:
        """Return vectors (T, B, D), or (T, B, V), for `tokens` (T, B) int64, NOTHING in the padding."""
        if self.training and self.options.token_dropout:
            dropped = torch.rand(tokens.shape, device=tokens.device) < self.options.token_dropout
            tokens = tokens.masked_fill(dropped & (tokens != NOTHING), UNKNOWN)
        if not self.options.embedding_size:
            return one_hot(tokens, self.vocabulary_size, self.one.dtype)
        if not self.num_others:
            return look_up(tokens, self.embedding)
        is_other = tokens >= self.vocabulary_size
        learned = look_up(tokens.masked_fill(is_other, UNKNOWN), self.embedding)
        fixed = look_up((tokens - self.vocabulary_size).clamp(min=0), self.others)
        return torch.where(is_other[..., None], fixed, learned)


class SeriesInput(InputPart):
    """Series of D numbers a step, with the mean and the deviation of the training data taken out. NaN, a
    number that is missing, counts as the mean.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.output_size = size
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def fit(self, series: Iterable[Tensor]) -> None:
        """Take the mean and the deviation over all steps of training series, (T, D) each and none padded.

        A column that never changes keeps its unit; NaN is left out.
        """
        # In blocks, as a tensor for each row of a large table takes many times the memory of its numbers.
        left = iter(series)
        blocks = iter(lambda: list(islice(left, _BLOCK)), [])
        steps = torch.cat([torch.cat(block).double() for block in blocks])
        mean = steps.nanmean(0).nan_to_num()
        deviation = steps.sub_(mean).square_().nanmean(0).sqrt()
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def take(self, moments: Moments) -> None:
        """Take a mean and a deviation that were found otherwise."""
        self.mean.copy_(moments.mean)
        self.deviation.copy_(moments.deviation)

    def forward(self, series: Tensor) -> Tensor:
        """Return the normalised series (T, B, D) for `series` (T, B, D)."""
        return torch.where(series.isnan(), 0.0, (series - self.mean) / self.deviation)
