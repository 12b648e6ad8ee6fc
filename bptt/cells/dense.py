"""Layers without a state: back-propagation in a feed-forward network, and losses."""

from __future__ import annotations

from bptt.cells.cell import Cell

DENSE = Cell.define(
    "dense",
    """
    u = W_u @ x + b_u
    y = sigmoid(u)
    """,
    title="Feed-forward layer, sigmoid",
    source="Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors",
)
