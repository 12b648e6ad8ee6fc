"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bptt.errors import BpttError, InputError, printable_json
from bptt.files import to_json
from bptt.options.checks import shown

MEDIA_TYPE = "application/problem+json"
# Seconds after which a client that met a full queue may ask again: it empties within a few batches.
_RETRY_AFTER = "1"


class HttpProblem(Exception):
    """An answer with an error status: `detail` says what is required, what came, and the cure."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})

    @classmethod
    def of(cls, error: Exception) -> HttpProblem:
        """Return the problem that an exception is: 422 for an input, 500 for anything else."""
        if isinstance(error, HttpProblem):
            return error
        if isinstance(error, InputError):
            return cls(422, str(error))
        if isinstance(error, BpttError):
            return cls(500, str(error))
        return cls(500, f"internal error, a bug of bptt and no fault of yours: {type(error).__name__}")

    @classmethod
    def busy(cls, most: int) -> HttpProblem:
        """Return the problem that `most` requests wait already."""
        detail = f"queue: must hold at most {most} waiting requests, got one more. Ask again later"
        return cls(429, detail, {"retry-after": _RETRY_AFTER})

    def document(self) -> dict[str, Any]:
        """Return the problem with `type`, `title`, `status` and `detail`."""
        title = HTTPStatus(self.status).phrase
        return {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}

    def to_response(self) -> Response:
        """Return the problem as JSON."""
        return json_response(self.document(), self.status, self.headers, MEDIA_TYPE)


def json_response(
    value: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Return plain values as a response, in the JSON that the command line prints."""
    body = printable_json(to_json(value)).encode("utf-8")
    return Response(body, status, dict(headers or {}), media_type)


async def answer_problem(request: Request, error: Exception) -> Response:
    """Return the response to an exception that a handler raised."""
    return HttpProblem.of(error).to_response()


async def answer_missing(request: Request, error: Exception) -> Response:
    """Return the response for an unknown path."""
    detail = f"path: must be one that /openapi.json lists, got {shown(request.url.path)}"
    return HttpProblem(404, detail).to_response()


async def answer_method(request: Request, error: Exception) -> Response:
    """Return the response for a method that a path does not take."""
    headers = getattr(error, "headers", None) or {}
    detail = f"method: must be one of {headers.get('Allow', 'others')}, got {request.method}"
    return HttpProblem(405, detail, headers).to_response()
