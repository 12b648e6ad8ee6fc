"""Sound of a request that is answered while it arrives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from bptt.data.audio.sound_decoder import SoundDecoder
from bptt.errors import InputError
from bptt.jobs.answers import Answer, Asking, Listening
from bptt.serve.sound_limits import check_form, check_seconds
from bptt.serve.uploads import BodyType

# The name of the sound in errors.
_NAME = "body"


class LiveSound:
    """The sound of one request, of at most `most` seconds; `hear` runs in the thread of the models.

    `ask` returns the model with the options of the request, when the first bytes have come. `begun` is true
    once the model hears the sound; `seconds` are those heard so far.
    """

    def __init__(self, ask: Callable[[], Asking], kind: BodyType, most: float) -> None:
        self._ask, self._kind, self._most = ask, kind, most
        self._parts: tuple[Asking, SoundDecoder] | None = None
        self._listening: Listening | None = None
        self.seconds = 0.0

    @property
    def begun(self) -> bool:
        """Whether the model hears the sound."""
        return self._listening is not None

    def hear(self, part: bytes) -> list[dict[str, Any]]:
        """Return the records that are known after further bytes; no bytes are the end.

        Raises InputError if they are no sound, or the model needs all of it; HttpProblem 413 or 422 if it is
        too long, or not what its type says.
        """
        if self._parts is None:
            asking = self._ask()
            raw = asking.raw_format()
            if raw is None:
                raise InputError("stream", "needs a model that hears sound", "one of features in files")
            self._parts = asking, SoundDecoder(_NAME, replace(raw, coding=self._kind.coding or "i16"))
        asking, decoder = self._parts
        decoder.feed(part)
        if decoder.layout is None:
            return []
        if self._listening is None:
            self._kind.check_form(decoder.is_wav)
            check_form(decoder.layout.rate, decoder.layout.channels)
            self._listening = asking.listen(decoder.layout.rate)
        found: list[Answer] = []
        for piece in decoder.take():
            self.seconds += len(piece) / decoder.layout.rate
            check_seconds(self.seconds, self._most)
            found += self._listening.push(piece)
        if not part:
            found += self._listening.close()
        return [each.to_dict() for each in found]


class HearingVerb(ABC):
    """A verb that answers sound while it arrives, too: that of the types `streamed_types`."""

    streamed_types: ClassVar[Sequence[str]]

    @abstractmethod
    def live(self, given: Mapping[str, Any], kind: BodyType) -> LiveSound:
        """Return the sound of a request with these options. Raises InputError for one that is unknown."""


class Ears:
    """Hears parts of sounds, each by itself: what a sound is answered does not depend on others."""

    def answer(self, asked: Hashable, items: Sequence[tuple[LiveSound, bytes]]) -> Sequence[Any]:
        """Return the records that each part adds, or the error that its sound fails with."""
        return [_heard(*item) for item in items]


def _heard(sound: LiveSound, part: bytes) -> Any:
    # An error of one must not let the others hear their parts again.
    try:
        return sound.hear(part)
    except Exception as error:
        return error
