"""`/metrics`: what Prometheus's own parser reads is what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serve_app import JSON, app, ask, folder, send

from bptt.serve.app import App
from bptt.serve.monitoring import Counter, Histogram

__all__ = ["app", "folder"]


def metrics_of(app: App) -> tuple[dict[str, str], dict[tuple[str, frozenset[tuple[str, str]]], float]]:
    """The kinds of all metrics by name, and every sample by name and labels."""
    status, text, headers = ask(app, "/metrics", method="GET", as_text=True)
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    families = list(text_string_to_metric_families(text))
    found: dict[Any, float] = {}
    for family in families:
        assert family.documentation
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return {family.name: family.type for family in families}, found


def value(samples: Mapping[Any, float], name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def test_requests_are_counted(app: App) -> None:
    kinds, before = metrics_of(app)
    assert kinds["bptt_request_seconds"] == kinds["bptt_batch_requests"] == "histogram"
    assert value(before, "bptt_ready") == 1
    body = {"input": ["the cat", "full"]}
    for _ in range(3):
        assert ask(app, "/v1/score", body)[0] == 200
    assert ask(app, "/v1/score", {"input": 1})[0] == 422
    assert ask(app, "/anything/at/all")[0] == 404
    assert ask(app, "/health", headers={**JSON, "host": "evil.example"})[0] == 403

    async def leave() -> None:
        with pytest.raises(ConnectionError):
            await send(app, "/v1/score", {}, leaves=True)

    asyncio.run(leave())
    kinds, after = metrics_of(app)
    assert sum(kind == "counter" for kind in kinds.values()) == 8

    def rise(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert rise("bptt_requests_total", path="/v1/score", status="200") == 3
    assert rise("bptt_requests_total", path="/v1/score", status="422") == 1
    assert rise("bptt_requests_total", path="other", status="404") == 1
    assert rise("bptt_requests_total", path="/health", status="403") == 1
    assert rise("bptt_asked_total", model="lm", verb="score") == 4
    assert rise("bptt_batches_total") == rise("bptt_batch_requests_count") == 3
    assert rise("bptt_batch_requests_bucket", le="1") == 3
    assert rise("bptt_broken_requests_total") == 1
    assert rise("bptt_request_seconds_count", path="/v1/score") == 5
    assert rise("bptt_request_bytes_total") >= 3 * len('{"input": ["the cat", "full"]}')
    assert 0 < rise("bptt_busy_seconds_total") <= rise("bptt_request_seconds_sum", path="/v1/score")


def test_buckets_hold_what_is_at_most_their_bound() -> None:
    found = Histogram("h", "About.", (1, 2), "a")
    for each in (0.5, 1, 1.5, 2, 3):
        found.add(each, 'x"\\\n')
    (family,) = text_string_to_metric_families("\n".join(found.lines()) + "\n")
    samples = {(each.name, each.labels.get("le")): each for each in family.samples}
    assert [samples["h_bucket", end].value for end in ("1", "2", "+Inf")] == [2, 4, 5]
    assert (samples["h_sum", None].value, samples["h_count", None].value) == (8, 5)
    assert {each.labels["a"] for each in family.samples} == {'x"\\\n'}
    counter = Counter("c_total", "About.")
    counter.add(0.25)
    counter.add(1)
    assert list(counter.lines())[-1] == "c_total 1.25"
