"""The end of an utterance in sound that goes on: rules on how long nothing was said."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.options.field import check_fields, option


@dataclass(frozen=True, kw_only=True)
class EndpointOptions:
    """When an utterance ends: after `silence` seconds without a symbol behind a word, after `waiting` seconds
    without any, and after `longest` seconds in any case.

    Source: the rules of Kaldi's online decoders, of which `silence` is the one for words. The states of the
    network begin anew with an utterance, unless they are `kept`. Raises InputError naming the option.
    """

    silence: float = option(
        1.0, "Silence in seconds that ends an utterance; for commands 0.4.", group="Stream", least=0.1
    )
    waiting: float = option(
        5.0, "Silence in seconds after which an utterance without a word ends.", group="Stream", least=1
    )
    longest: float = option(20.0, "Longest utterance in seconds.", group="Stream", least=1)
    kept: bool = option(
        False,
        "Keep the states of the network from one utterance to the next.",
        group="Stream",
        flags="keep-states",
    )

    def __post_init__(self) -> None:
        check_fields(self)


class Endpoint:
    """Counts the steps of an utterance, of `seconds` each, and says when it ends."""

    def __init__(self, options: EndpointOptions, seconds: float) -> None:
        self._silence, self._waiting, self._longest = (
            round(limit / seconds) for limit in (options.silence, options.waiting, options.longest)
        )
        self.reset()

    def reset(self) -> None:
        """Begin an utterance."""
        self.steps, self.quiet, self._has_words = 0, 0, False

    def ends(self, is_quiet: bool) -> bool:
        """Return whether the utterance ends with the next step, at which a symbol is likeliest or none."""
        self.steps += 1
        self.quiet = self.quiet + 1 if is_quiet else 0
        self._has_words = self._has_words or not is_quiet
        allowed = self._silence if self._has_words else self._waiting
        return self.quiet >= max(1, allowed) or self.steps >= max(1, self._longest)
