"""The options of a language model that remembers the text it reads: a cache, and dynamic evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.options.field import check_fields, option


@dataclass(frozen=True, kw_only=True)
class MemoryOptions:
    """How a model remembers the text before; by default by its states alone.

    With `cache`, P is the mixture (1 - s) P(model) + s P(cache) with the share s. The cache gives a token the
    probability that its occurrences among the last `cache` tokens have, weighed by exp(f h·h'), h and h'
    being the outputs of the network now and before the occurrence, f the flatness (Grave et al. 2017). With
    `dynamic`, a step of gradient descent at this rate follows each piece of text that was predicted, the norm
    of the gradient clipped to 1 (dynamic evaluation: Mikolov et al. 2010, Krause et al. 2018); the run keeps
    its weights. Raises InputError naming the option.
    """

    cache: int = option(
        0, "Tokens of the text before that a cache holds (0: no cache).", least=0, common=True
    )
    cache_share: float = option(0.1, "Share of the cache in the probability of a token.", share=True)
    cache_flatness: float = option(
        0.3, "How much more similar contexts count in the cache (0: all alike).", least=0
    )
    dynamic: float = option(
        0.0,
        "Learning rate of dynamic evaluation: the weights follow the text that was read (0: they stay).",
        least=0,
        common=True,
    )

    def __post_init__(self) -> None:
        check_fields(self)

    def __bool__(self) -> bool:
        """Return whether anything is kept."""
        return bool(self.cache or self.dynamic)
