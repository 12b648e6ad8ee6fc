"""The diagrams that a reader can ask for by name."""

from __future__ import annotations

from enum import Enum


class DiagramName(str, Enum):
    """The diagrams of a cell, and the architectures."""

    CELL = "cell"
    FOLDED = "folded"
    UNROLLED = "unrolled"
    THROUGH_TIME = "through-time"
    GRAPH = "graph"
    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_ONE = "many-to-one"
    MANY_TO_MANY = "many-to-many"
    ENCODER_DECODER = "encoder-decoder"
    ATTENTION = "attention"
    BIDIRECTIONAL = "bidirectional"
    DEEP = "deep"
    FEED_FORWARD = "feed-forward"
