"""The responses to requests that draw samples: a document, or server-sent events while they are drawn."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bptt.serve.drawn_verb import DrawnRequest, DrawnVerb, joined
from bptt.serve.events import COMMENT, DONE, EVENT_HEADERS, SILENCE, as_event, problem_event
from bptt.serve.http_problem import HttpProblem, json_response
from bptt.serve.model_thread import Worker
from bptt.serve.outlet import Outlet
from bptt.serve.sample_row import SampleRow, TextPiece


class DrawnAnswer:
    """A request while its samples are drawn; it ends when it is answered, stopped, or its client has gone."""

    def __init__(self, verb: DrawnVerb, name: str, asked: DrawnRequest, worker: Worker) -> None:
        self.verb, self.name = verb, name
        self.outlet: Outlet[TextPiece] = Outlet()
        wanted = replace(asked.wanted, outlet=self.outlet if asked.stream else None)
        self.asked = replace(asked, wanted=wanted)
        self.future: Future[list[SampleRow]] = worker.submit(verb.drawing, (), wanted)
        self.future.add_done_callback(lambda _: self.outlet.wake())
        self._problem: HttpProblem | None = None

    def stop(self, problem: HttpProblem) -> None:
        """Draw no further; the response ends with a problem, unless it is whole."""
        if self.future.cancel():
            self._problem = problem

    def rows(self) -> list[SampleRow]:
        """Return the samples, which have ended. Raises HttpProblem if the request failed or was stopped."""
        if self._problem is not None:
            raise self._problem
        try:
            return self.future.result()
        except Exception as error:
            raise HttpProblem.of(error) from error

    def event(self, piece: TextPiece) -> bytes:
        """Return a piece of a row as an event."""
        return as_event(self.verb.event(self.name, self.asked, piece))


async def answer_drawn(drawn: DrawnAnswer, request: Request, timeout: float) -> Response:
    """Return the document, or the events from the first one on.

    Raises HttpProblem if a request fails before its first event, or that, or the document, takes longer than
    `timeout` seconds.
    """
    late = HttpProblem(504, f"answer: must be found within {timeout:g} s. Ask for less at once")
    timer = asyncio.get_running_loop().call_later(timeout, drawn.stop, late)
    gone = asyncio.ensure_future(_until_gone(drawn, request))
    response_follows = False
    try:
        pieces = await drawn.outlet.take()
        while not (pieces or drawn.future.done()):
            pieces = await drawn.outlet.take()
        if not pieces or drawn.future.done():
            rows = drawn.rows()
        if drawn.asked.stream:
            response_follows = True
            return EventStream(drawn, pieces, gone)
        return json_response(drawn.verb.document(drawn.name, drawn.asked, rows))
    finally:
        timer.cancel()
        if not response_follows:
            drawn.future.cancel()
            gone.cancel()


async def _until_gone(drawn: DrawnAnswer, request: Request) -> None:
    """Stop the request when its client goes."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    drawn.stop(HttpProblem(400, "connection: must stay open until the answer, got its end"))


class EventStream(Response):
    """Events: the pieces of samples as they are drawn, in the end `[DONE]`, or a problem named `error`."""

    def __init__(self, drawn: DrawnAnswer, first: list[TextPiece], gone: asyncio.Future[None]) -> None:
        super().__init__()
        self._drawn, self._pieces, self._gone = drawn, first, gone

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the events."""
        drawn, loop = self._drawn, asyncio.get_running_loop()
        silence = loop.call_later(SILENCE, drawn.outlet.wake)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": EVENT_HEADERS})
            pieces = self._pieces
            while True:
                has_ended = drawn.future.done()
                if has_ended:
                    # Pieces were put before the end.
                    pieces += drawn.outlet.rest()
                if pieces or not has_ended:
                    data = b"".join(map(drawn.event, joined(pieces))) or COMMENT
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                if has_ended:
                    break
                silence.cancel()
                silence = loop.call_later(SILENCE, drawn.outlet.wake)
                pieces = await drawn.outlet.take()
            await send({"type": "http.response.body", "body": self._last(), "more_body": False})
        finally:
            silence.cancel()
            self._gone.cancel()
            drawn.future.cancel()

    def _last(self) -> bytes:
        drawn = self._drawn
        try:
            more = drawn.verb.last_events(drawn.name, drawn.asked, drawn.rows())
        except HttpProblem as problem:
            return problem_event(problem)
        return b"".join(map(as_event, more)) + DONE
