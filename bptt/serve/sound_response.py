"""The response to sound that arrives: server-sent events while the request still sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bptt.serve.events import COMMENT, DONE, EVENT_HEADERS, SILENCE, as_event, problem_event
from bptt.serve.http_problem import HttpProblem
from bptt.serve.live_sound import Ears, LiveSound
from bptt.serve.model_thread import Worker
from bptt.serve.options import ServeOptions
from bptt.serve.waiting import result_of

# Bytes that are heard at once, at most: half a second at 16,000 samples of 16 bits a second. Other requests
# are answered between two parts.
_PART = 2**14
# Bytes that wait to be heard; with more, the client is read no further.
_WAITING = 2**16
# The rest of a body that was refused is not read.
_CLOSE = {"connection": "close"}


class SoundAnswer:
    """A request whose sound is heard; it ends with the sound, when it is stopped, or its client has gone.

    `heard` is called with the seconds of sound of each part.
    """

    def __init__(
        self,
        sound: LiveSound,
        ears: Ears,
        worker: Worker,
        options: ServeOptions,
        heard: Callable[[float], None],
    ) -> None:
        self._sound, self._ears, self._worker, self._options = sound, ears, worker, options
        self._count = heard
        self._unheard, self._is_whole = bytearray(), False
        # Set when there is something to hear, and when there is room for more.
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._stopped: asyncio.Future[HttpProblem] = asyncio.get_running_loop().create_future()
        self._reading: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_ended, self._patience = False, options.timeout

    def stop(self, problem: HttpProblem) -> None:
        """Stop hearing; the response ends with a problem."""
        if not self._stopped.done():
            self._stopped.set_result(problem)

    @property
    def is_open(self) -> bool:
        """Whether the sound is still heard."""
        return self._reading is not None

    async def begin(self, request: Request) -> Response:
        """Return the response, once the model hears the sound. Raises HttpProblem if it does not."""
        seconds = self._options.max_seconds
        late = HttpProblem(408, f"body: must arrive within {seconds:g} s, got a part of it", _CLOSE)
        self._timer = asyncio.get_running_loop().call_later(seconds, self.stop, late)
        self._reading = asyncio.ensure_future(self._read(request))
        response_follows = False
        try:
            found: list[Any] = []
            while not (self._sound.begun or self._has_ended):
                part = await self._next()
                found += [] if part is None else await self._hear(part)
            response_follows = True
            return _SoundEvents(self, found)
        finally:
            if not response_follows:
                self._close()

    async def send(self, first: list[Any], send: Any) -> None:
        """Send the events, the `first` of which are known, until the end of the sound."""
        try:
            headers = [*EVENT_HEADERS, (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _send(send, b"".join(map(as_event, first)))
            try:
                while not self._has_ended:
                    part = await self._next()
                    found = [] if part is None else await self._hear(part)
                    await _send(send, COMMENT if part is None else b"".join(map(as_event, found)))
                last = DONE
            except HttpProblem as problem:
                last = problem_event(problem)
            await send({"type": "http.response.body", "body": last, "more_body": False})
        finally:
            self._close()

    def _close(self) -> None:
        assert self._reading is not None and self._timer is not None
        self._reading.cancel()
        self._reading = None
        self._timer.cancel()

    async def _read(self, request: Request) -> None:
        """Keep what arrives of the body until it is heard; stop when the client has gone."""
        while (message := await request.receive())["type"] != "http.disconnect":
            self._unheard += message.get("body", b"")
            self._is_whole = self._is_whole or not message.get("more_body", False)
            if self._unheard or self._is_whole:
                self._arrived.set()
            while len(self._unheard) > _WAITING:
                self._room.clear()
                await self._room.wait()
        self.stop(HttpProblem(400, "connection: must stay open until the answer, got its end"))

    async def _next(self) -> bytes | None:
        """Return the next part, empty at the end; None after some silence.

        Raises HttpProblem 408 after too long a silence, and that of `stop`.
        """
        if not (self._unheard or self._is_whole or self._stopped.done()):
            self._arrived.clear()
            arriving = asyncio.ensure_future(self._arrived.wait())
            patience = min(SILENCE, self._patience)
            awaited: set[asyncio.Future[Any]] = {arriving, self._stopped}
            await asyncio.wait(awaited, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            arriving.cancel()
            self._patience -= patience
        if self._stopped.done():
            raise self._stopped.result()
        if self._unheard or self._is_whole:
            self._patience = self._options.timeout
            part = bytes(self._unheard[:_PART])
            del self._unheard[:_PART]
            self._room.set()
            return part
        if self._patience <= 0:
            seconds = f"{self._options.timeout:g} s"
            raise HttpProblem(408, f"body: must go on within {seconds}, got none", _CLOSE)
        return None

    async def _hear(self, part: bytes) -> list[Any]:
        """Return the records that a part adds. Raises HttpProblem if it is no sound, or takes too long."""
        before, timeout = self._sound.seconds, self._options.timeout
        future = self._worker.submit(self._ears, (), (self._sound, part), accepted=True)
        try:
            found: list[Any] = await result_of(future, timeout)
        except asyncio.TimeoutError as error:
            raise HttpProblem(504, f"answer: must be found within {timeout:g} s. Ask again later") from error
        except Exception as error:
            raise HttpProblem.of(error) from error
        self._has_ended = not part
        self._count(self._sound.seconds - before)
        return found


class _SoundEvents(Response):
    """Events: the records of a sound while it arrives, in the end `[DONE]`, or a problem named `error`."""

    def __init__(self, answer: SoundAnswer, first: list[Any]) -> None:
        super().__init__()
        self._answer, self._first = answer, first

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the events."""
        await self._answer.send(self._first, send)


async def _send(send: Any, data: bytes) -> None:
    if data:
        await send({"type": "http.response.body", "body": data, "more_body": True})
