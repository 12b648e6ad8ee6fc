"""The end of an utterance in sound that goes on: rules on how long nothing was said."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.options.field import check_fields, option


@dataclass(frozen=True, kw_only=True)
class EndpointOptions:
    """When an utterance ends: after `silence` seconds without a symbol behind a word, after `waiting` seconds
    without any, and after `longest` seconds in any case.

    One that has become too long is cut in the longest silence of its second half, between two words if there
    are some, and what follows begins the next. Source: the rules of Kaldi's online
    decoders, of which `silence` is the one for words. The states of the network begin anew with an utterance,
    unless they are `kept`. Raises InputError naming the option.
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
    """Counts the steps of an utterance, of `seconds` each, and says when it ends, and where it is cut."""

    def __init__(self, options: EndpointOptions, seconds: float) -> None:
        self._silence, self._waiting, self.longest = (
            max(1, round(limit / seconds)) for limit in (options.silence, options.waiting, options.longest)
        )
        self.reset()

    def reset(self) -> None:
        """Begin an utterance."""
        self.steps, self.quiet, self._has_words = 0, 0, False
        # Whether the silence up to now is between two words, and the best silence to cut in: whether it is
        # between words, its length, and its first step.
        self._parts, self._pause = False, (False, 0, 0)

    def ends(self, is_quiet: bool, parts_words: bool = False) -> bool:
        """Return whether the utterance ends with the next step, at which a symbol is likeliest or none.

        `parts_words`: a word ends before the symbol.
        """
        first, length = self.steps - self.quiet, self.quiet + is_quiet
        self._parts = self._parts or parts_words
        if first >= max(1, self.longest // 2) and (self._parts, length) > self._pause[:2]:
            self._pause = self._parts, length, first
        self._parts = self._parts and is_quiet
        self.steps += 1
        self.quiet = length if is_quiet else 0
        self._has_words = self._has_words or not is_quiet
        return self._is_over or self.steps >= self.longest

    @property
    def cut(self) -> int:
        """The step before which the utterance is cut: behind its last, unless it has become too long."""
        return self.steps if self._is_over else self._pause[2] or self.steps

    @property
    def _is_over(self) -> bool:
        return self.quiet >= (self._silence if self._has_words else self._waiting)
