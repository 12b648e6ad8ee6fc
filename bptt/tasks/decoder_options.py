"""The sizes of a decoder of tokens, and how it attends to what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bptt.data.checks import check_choice, check_least, check_share
from bptt.errors import InputError

AttentionName = Literal["additive", "dot", "general", "none"]


@dataclass(frozen=True)
class DecoderOptions:
    """The sizes of a decoder of tokens.

    `attention` is the score of `bptt.nn.Attention`, or "none"; `attention_size` the width of the additive
    one (None: that of the decoder). `input_feeding`: see `bptt.nn.Decoder`. `shared` takes the embedding
    of the source, both being of one vocabulary; `tied` takes the embedding as output matrix too (Press and
    Wolf 2017). `dropout` acts on the embedding, between the layers and before the output. `smoothing` is
    the share of a target's probability that training spreads over all tokens (Szegedy et al. 2016). Raises
    InputError naming the option.
    """

    hidden_size: int = 256
    num_layers: int = 1
    embedding_size: int = 64
    attention: AttentionName = "additive"
    attention_size: int | None = None
    input_feeding: bool = False
    shared: bool = False
    tied: bool = False
    dropout: float = 0.0
    smoothing: float = 0.0
    proj_size: int = 0

    def __post_init__(self) -> None:
        for name in ("hidden_size", "num_layers", "embedding_size"):
            check_least(name, getattr(self, name), 1)
        check_choice("attention", self.attention, get_args(AttentionName))
        if self.attention_size is not None:
            check_least("attention_size", self.attention_size, 1)
            if self.attention != "additive":
                cure = "Leave it out"
                raise InputError("attention_size", "is for additive attention", self.attention, cure)
        if self.input_feeding and self.attention == "none":
            raise InputError("input_feeding", "feeds what attention gave", self.attention, "Leave it out")
        check_share("dropout", self.dropout)
        check_share("smoothing", self.smoothing)
        check_least("proj_size", self.proj_size, 0)
