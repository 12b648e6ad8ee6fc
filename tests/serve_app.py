"""The application of `bptt serve` asked without a network, and an untrained language model for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from language_models import make_task

from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.serve.app import App
from bptt.serve.options import ServeOptions
from bptt.serve.served import find_served

JSON = {"host": "localhost:1", "content-type": "application/json"}


def save_model(folder: Path, **made: Any) -> None:
    """Write the run of a language model that nobody trained."""
    text = "the cat was full.\nthe cats were full.\n" * 20
    task = make_task(text, dtype=torch.float32, spread=3, **made)
    folder.mkdir()
    task.save(folder)
    write_weights(task.model, folder / WEIGHTS, task.metadata)


def started(*runs: object, **options: Any) -> App:
    app = App(find_served([*map(str, runs)]), ServeOptions(runs=("",), **options))
    app.worker.start()
    app.worker.loaded.result()
    return app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a language model `lm`, which nobody trained."""
    found = tmp_path_factory.mktemp("runs")
    save_model(found / "lm")
    return found


@pytest.fixture
def app(folder: Path) -> Iterator[App]:
    app = started(folder / "lm", max_bytes=500, max_waiting=3, max_inputs=4, timeout=5.0)
    yield app
    app.worker.close()


async def send(
    app: App,
    path: str,
    body: object = None,
    headers: Mapping[str, str] = JSON,
    method: str = "",
    as_text: bool = False,
    query: str = "",
    leaves: bool = False,
) -> tuple[int, Any, dict[str, str]]:
    """The status, the JSON (or the text, or the list of events) and the headers of the answer to a request.

    A client that `leaves` is gone before the answer: ConnectionError.
    """
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent: list[Any] = []
    unread = [data]

    async def receive() -> Any:
        if leaves:
            return {"type": "http.disconnect"}
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await asyncio.Event().wait()

    async def collect(message: Any) -> None:
        if leaves:
            raise ConnectionError
        sent.append(message)

    scope = {
        "type": "http",
        "method": method or ("GET" if body is None else "POST"),
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app.asgi(scope, receive, collect)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    text = b"".join(each.get("body", b"") for each in sent[1:])
    if as_text:
        return sent[0]["status"], text.decode(), found
    if found.get("content-type", "").startswith("text/event-stream"):
        return sent[0]["status"], events(text.decode()), found
    return sent[0]["status"], json.loads(text) if text else None, found


def events(text: str) -> list[Any]:
    """The data of server-sent events: JSON, or [DONE]; each ends with an empty line."""
    assert text.endswith("\n\n")
    lines = [each.partition("data: ")[2] for each in text.split("\n\n")[:-1] if not each.startswith(":")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def ask(app: App, path: str, body: object = None, **more: Any) -> tuple[int, Any, dict[str, str]]:
    return asyncio.run(send(app, path, body, **more))


def answers(app: App, verb: str, **body: Any) -> Any:
    status, found, _ = ask(app, f"/v1/{verb}", body)
    assert status == 200, found
    return found["answers"]


def assert_close(found: Any, wanted: Any) -> None:
    """Two values of JSON are equal, apart from the last digits of numbers."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for name in wanted:
            assert_close(found[name], wanted[name])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other)
    else:
        assert found == (pytest.approx(wanted, rel=1e-3) if isinstance(wanted, float) else wanted)
