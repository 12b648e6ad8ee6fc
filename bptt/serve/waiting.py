"""Waiting for a while without a task of its own: a task costs more than the work of many a request."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


async def within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of a coroutine. Raises asyncio.TimeoutError if it takes longer."""
    try:
        # Most have nothing to wait for, such as a body that came with its head.
        awaited = work.send(None)
    except StopIteration as ended:
        found: Result = ended.value
        return found
    return await asyncio.wait_for(_Rest(work, awaited), seconds)


class _Rest:
    """The rest of a coroutine that was begun, and is waiting."""

    def __init__(self, work: Coroutine[Any, Any, Any], awaited: Any) -> None:
        self._work, self._awaited = work, awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            yield self._awaited
        except BaseException as error:
            self._work.throw(error)
            raise
        return (yield from self._work.__await__())


async def result_of(future: Future[Result], seconds: float) -> Result:
    """Return what another thread finds, or raise what that fails with; `future` is cancelled at the end.

    Raises asyncio.TimeoutError if it takes longer.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Result] = loop.create_future()

    def hand_over(done: Future[Result]) -> None:
        # A loop that has ended waits for nothing.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_copy, done, found)

    future.add_done_callback(hand_over)
    timer = loop.call_later(seconds, _expire, found)
    try:
        return await found
    finally:
        timer.cancel()
        future.cancel()


def _copy(done: Future[Result], found: asyncio.Future[Result]) -> None:
    if found.done() or done.cancelled():
        found.cancel()
    elif (error := done.exception()) is not None:
        found.set_exception(error)
    else:
        found.set_result(done.result())


def _expire(found: asyncio.Future[Any]) -> None:
    if not found.done():
        found.set_exception(asyncio.TimeoutError())
