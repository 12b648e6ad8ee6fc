"""HTTP/1.1 as uvicorn reads it with h11, and problem documents for what is no request."""

from __future__ import annotations

from uvicorn.protocols.http.h11_impl import H11Protocol

from bptt.errors import printable_json
from bptt.files import to_json
from bptt.serve.http_problem import MEDIA_TYPE, HttpProblem

_DETAIL = "request: must be HTTP/1.1 with a head of at most 16 KiB, got other bytes"


class ProblemProtocol(H11Protocol):
    """A connection. Bytes that are no request are answered by a problem document, and end it."""

    def send_400_response(self, msg: str) -> None:
        """Send the problem, unless they came amid a response, and close."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = printable_json(to_json(HttpProblem(400, _DETAIL).document())).encode()
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head.encode() + body)
        self.transport.close()
