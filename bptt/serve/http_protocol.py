"""HTTP/1.1 as uvicorn reads it with h11, with problems for what is no request, and a time for each head."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from bptt.errors import printable_json
from bptt.files import to_json
from bptt.serve.http_problem import MEDIA_TYPE, HttpProblem

_DETAIL = "request: must be HTTP/1.1 with a head of at most 16 KiB, got other bytes"
# Seconds in which the head of a request arrives: its bytes come together, unless a client holds a connection.
_HEAD = 10.0


class ProblemProtocol(H11Protocol):
    """A connection. Bytes that are no request are answered by a problem document, and end it."""

    _timer: asyncio.TimerHandle | None = None

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(_HEAD, self._expire)

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of a head that is not whole wait for the rest."""
        super().data_received(data)
        if self._is_answering and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif not self._is_answering and self._timer is None:
            self._timer = self.loop.call_later(_HEAD, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        self._timer = None
        if not self._is_answering:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Send the problem, unless they came amid a response, and close."""
        if not (self._is_answering and self.cycle.response_started):
            body = printable_json(to_json(HttpProblem(400, _DETAIL).document())).encode()
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head.encode() + body)
        self.transport.close()
