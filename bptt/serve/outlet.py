"""Pieces of answers on their way from the thread of the models to that of the server."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

Piece = TypeVar("Piece")


class Outlet(Generic[Piece]):
    """Pieces for a coroutine of the running loop; the loop is woken once for all that have come since.

    `put` and `wake` may be called in any thread, the rest in that of the loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[Piece] = deque()
        self._event, self._is_woken = asyncio.Event(), False

    def put(self, piece: Piece) -> None:
        """Append a piece."""
        self._pieces.append(piece)
        self.wake()

    def wake(self) -> None:
        """Let `take` return, with nothing if nothing was put."""
        if not self._is_woken:
            self._is_woken = True
            # A loop that has ended has nobody to wake.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._event.set)

    async def take(self) -> list[Piece]:
        """Return all pieces since the last call, once there is something or `wake` was called."""
        await self._event.wait()
        self._event.clear()
        # Before the pieces are taken: the next one wakes again.
        self._is_woken = False
        return self.rest()

    def rest(self) -> list[Piece]:
        """Return the pieces since the last call without waiting for any."""
        return [self._pieces.popleft() for _ in range(len(self._pieces))]
