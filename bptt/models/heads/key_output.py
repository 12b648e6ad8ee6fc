"""Output layers for frames of keys: P(frame | output) over all sets of K keys, its likelihood and draws."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import inf

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.nn.float64 import doubles


class KeyOutput(nn.Module, ABC):
    """P(x | o) for frames x (..., K) of zeros and ones, given outputs o (..., D) of a network.

    A subclass computes a logit for each key, given the keys below it:
    ln P(x | o) = Σ_k ln P(x_k | x_1 ... x_{k-1}, o). So the likelihood is exact, and one pass gives it.
    """

    def __init__(self, width: int, keys: int) -> None:
        super().__init__()
        self.direct = nn.Linear(width, keys)

    @abstractmethod
    def logits(self, output: Tensor, frames: Tensor) -> Tensor:
        """Return the logit of each key of `frames` (..., K), given the keys below it, (..., K)."""

    @abstractmethod
    def draw(self, output: Tensor, places: Tensor, temperature: float, allowed: Tensor) -> Tensor:
        """Return frames (N, K) of zeros and ones, drawn for outputs (N, D).

        `places` (N, K) are numbers in [0, 1): a key sounds if its number is below its probability. The logits
        are divided by `temperature`; 0 takes the likelier value of each key. Keys that are not `allowed`,
        (N, K) bool, are silent.
        """

    def score(self, output: Tensor, frames: Tensor) -> Tensor:
        """Return ln P of frames (..., K) for outputs (..., D), (...); 0 for frames of NOTHING."""
        known = frames[..., 0] != NOTHING
        frames = frames.clamp(min=0)
        signs = 1 - 2 * frames  # ln P(x_k) = -ln(1 + exp(-z_k)) if the key sounds, else -ln(1 + exp(z_k))
        found = -functional.softplus(signs * self.logits(output, frames)).sum(-1)
        return torch.where(known, found, 0.0)


class IndependentKeys(KeyOutput):
    """P(x | o) = Π_k σ(±z_k) with z = A o + b: every key by itself, given the output."""

    def logits(self, output: Tensor, frames: Tensor) -> Tensor:
        """Return A o + b, (..., K), whatever the frames."""
        found: Tensor = self.direct(output)
        return found

    def draw(self, output: Tensor, places: Tensor, temperature: float, allowed: Tensor) -> Tensor:
        """Return frames as `KeyOutput.draw` says, all keys at once."""
        return _drawn(self.direct(output), places, temperature, allowed)


class KeyChain(KeyOutput):
    """A chain over the keys, from low to high (NADE: Larochelle and Murray 2011).

    The logit of key k is z_k = (A o + b)_k + V_k φ(C o + c + Σ_{j<k} x_j W_j), with φ = max(0, ·) and `size`
    hidden units that all keys share.
    """

    def __init__(self, width: int, keys: int, size: int) -> None:
        super().__init__(width, keys)
        self.keys = keys
        self.context = nn.Linear(width, size)
        self.below = nn.Parameter(torch.empty(keys, size))  # W
        self.read = nn.Parameter(torch.empty(keys, size))  # V
        nn.init.normal_(self.below, std=size**-0.5)
        nn.init.normal_(self.read, std=size**-0.5)

    def logits(self, output: Tensor, frames: Tensor) -> Tensor:
        """Return the logit of each key of `frames` (..., K), given the keys below it, (..., K)."""
        # Between two sounding keys the hidden units stay as they are, so that a frame with M notes has M + 1
        # vectors of them. Few notes sound at once: these are far fewer numbers than one vector for each key.
        count = int(frames.sum(-1).max()) if frames.numel() else 0
        order = torch.arange(self.keys, 0, -1, device=frames.device)
        found = (frames * order).topk(count, -1).values  # (..., M), K - key from the lowest on, then zeros
        sounding = (self.keys - found).long().clamp(max=self.keys - 1)
        weights = self.below[sounding] * (found > 0)[..., None]  # (..., M, size)
        sums = functional.pad(weights.cumsum(-2), (0, 0, 1, 0))  # (..., M + 1, size)
        hidden = (self.context(output)[..., None, :] + sums).relu()
        parts = hidden @ self.read.T  # (..., M + 1, K)
        below = (frames.cumsum(-1) - frames).long()  # (..., K), the number of notes below a key
        logits: Tensor = self.direct(output) + parts.gather(-2, below[..., None, :]).squeeze(-2)
        return logits

    def draw(self, output: Tensor, places: Tensor, temperature: float, allowed: Tensor) -> Tensor:
        """Return frames as `KeyOutput.draw` says, key by key, each given those below it."""
        direct, hidden = self.direct(output), self.context(output)
        frames = torch.zeros_like(direct)
        for key in range(direct.shape[-1]):
            logit = direct[:, key] + (hidden.relu() * self.read[key]).sum(-1)
            frames[:, key] = _drawn(logit, places[:, key], temperature, allowed[:, key])
            hidden = hidden + frames[:, key, None] * self.below[key]
        return frames


def _drawn(logits: Tensor, places: Tensor, temperature: float, allowed: Tensor) -> Tensor:
    logits = doubles(logits)
    logits = logits.masked_fill(~allowed.to(logits.device), -inf)
    # A small temperature must not turn a logit of 0 into NaN, nor a large one overflow.
    shares = (logits > 0).double() if temperature == 0 else (logits / temperature).sigmoid()
    return (places.to(shares.device) < shares).to(torch.get_default_dtype())
