"""The sizes of a decoder of tokens, and how it attends to what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bptt.data.checks import check_choice, check_least, check_share
from bptt.errors import InputError
from bptt.models.recurrent_options import StackOptions

AttentionName = Literal["additive", "dot", "general", "none"]


@dataclass(frozen=True)
class DecoderOptions(StackOptions):
    """The sizes of a decoder of tokens, beside those of its stack, whose states start where an encoder ends.

    `attention` is the score of `bptt.nn.Attention`, or "none"; `attention_size` the width of the additive
    one (None: that of the decoder). `input_feeding`: see `bptt.nn.Decoder`. `shared` takes the embedding
    of the source, both being of one vocabulary; `tied` takes the embedding as output matrix too (Press and
    Wolf 2017). `dropout` acts on the embedding, between the layers and before the output. `smoothing` is
    the share of a target's probability that training spreads over all tokens (Szegedy et al. 2016). Raises
    InputError naming the option.
    """

    num_layers: int = 1
    embedding_size: int = 64
    attention: AttentionName = "additive"
    attention_size: int | None = None
    input_feeding: bool = False
    shared: bool = False
    tied: bool = False
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_least("embedding_size", self.embedding_size, 1)
        check_choice("attention", self.attention, get_args(AttentionName))
        if self.attention_size is not None:
            check_least("attention_size", self.attention_size, 1)
            if self.attention != "additive":
                cure = "Leave it out"
                raise InputError("attention_size", "is for additive attention", self.attention, cure)
        if self.input_feeding and self.attention == "none":
            raise InputError("input_feeding", "feeds what attention gave", self.attention, "Leave it out")
        check_share("smoothing", self.smoothing)
        if self.tied and self.embedding_size != self.output_size:
            rule = f"tied weights need an embedding as wide as the output, {self.output_size}"
            raise InputError("embedding_size", rule, self.embedding_size)
