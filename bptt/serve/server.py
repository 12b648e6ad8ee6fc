"""The server process: the address, the signals, and the end that finishes what was accepted."""

from __future__ import annotations

import asyncio
import errno
import math
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from bptt.errors import InputError, MachineError
from bptt.serve.app import App
from bptt.serve.http_protocol import ProblemProtocol
from bptt.serve.options import ServeOptions
from bptt.serve.served import find_served

# Seconds after a signal in which what the system has accepted for this server is still taken in.
_LINGER = 0.2
# Seconds in which a response is sent after its samples were stopped.
_SENDING = 5
# Connections that the system keeps for the server until it takes them.
_BACKLOG = 2048


def listen(options: ServeOptions) -> socket.socket:
    """Return a socket that is bound to the address. Raises InputError if it is taken or none of ours."""
    where = f"{options.host}:{options.port}"
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        # With the protocol named, asyncio sends small answers at once (TCP_NODELAY) instead of after 40 ms.
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((options.host, options.port))
        # Two programs may bind one address; only one may listen there.
        found.listen(_BACKLOG)
    except socket.gaierror as error:
        cure = "Name another one, such as 127.0.0.1"
        raise InputError("host", "must be an address of this machine", repr(options.host), cure) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            cure = f"Name another one (`port` {options.port % 65535 + 1}), or 0 for any free one"
            came = f"{options.port}, where another program listens"
            raise InputError("port", "must be free", came, cure) from error
        raise MachineError(where, "must be an address that can be listened at", error.strerror) from error
    return found


class _Server(uvicorn.Server):
    """A server that drains at SIGTERM or SIGINT, and returns; a second signal ends it at once."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while the server runs."""
        names = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self.handle_exit) for each in names}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at a second signal, stop without waiting."""
        if self._app.draining:
            self.should_exit = self.force_exit = True
        elif self._app.state == "loading":
            self.should_exit = True
        else:
            self._app.draining = True
            asyncio.get_running_loop().call_later(_LINGER, self._stop)

    def _stop(self) -> None:
        self.should_exit = True
        asyncio.get_running_loop().call_later(self._app.options.grace, self._app.stop_going)


def serve(options: ServeOptions, say: Callable[[str], None]) -> None:
    """Answer requests until a signal arrives; `say` takes a line when they are ready.

    Raises InputError if a run or the address is of no use, or a run is damaged.
    """
    app = App(find_served(options.runs), options)
    listening = listen(options)
    with listening:
        asyncio.run(_run(app, listening, say))
    app.worker.close()


async def _run(app: App, listening: socket.socket, say: Callable[[str], None]) -> None:
    config = uvicorn.Config(
        app.asgi,
        http=ProblemProtocol,
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=math.ceil(app.options.grace) + _SENDING,
        backlog=_BACKLOG,
        ws="none",
    )
    server = _Server(config, app)
    app.worker.start()
    serving = asyncio.ensure_future(server.serve([listening]))
    loaded = asyncio.wrap_future(app.worker.loaded)
    await asyncio.wait([serving, loaded], return_when=asyncio.FIRST_COMPLETED)
    if loaded.done() and loaded.exception() is None:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        say(f"serving {', '.join(app.models)} at http://{shown}:{port}")
    elif loaded.done():
        server.should_exit = True
    await serving
    if loaded.done():
        loaded.result()
