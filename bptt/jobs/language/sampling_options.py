"""The options of sampling."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.errors import InputError
from bptt.options.field import check_fields, option


@dataclass(frozen=True)
class SamplingOptions:
    """How to draw at most `length` tokens.

    The logits are divided by `temperature`; 0 takes the most probable token. Tokens are drawn from the
    `top_k` most probable ones (0: all), and of these from the smallest set with a probability of at least
    `top_p`. `refuse_unknown` excludes `<unk>`. `stop_at_end` stops at `<eos>`, the end of a line, where a
    model of sentences always stops. Raises InputError with the option if a value is out of bounds.
    """

    length: int = option(500, "Largest number of tokens.", least=1)
    temperature: float = option(
        1.0,
        "Temperature of the softmax; below 1 unlikely tokens become rarer (0: always the likeliest).",
        least=0,
    )
    top_k: int = option(0, "Draw from the k likeliest tokens (0: from all).", least=0)
    top_p: float = option(1.0, "Draw from the likeliest tokens whose probabilities sum to this.")
    refuse_unknown: bool = option(False, "Never draw <unk>.", flags="no-unk refuse-unknown")
    stop_at_end: bool = option(False, "Stop at the end of a line.", flags="stop stop-at-end")
    seed: int = option(0, "Seed; the same seed draws the same text.", least=0)

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 < self.top_p <= 1:
            raise InputError("top_p", "is above 0 and at most 1", self.top_p)
