"""The end of a text at one of several given texts, which may arrive in pieces."""

from __future__ import annotations

from collections.abc import Sequence


class StopTexts:
    """Holds back the end of a text while it may begin one of `stops`; `found` says whether one has come."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops, self._held = stops, ""
        self.found = False

    def push(self, piece: str, is_last: bool) -> str:
        """Return what is certain to come before a stop, after a further piece; at the last, all of it."""
        held = self._held + piece
        places = [(place + len(stop), place) for stop in self._stops if (place := held.find(stop)) >= 0]
        if places:
            # The stop that is whole first, however the text is cut into pieces.
            self.found, self._held = True, ""
            return held[: min(places)[1]]
        kept = 0 if is_last else max(map(self._begun, self._stops, [held] * len(self._stops)), default=0)
        cut = len(held) - kept
        self._held = held[cut:]
        return held[:cut]

    @staticmethod
    def _begun(stop: str, text: str) -> int:
        """Return the length of the longest end of a text that a stop begins with."""
        lengths = range(min(len(stop) - 1, len(text)), 0, -1)
        return next((length for length in lengths if stop.startswith(text[-length:])), 0)
