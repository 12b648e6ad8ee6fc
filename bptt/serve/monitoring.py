"""Counts and durations of a server, in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from bptt.version import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Bounds of request durations: from a small model that is asked alone to the usual timeout.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# Bounds of the number of requests that are answered together, up to the usual length of the queue.
REQUESTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

Labels = tuple[str, ...]
Value = TypeVar("Value")


class _Series(Generic[Value]):
    """A metric: a value for each combination of labels. Any thread may change it."""

    kind = ""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self.name, self._about, self._labels = name, about, labels
        self._values: dict[Labels, Value] = {}
        self._lock = threading.Lock()

    def lines(self) -> Iterator[str]:
        """Yield the metric as text."""
        yield f"# HELP {self.name} {self._about}"
        yield f"# TYPE {self.name} {self.kind}"
        with self._lock:
            for given, value in sorted(self._values.items()):
                yield from self._samples(dict(zip(self._labels, given, strict=True)), value)

    def _samples(self, labels: dict[str, str], value: Value) -> Iterator[str]:
        yield f"{self.name}{_braced(labels)} {value}"


class Counter(_Series[float]):
    """A number that only rises."""

    kind = "counter"

    def add(self, amount: float, *labels: str) -> None:
        """Raise the number under these labels."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + amount


class Gauge(_Series[float]):
    """A number that rises and falls."""

    kind = "gauge"

    def set(self, value: float, *labels: str) -> None:
        """Replace the number under these labels."""
        with self._lock:
            self._values[labels] = value


class Histogram(_Series[tuple[list[int], float]]):
    """How often values were at most each of the `bounds`, and their sum."""

    kind = "histogram"

    def __init__(self, name: str, about: str, bounds: Sequence[float], *labels: str) -> None:
        super().__init__(name, about, *labels)
        self._bounds = tuple(bounds)

    def add(self, value: float, *labels: str) -> None:
        """Count a value under these labels."""
        with self._lock:
            counts, total = self._values.get(labels, ([0] * (len(self._bounds) + 1), 0.0))
            counts[bisect_left(self._bounds, value)] += 1
            self._values[labels] = counts, total + value

    def _samples(self, labels: dict[str, str], value: tuple[list[int], float]) -> Iterator[str]:
        counts, total = value
        ends = *(f"{bound:g}" for bound in self._bounds), "+Inf"
        for end, count in zip(ends, accumulate(counts), strict=True):
            yield f"{self.name}_bucket{_braced({**labels, 'le': end})} {count}"
        yield f"{self.name}_sum{_braced(labels)} {total}"
        yield f"{self.name}_count{_braced(labels)} {sum(counts)}"


class Metrics:
    """The metrics of a server."""

    def __init__(self) -> None:
        self.requests = Counter("bptt_requests_total", "Requests by path and status.", "path", "status")
        self.received = Counter("bptt_request_bytes_total", "Bytes of the bodies of requests.")
        self.sent = Counter("bptt_response_bytes_total", "Bytes of the bodies of responses.")
        self.broken = Counter("bptt_broken_requests_total", "Requests whose client left before the answer.")
        self.asked = Counter("bptt_asked_total", "Requests that reached a model.", "model", "verb")
        self.heard = Counter("bptt_heard_seconds_total", "Seconds of sound heard while it arrived.")
        self.batches = Counter("bptt_batches_total", "Computations, each for any number of requests.")
        self.busy = Counter("bptt_busy_seconds_total", "Seconds in which models computed.")
        self.seconds = Histogram(
            "bptt_request_seconds", "Seconds until the response was sent.", SECONDS, "path"
        )
        self.together = Histogram("bptt_batch_requests", "Requests that were answered together.", REQUESTS)
        self.waiting = Gauge("bptt_waiting_requests", "Requests that wait for a model.")
        self.ready = Gauge("bptt_ready", "1 when all models are loaded and requests are accepted, else 0.")
        self.started = Gauge("bptt_start_time_seconds", "Unix time at which the server started.")
        self.build = Gauge("bptt_build_info", "The version of bptt.", "version")
        for each in (self.received, self.sent, self.broken, self.heard, self.batches, self.busy):
            each.add(0)
        self.started.set(round(time.time(), 3))
        self.build.set(1, __version__)

    def computed(self, requests: int, seconds: float) -> None:
        """Count one computation for a number of requests."""
        self.batches.add(1)
        self.busy.add(seconds)
        self.together.add(requests)

    def text(self) -> str:
        """Return all metrics in the text format."""
        found = (each for each in vars(self).values() if isinstance(each, _Series))
        return "".join(f"{line}\n" for each in found for line in each.lines())


class Measured:
    """An ASGI application around another, which measures requests. Paths other than `paths` are "other"."""

    def __init__(self, inner: Any, metrics: Metrics, paths: Sequence[str]) -> None:
        self._inner, self._metrics, self._paths = inner, metrics, frozenset(paths)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request by the inner application, and count it, its bytes and its seconds."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        metrics, begun, status = self._metrics, time.perf_counter(), 0
        path = scope["path"] if scope["path"] in self._paths else "other"

        async def received() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect" and not status:
                metrics.broken.add(1)
            metrics.received.add(len(message.get("body", b"")))
            return message

        async def sent(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            metrics.sent.add(len(message.get("body", b"")))
            await send(message)

        try:
            await self._inner(scope, received, sent)
        finally:
            metrics.seconds.add(time.perf_counter() - begun, path)
            # Starlette answers every exception; without a status nothing was sent.
            if status:
                metrics.requests.add(1, path, str(status))


def _braced(labels: dict[str, str]) -> str:
    """Return labels as the format writes them."""
    escaped = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
    written = ",".join(f'{name}="{value.translate(escaped)}"' for name, value in labels.items())
    return f"{{{written}}}" if written else ""
