"""Requests of strangers to a server: JSON with other values, other headers, paths and addresses."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from serve_app import JSON, ask, started
from sounds import riff

from bptt.serve.app import App
from soak.damage import PIECES, damage
from soak.target import Target
from soak.targets.runs import RUNS, changed

MODELS = ("lm-character", "lm-word", "classify-text", "classify-series", "tag", "translate")
LISTS = [{"id": "u", "input": ["the cat", "a cat"], "am_score": [-1, -2.5], "output": "the cat"}]
# Bodies of each verb, and the models that have it.
ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("predict", "classify-text", {"input": ["a dull film", "很好"]}),
    ("predict", "classify-series", {"input": "1 2 3"}),
    ("predict", "tag", {"input": "Ada went"}),
    ("predict", "translate", {"input": ["go home"]}),
    ("score", "lm-character", {"input": ["the cat", ""]}),
    ("choose", "lm-word", {"input": ["the cat", "the cats"]}),
    ("next", "lm-word", {"input": ["the"], "top": 3, "last": True}),
    ("states", "lm-character", {"input": ["the cat"], "start": "line"}),
    ("rescore", "lm-word", {"input": LISTS, "tune": LISTS, "best": 1}),
    ("inspect", "lm-character", {"input": "the cat", "limit": 4, "lags": 2}),
    (
        "sample",
        "lm-character",
        {
            "prompt": "the",
            "length": 4,
            "temperature": 0.8,
            "seed": 1,
            "number": 2,
            "keep": True,
            "stream": False,
        },
    ),
    (
        "completions",
        "lm-word",
        {
            "prompt": "the",
            "max_tokens": 3,
            "n": 2,
            "logprobs": 1,
            "stop": ["."],
            "echo": True,
            "stream": True,
        },
    ),
)
PATHS = (
    "/",
    "/info",
    "/health",
    "/openapi.json",
    "/metrics",
    "/v1/models",
    "/models/lm-word",
    "/v1/states/0-" + "a" * 32,
)


class Sent(NamedTuple):
    """A request."""

    path: str
    body: bytes
    headers: dict[str, str]
    method: str
    query: str


@cache
def app() -> App:
    """The application, with models that nobody trained for long."""
    limits = {"max_bytes": 100_000, "max_inputs": 8, "max_tokens": 8, "max_states": 8, "timeout": 20.0}
    return started(*(RUNS / name for name in MODELS), **limits)


def text(random: Random) -> str:
    """A piece that has broken readers, as a header or an address can hold it."""
    return re.sub("[^!-~]", "", random.choice(PIECES).decode("latin-1"))[:500]


def sent(random: Random) -> Sent:
    """A request with another value, damaged, or sent in another way."""
    verb, model, body = random.choice(ASKED)
    asked = json.loads(json.dumps({"model": model, **body}))
    chance = random.random()
    if chance < 0.5:
        asked = changed(asked, random)
    elif chance < 0.6:
        asked[random.choice(("input", "prompt", "state", "seed", "label", "probabilities", text(random)))] = (
            random.choice(("a" * 5000, "很" * 900, " " * 3000, "\u202e", 3, None, ["x"] * 9))
        )
    data = json.dumps(asked).encode()
    data = damage(data, random) if random.random() < 0.2 else data
    path, headers, method, query = f"/v1/{verb}", dict(JSON), "POST", ""
    if random.random() < 0.3:
        match random.randrange(5):
            case 0:
                path = random.choice((*PATHS, f"/v1/{random.choice(ASKED)[0]}", f"{path}/{text(random)}"))
                method = random.choice(("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT"))
            case 1:
                headers[random.choice(("content-type", "host", "origin", "content-length", "x-a"))] = text(
                    random
                )
            case 2:
                query = f"{random.choice(list(asked) or ['x'])}={text(random)}&%ff=%00&x"
            case 3:
                path = f"/v1/{random.choice(('upload', 'transcribe'))}"
                headers["content-type"] = random.choice(("audio/wav", "video/mp4", "audio/l16;rate=8000"))
                data = damage(riff(bytes(64), 8000, 1, 16), random)
            case _:
                data = random.choice(PIECES)
    return Sent(path, data, headers, method, query)


def meet(made: Sent, folder: Path) -> None:
    """Answer a request: with what was asked for, or with a problem that is the request's fault."""
    status, answer, headers = ask(
        app(), made.path, made.body, headers=made.headers, method=made.method, as_text=True, query=made.query
    )
    assert 200 <= status < 500, f"{status} {answer:.300}"
    if headers.get("content-type", "").endswith("json") and made.method != "HEAD":
        assert isinstance(json.loads(answer), dict)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", answer)


TARGETS = (Target("requests", sent, meet, cost=10),)
