"""A product in which a row has the same bits whatever other rows there are.

A BLAS chooses the order of its sums by the shape of the product, and at the edges of its blocks by the place
in it. Here every product has the same shape, and the rows are its columns: one for each lane of a vector, so
that all are computed alike. The recurrent kernels keep this by themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Rows of a product: the lanes of a vector of 256 bits in float32. Few, as a lone row pays for all of them.
BLOCK = 8


def row_linear(rows: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """Return x W^T + b, (N, K), for rows x (N, D), `matrix` W (K, D) and `bias` b (K,).

    Devices other than the CPU promise no order of sums.
    """
    count = len(rows)
    if not count or rows.device.type != "cpu":
        return functional.linear(rows, matrix, bias)
    columns = functional.pad(rows, (0, 0, 0, -count % BLOCK)).t()  # (D, N)
    found = torch.cat([torch.mm(matrix, block) for block in torch.split(columns, BLOCK, 1)], 1)[
        :, :count
    ]  # (K, N)
    # Contiguous: the sums of a softmax over rows are taken in an order that depends on how they lie.
    return found.t().contiguous() if bias is None else (found + bias[:, None]).t().contiguous()
