"""How far two computations of the same numbers may lie apart: eps times the operations between them.

An operation rounds its result by at most eps/2 relative, so a chain of n of them moves a value of
magnitude m by at most n · m · eps/2. Both sides round, which makes n · m · eps. Nothing here is tuned.
"""

from __future__ import annotations

import torch

# Of one unit in one time step, beside its dot products: at most 4 gates of 4 additions and a function
# of 4 operations inside, then 8 products and sums: 4·(4 + 4) + 8.
POINTWISE = 40

# rsqrt(variance + 1e-5) multiplies an error of the normalised sum by at most 1/sqrt(1e-5).
LAYER_NORM = 317.0


def sequence(dtype: torch.dtype, steps: int, *widths: int, magnitude: float = 1.0) -> float:
    """Between two runs of a cell over `steps` steps whose dot products have Σ widths terms.

    An error made at one step is carried to the next; the parameters of the tests are small enough that no
    cell enlarges it on the way, so that the errors of the steps add up.
    """
    return float(torch.finfo(dtype).eps) * steps * (sum(widths) + POINTWISE) * magnitude


def gradient(dtype: torch.dtype, steps: int, batch: int, *widths: int, magnitude: float = 1.0) -> float:
    """Between two gradients: through the steps and back, then a sum over time and batch."""
    return float(torch.finfo(dtype).eps) * (2 * steps * (sum(widths) + POINTWISE) + steps * batch) * magnitude
