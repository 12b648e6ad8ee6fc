"""The outermost layer: only programs of this machine, and pages that were allowed, reach the models."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bptt.serve.http_problem import HttpProblem

_LOCAL = "localhost"
# The methods and headers that a page of an allowed origin may send.
_ALLOWED = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "content-type",
}


class Guard:
    """An ASGI application before another, which checks Host and Origin.

    A stranger's page that a browser shows can reach a local server in two ways. It may send a request, which
    then carries the page's Origin; or give its own name the address of this machine, which then is the Host.
    A Host is an IP address, localhost, or one of `hosts`; an Origin is that of the Host, or one of `origins`.
    """

    def __init__(self, inner: Any, hosts: tuple[str, ...], origins: tuple[str, ...]) -> None:
        self._inner, self._origins = inner, frozenset(origins)
        self._hosts = frozenset({_LOCAL, *(host.lower() for host in hosts)})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request that is refused, and hand on any other."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        # The first of several of one name.
        headers = dict(reversed(scope["headers"]))
        origin = headers.get(b"origin", b"").decode("latin-1")
        refused = self._refusal(headers, origin)
        if refused is not None:
            await refused.to_response()(scope, receive, send)
        elif origin in self._origins and scope["method"] == "OPTIONS":
            await Response(None, 204, {**_ALLOWED, **_open(origin)})(scope, receive, send)
        elif origin in self._origins:
            await self._inner(scope, receive, _opening(send, origin))
        else:
            await self._inner(scope, receive, send)

    def _refusal(self, headers: Mapping[bytes, bytes], origin: str) -> HttpProblem | None:
        host, has_origin = headers.get(b"host", b"").decode("latin-1"), b"origin" in headers
        if not self._is_known(host):
            rule = "must be an IP address, localhost, or a name that `allow_host` gives"
            return HttpProblem(403, f"Host: {rule}, got {host!r}")
        same = origin in (f"http://{host}", f"https://{host}")
        if has_origin and not same and origin not in self._origins:
            rule = "must be that of this server, or one that `allow_origin` gives"
            return HttpProblem(403, f"Origin: {rule}, got {origin!r}")
        if not has_origin and headers.get(b"sec-fetch-site") == b"cross-site":
            return HttpProblem(403, "Sec-Fetch-Site: must not be a page of another site, got 'cross-site'")
        return None

    def _is_known(self, host: str) -> bool:
        name = host.lower()
        bare = name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0] or name
        if bare in self._hosts:
            return True
        try:
            ipaddress.ip_address(bare)
        except ValueError:
            return False
        return True


def _open(origin: str) -> dict[str, str]:
    return {"access-control-allow-origin": origin, "vary": "origin"}


def _opening(send: Callable[[Any], Awaitable[None]], origin: str) -> Callable[[Any], Awaitable[None]]:
    """Return a `send` that lets the page of an origin read the response."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            added = [(name.encode(), value.encode("latin-1")) for name, value in _open(origin).items()]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sent


async def read_body(request: Request, most: int) -> bytes:
    """Return the body of a request. Raises HttpProblem 413 for more than `most` bytes, 400 for a part."""
    rule = f"body: must have at most {most:,} bytes, got"
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise HttpProblem(413, f"{rule} {int(declared):,}. Send less at once", {"connection": "close"})
    parts, size, has_more = [], 0, True
    while has_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise HttpProblem(400, "body: must be complete, got a part of it")
        part, has_more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > most:
            raise HttpProblem(413, f"{rule} more. Send less at once", {"connection": "close"})
        parts.append(part)
    return b"".join(parts)
