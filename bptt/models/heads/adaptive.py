"""The adaptive softmax: a softmax for frequent words, one for each cluster of rarer ones (Grave et al. 2017).

P(w | o) = P(w | head) for the words of the shortlist, P(c | head) P(w | c) for a word w of the cluster c.
Both factors are softmaxes, so the probabilities of all V words add up to 1 exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.models.heads.cutoffs import cluster_width, usual_cutoffs
from bptt.models.heads.output_layer import OutputLayer, OutputShape
from bptt.nn import linear_cross_entropy
from bptt.nn.row_linear import row_linear
from bptt.runs.origin import Rows


class Softmax(nn.Module):
    """softmax(M P o + b) over `classes`, for outputs (..., D).

    P (K, D) projects the outputs to a cluster's width K; a head has none, and M (classes, D).
    """

    projection: nn.Parameter | None

    def __init__(self, classes: int, width: int, inner: int | None = None) -> None:
        super().__init__()
        projection = None if inner is None else nn.Parameter(torch.empty(inner, width))
        self.register_parameter("projection", projection)
        self.weight = nn.Parameter(torch.empty(classes, inner or width))
        self.bias = nn.Parameter(torch.empty(classes))

    def reset_parameters(self) -> None:
        """Draw the matrices uniformly within ±1/√(columns); the bias is zero."""
        for matrix in (self.projection, self.weight):
            if matrix is not None:
                nn.init.uniform_(matrix, -(matrix.shape[1] ** -0.5), matrix.shape[1] ** -0.5)
        nn.init.zeros_(self.bias)

    def projected(self, output: Tensor) -> Tensor:
        """Return P o, (..., K)."""
        return output if self.projection is None else functional.linear(output, self.projection)

    def embed(self, classes: Tensor) -> Tensor:
        """Return P^T m, (N, D), for the rows m of M of `classes` (N,) int64: what the outputs meet there."""
        rows = functional.embedding(classes, self.weight)
        if self.projection is None:
            return rows
        return rows @ self.projection if self.training else row_linear(rows, self.projection.t(), None)

    def log_probabilities(self, output: Tensor) -> Tensor:
        """Return ln of the softmax, (..., classes)."""
        return functional.linear(self.projected(output), self.weight, self.bias).log_softmax(-1)

    def loss(self, output: Tensor, targets: Tensor, reduction: str) -> Tensor:
        """Return -ln of the softmax at `targets` (N,) int64 for outputs (N, D)."""
        return linear_cross_entropy(
            self.projected(output),
            self.weight,
            targets,
            linear_bias=self.bias,
            reduction=reduction,
            ignore_index=NOTHING,
        )


class Share(NamedTuple):
    """The tokens of one cluster: their places (N,) among all, and their classes (N,) in the cluster."""

    part: Softmax
    places: Tensor
    classes: Tensor


class AdaptiveSoftmax(OutputLayer):
    """P(w | o) by a head over the shortlist and the clusters, and a softmax within each cluster.

    Tokens are numbered by falling frequency. `shape.cutoffs` c_1 < ... < c_C are the first tokens of the
    clusters: the head has c_1 + C classes, cluster i the tokens from c_i to c_{i+1} - 1. Its width is that of
    `cluster_width`. Without cut-offs, those for a text of usual frequencies are taken. A cluster that no
    target of a batch falls in is not computed, and has no gradient. If tied, the layer is the embedding, too:
    a token is read by its row of the head, or by its row of a cluster times the projection there (adaptive
    input, Baevski & Auli 2019). Raises InputError for cut-offs that do not rise, or lie outside the
    vocabulary.
    """

    can_embed = True

    def __init__(self, shape: OutputShape) -> None:
        super().__init__(shape)
        size, width = shape.vocabulary_size, shape.width
        self.cutoffs = tuple(shape.cutoffs or usual_cutoffs(size, width))
        ends = (0, *self.cutoffs, size)
        if any(begin >= end for begin, end in pairwise(ends)):
            rule = f"must rise from 1 to at most {size - 1:,}, the last token of the vocabulary"
            raise InputError("cutoffs", rule, ", ".join(map(str, self.cutoffs)), "Leave it out")
        self.head = Softmax(self._shortlist + len(self.cutoffs), width)
        self.tails = nn.ModuleList(
            Softmax(end - begin, width, cluster_width(width, number))
            for number, (begin, end) in enumerate(pairwise(ends[1:]))
        )

    def reset_parameters(self) -> None:
        """Draw the parameters of every softmax anew; if tied, so that what is read of any token varies with
        1/D, as an embedding that is tied to the full softmax does.
        """
        for part in self._parts():
            part.reset_parameters()
            for matrix in (part.projection, part.weight):
                if self.embeds and matrix is not None:
                    nn.init.normal_(matrix, std=matrix.shape[1] ** -0.5)

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the vectors (..., D) of `tokens` (...) int64, a zero vector for NOTHING."""
        wanted = tokens.reshape(-1)
        clusters = self._clusters(wanted)
        places = ((clusters == 0) & (wanted != NOTHING)).nonzero().squeeze(1)
        first = Share(self.head, places, wanted[places])
        found = self.head.weight.new_zeros(len(wanted), self.shape.width)
        for part, places, classes in (first, *self._shares(wanted, clusters)):
            found = found.index_copy(0, places, part.embed(classes).to(found))
        return found.view(*tokens.shape, -1)

    def token_names(self, tokens: Sequence[str]) -> Rows:
        """Return the tokens of the rows of each matrix; the rows of a cluster in the head bear its number."""
        ends = (*self.cutoffs, self.shape.vocabulary_size)
        clusters = [("cluster", number) for number in range(len(self.cutoffs))]
        rows: dict[str, Sequence[object]] = {"head": [*tokens[: self._shortlist], *clusters]}
        for number, (begin, end) in enumerate(pairwise(ends)):
            rows[f"tails.{number}"] = tokens[begin:end]
        return {f"{part}.{name}": (names,) for part, names in rows.items() for name in ("weight", "bias")}

    def logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return ln P of every token, (..., V)."""
        head = self.head.log_probabilities(output)
        shortlist, clusters = head.tensor_split([self._shortlist], -1)
        inner = [tail.log_probabilities(output) for tail in self.clusters]
        outer = clusters.unbind(-1)
        whole = [within + cluster[..., None] for within, cluster in zip(inner, outer, strict=True)]
        return torch.cat([shortlist, *whole], -1)

    def log_probabilities(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return ln P of every token, (..., V)."""
        return self.logits(output, tied)

    def negative_log_likelihood(
        self, output: Tensor, targets: Tensor, tied: Tensor | None, reduction: str
    ) -> Tensor:
        """Return -ln P as `loss`, never smoothed: that of the head, and in a cluster that of its softmax."""
        rows, wanted = output.reshape(-1, self.shape.width), targets.reshape(-1)
        clusters = self._clusters(wanted)
        classes = torch.where(clusters > 0, self._shortlist - 1 + clusters, wanted)
        each = "none" if reduction == "none" else "sum"
        loss = self.head.loss(rows, classes, each)
        for tail, places, within in self._shares(wanted, clusters):
            found = tail.loss(rows[places], within, each)
            loss = loss + found if each == "sum" else loss.index_add(0, places, found)
        if reduction == "mean":
            return loss / (wanted != NOTHING).sum()
        return loss.view_as(targets) if reduction == "none" else loss

    def _shares(self, wanted: Tensor, clusters: Tensor) -> Iterator[Share]:
        for number, (tail, first) in enumerate(zip(self.clusters, self.cutoffs, strict=True), 1):
            places = (clusters == number).nonzero().squeeze(1)
            if len(places):
                yield Share(tail, places, wanted[places] - first)

    @property
    def _shortlist(self) -> int:
        return self.cutoffs[0]

    def _clusters(self, tokens: Tensor) -> Tensor:
        """Return the number of the cluster of each of `tokens`, 0 for the shortlist and for NOTHING."""
        return torch.bucketize(tokens, torch.tensor(self.cutoffs, device=tokens.device), right=True)

    @property
    def clusters(self) -> Iterator[Softmax]:
        """The softmaxes within the clusters, the most frequent first."""
        for part in self.tails:
            assert isinstance(part, Softmax)
            yield part

    def _parts(self) -> Iterator[Softmax]:
        yield self.head
        yield from self.clusters
