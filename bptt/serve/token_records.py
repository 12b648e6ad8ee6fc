"""The probability of tokens, and of the likeliest ones beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenRecord:
    """A token, its ln P under the model, and ln P of the likeliest tokens at its place by name."""

    token: str
    log_probability: float
    top: Mapping[str, float]


def token_records(
    vocabulary: Vocabulary, logits: Tensor, tokens: Sequence[int], top: int
) -> list[TokenRecord]:
    """Return a record for each of `tokens`, drawn or read where the logits are (N, V)."""
    ln_p = logits.double().log_softmax(1).cpu()
    own = ln_p.gather(1, torch.tensor(tokens)[:, None])[:, 0].tolist()
    values, names = ln_p.topk(min(top, ln_p.shape[1]))
    return [
        TokenRecord(vocabulary.show(token), value, dict(zip(map(vocabulary.show, names), best, strict=True)))
        for token, value, best, names in zip(tokens, own, values.tolist(), names.tolist(), strict=True)
    ]
