"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

from typing import Any

from bptt.errors import printable_json
from bptt.files import to_json
from bptt.serve.http_problem import HttpProblem

# Seconds of silence after which a comment is sent: proxies close a connection after 30 or 60.
SILENCE = 15.0
EVENT_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Nginx hands on each event at once.
    (b"x-accel-buffering", b"no"),
]
COMMENT = b": waiting\n\n"
DONE = b"data: [DONE]\n\n"


def as_event(value: Any) -> bytes:
    """Return plain data as an event."""
    return f"data: {printable_json(to_json(value))}\n\n".encode()


def problem_event(problem: HttpProblem) -> bytes:
    """Return a problem as an event named `error`, which ends a stream."""
    # Clients of OpenAI's form look for this member.
    return b"event: error\n" + as_event({**problem.document(), "error": {"message": problem.detail}})
