"""The recurrence h_t = a_t ⊙ h_{t-1} + b_t by some 2 log2 T operations of torch, on all steps together.

No number is divided by a product of factors, so products may fade to zero. All operations are out of place,
so that torch can differentiate, batch and linearise them again.
"""

from __future__ import annotations

import torch
from torch import Tensor


def scan(factor: Tensor, rest: Tensor, reverse: bool = False) -> Tensor:
    """Return h (T, ...) of h_t = factor_t h_{t-1} + rest_t, from h = 0 before the first step.

    With `reverse` time runs from the last step to the first.
    """
    if reverse:
        return scan(factor.flip(0), rest.flip(0)).flip(0)
    steps = len(rest)
    if steps == 1:
        return rest
    # Two steps are one: h_{t+1} = (a_{t+1} a_t) h_{t-1} + (a_{t+1} b_t + b_{t+1}).
    even, odd = slice(0, steps - 1, 2), slice(1, steps, 2)
    pair = scan(factor[odd] * factor[even], torch.addcmul(rest[odd], factor[odd], rest[even]))
    later = slice(2, steps, 2)
    between = torch.addcmul(rest[later], factor[later], pair[: (steps - 1) // 2])
    between = torch.cat([rest[:1], between])
    mixed = torch.stack([between[: len(pair)], pair], 1).reshape(2 * len(pair), *rest.shape[1:])
    return torch.cat([mixed, between[len(pair) :]]) if steps % 2 else mixed
