"""The texts that models have read for clients, by handle: limited in number and in time."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from bptt.jobs.language.text_read import TextRead
from bptt.options.checks import shown
from bptt.options.json_schema import JsonSchema
from bptt.serve.http_problem import HttpProblem

# The schema of the field `state`.
STATE: JsonSchema = {"type": ["string", "null"], "default": None}
_FORM = re.compile(r"([0-9]{1,18})-[0-9a-f]{32}")


class StateStore:
    """At most `most` texts, each until `seconds` after its last use; the longest unused makes room.

    A handle cannot be guessed, and one that was given is known for ever: it ends in a code for its number.
    Used by one thread, that of the server.
    """

    def __init__(self, most: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._now = most, seconds, now
        self._key, self._given = secrets.token_bytes(32), 0
        # By last use: the model, the text, and the time.
        self._kept: OrderedDict[str, tuple[str, TextRead, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of texts, those included whose time is over."""
        return len(self._kept)

    def keep(self, model: str, read: TextRead) -> str:
        """Keep a text that a model has read; return its handle."""
        self._given += 1
        handle = self._handle(self._given)
        self._kept[handle] = model, read, self._now()
        self._clear()
        return handle

    def given(self, fields: Mapping[str, Any], model: str) -> TextRead | None:
        """Return the text of the field `state`, None without. Raises HttpProblem as `find` does."""
        handle = fields.get("state")
        return None if handle is None else self.find(handle, model)

    def find(self, handle: Any, model: str) -> TextRead:
        """Return the text of a handle. Raises HttpProblem 404, 410 or 422."""
        owner, read, _ = self._at(handle)
        if owner != model:
            raise HttpProblem(422, f"state: must be one of the model {model}, got one of {owner}")
        self._kept[handle] = owner, read, self._now()
        self._kept.move_to_end(handle)
        return read

    def remove(self, handle: str) -> None:
        """Forget a text. Raises HttpProblem 404 or 410."""
        self._at(handle)
        del self._kept[handle]

    def _at(self, handle: Any) -> tuple[str, TextRead, float]:
        self._clear()
        if isinstance(handle, str) and handle in self._kept:
            return self._kept[handle]
        match = _FORM.fullmatch(handle) if isinstance(handle, str) else None
        if match and hmac.compare_digest(self._handle(int(match[1])), handle):
            limits = f"{self._most:,} states, each until {self._seconds:g} s after its last use"
            detail = f"state: must be kept still, got one that was deleted or is over. There are {limits}"
            raise HttpProblem(410, f"{detail}. Send the text again")
        raise HttpProblem(404, f"state: must be a handle that /v1/states gave, got {shown(handle)}")

    def _handle(self, number: int) -> str:
        return f"{number}-{hmac.digest(self._key, str(number).encode(), 'sha256').hex()[:32]}"

    def _clear(self) -> None:
        """Forget the texts whose time is over, and the longest unused beyond the number."""
        oldest = self._now() - self._seconds
        while self._kept:
            handle = next(iter(self._kept))
            if len(self._kept) <= self._most and self._kept[handle][2] >= oldest:
                return
            del self._kept[handle]
