"""Training clips changed at random: in size, place and speed, and mirrored."""

from __future__ import annotations

from math import exp
from random import Random

import torch
from torch import Tensor
from torch.nn import functional

# Logarithms of the largest factors: each side of the picture by 16 %, the speed by 22 %.
_SIZE, _SPEED = 0.15, 0.2
# The largest shift, as a share of half the picture.
_SHIFT = 0.1


def vary_clip(clip: Tensor, draw: Random, mirror: bool = False) -> Tensor:
    """Return a clip (T, S, S, C) stretched or shrunk, shifted, and faster or slower; with `mirror` mirrored
    half of the time.
    """
    steps = max(1, round(len(clip) * exp(draw.uniform(-_SPEED, _SPEED))))
    clip = clip[torch.linspace(0, len(clip) - 1, steps).round().long()]
    width, height = (exp(draw.uniform(-_SIZE, _SIZE)) for _ in range(2))
    right, down = (draw.uniform(-_SHIFT, _SHIFT) for _ in range(2))
    across = -width if mirror and draw.random() < 0.5 else width
    where = torch.tensor([[across, 0.0, right], [0.0, height, down]], dtype=clip.dtype)
    grid = functional.affine_grid(where[None], [1, 1, *clip.shape[1:3]], align_corners=False)
    # The pictures of a clip are the channels of one.
    images = clip.permute(0, 3, 1, 2).flatten(0, 1)[None]
    found = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return found[0].view(len(clip), clip.shape[3], *clip.shape[1:3]).permute(0, 2, 3, 1)
