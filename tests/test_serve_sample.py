"""Samples over HTTP: those of the command line, whatever is drawn beside them, whole or piece by piece."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from language_models import make_task, trained
from serve_app import JSON, answers, ask, save_model, send, started

from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions
from bptt.serve.app import App
from bptt.serve.sample_row import SampleRow, Wanted
from bptt.serve.shared_sampling import MOST_ROWS, SharedSampling
from bptt.serve.stop_texts import StopTexts

PROMPTS = ["the", "", "the cats were", "full.\nthe ", "x" * 1500]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("runs") / "lm"
    save_model(folder)
    found = started(folder, max_inputs=40, max_tokens=60_000, timeout=20.0)
    yield found
    found.worker.close()


def rest(text: str, printed: str) -> str:
    assert printed.startswith(text)
    return printed.removeprefix(text).removesuffix("\n")


def test_samples_are_those_of_the_command_line(app: App, command: Command) -> None:
    run = app.models["lm"].run
    for options in ({"temperature": 0.7, "seed": 3}, {"top_k": 3, "top_p": 0.9}, {"lines": 3, "stop": True}):
        given = [each for name, value in options.items() for each in _flags(name, value)]
        printed = command("sample", run, "--prompt", "the c", "--length", 40, *given).out
        (found,) = answers(app, "sample", prompt="the c", length=40, **options)
        assert found["text"] == rest("the c", printed)
        assert (found["row"], found["input"], found["unknown"]) == (1, "the c", 0)
        assert found["ended"] == ("length" if found["tokens"] == 40 else "end")
        as_json = command("sample", run, "--prompt", "the c", "--length", 40, *given, "--json").out
        assert json.loads(as_json) == found
    printed = command("sample", run, "-n", 3, "--length", 12).out
    drawn = answers(app, "sample", number=3, length=12)
    assert printed == "".join(f"--- {each['row']}\n{each['text']}\n" for each in drawn)
    as_json = command("sample", run, "-n", 3, "--length", 12, "--json").out
    assert [json.loads(line) for line in as_json.splitlines()] == drawn


def _flags(name: str, value: object) -> Sequence[object]:
    flag = "--" + name.replace("_", "-")
    return (flag,) if value is True else (flag, value)


def test_pieces_are_the_text_and_the_last_event_is_done(app: App) -> None:
    body = {"prompt": "the", "length": 50, "number": 2, "seed": 5}
    status, found, headers = ask(app, "/v1/sample", {**body, "stream": True})
    assert (status, found.pop()) == (200, "[DONE]")
    assert headers["content-type"] == "text/event-stream; charset=utf-8" and len(found) > 2
    for whole in answers(app, "sample", **body):
        own = [each for each in found if each["row"] == whole["row"]]
        assert "".join(each["text"] for each in own) == whole["text"]
        assert {**own[-1], "text": whole["text"]} == whole


def draw(drawing: SharedSampling, wanted: Wanted) -> Future[list[SampleRow]]:
    future: Future[list[SampleRow]] = Future()
    drawing.join(wanted, future)
    return future


@pytest.mark.parametrize("mode", ["continuous", "sentences"])
def test_a_row_has_the_same_bits_whatever_joins_and_leaves(mode: str) -> None:
    """Compares ln P of all tokens, not the drawn text alone, which would hide all but large differences."""
    task = make_task(data=DataOptions(batch_size=3, mode=mode), dtype=torch.float32, spread=3)
    source, drawing = random.Random(1), SharedSampling(trained(task))
    wanted = [
        Wanted(
            (source.choice(PROMPTS).replace("\n", " " if mode == "sentences" else "\n"),),
            SamplingOptions(
                temperature=source.choice([0.5, 1.0]),
                top_k=source.choice([0, 4]),
                top_p=source.choice([0.8, 1.0]),
                seed=number,
                length=source.randrange(1, 40),
            ),
            LineOptions(lines=9) if number % 9 == 0 and mode == "continuous" else LineOptions(),
            number=source.choice([1, 1, 3]),
            top=task.vocabulary.size,
        )
        for number in range(18)
    ]
    alone = []
    for each in wanted:
        future = draw(drawing, each)
        while drawing.step():
            pass
        alone.append([(row.sample, row.records) for row in future.result()])
    futures: list[Future[list[SampleRow]]] = []
    given_up = []
    sizes = set()
    while len(futures) < len(wanted) or drawing.room < MOST_ROWS:
        for each in wanted[len(futures) : len(futures) + source.choice([0, 0, 1, 5])]:
            futures.append(draw(drawing, each))
            given_up.append(draw(drawing, each))
        if given_up and source.random() < 0.2:
            given_up.pop().cancel()
        sizes.add(MOST_ROWS - drawing.room)
        drawing.step()
    assert len(sizes) > 10 and max(sizes) > 16, sizes
    assert [[(row.sample, row.records) for row in each.result()] for each in futures] == alone


def test_a_request_with_more_samples_than_rows_has_them_all() -> None:
    drawing = SharedSampling(trained(make_task(dtype=torch.float32)))
    future = draw(drawing, Wanted(("the",), SamplingOptions(length=3), number=MOST_ROWS + 5))
    while drawing.step():
        assert len(drawing._rows) <= MOST_ROWS
    assert [row.index for row in future.result()] == list(range(MOST_ROWS + 5))


def test_nothing_is_drawn_for_a_client_that_has_gone(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = app.models["lm"].verbs["sample"].drawing
    sent: list[Any] = []
    steps: list[bool] = []
    step = drawing.step
    monkeypatch.setattr(drawing, "step", lambda: steps.append(step()) or steps[-1])

    async def go(stream: bool) -> None:
        body = b'{"length": 50000, "stream": %s}' % str(stream).lower().encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            for message in messages:
                return message
            while drawing.room == MOST_ROWS:
                await asyncio.sleep(0.001)
            return {"type": "http.disconnect"}

        async def collect(message: Any) -> None:
            sent.append(message)

        headers = [(name.encode(), value.encode()) for name, value in JSON.items()]
        scope = {"type": "http", "method": "POST", "path": "/v1/sample", "query_string": b""}
        await app.asgi({**scope, "headers": headers}, receive, collect)

    for stream in (True, False):
        asyncio.run(go(stream))
        until = time.monotonic() + 5
        while drawing.room < MOST_ROWS:
            assert time.monotonic() < until
            time.sleep(0.001)
    assert len(steps) < 50_000


@pytest.mark.parametrize(
    ("status", "said", "body"),
    [
        (422, "temperature: ", {"temperature": -1}),
        (422, "top_p: is above 0", {"top_p": 0, "stream": True}),
        (422, "length: must be at most 60,000 tokens, got 60,001", {"length": 60_001}),
        (422, "number: must be at most 40 samples", {"number": 41}),
        (422, "run: must be left out", {"run": "x"}),
        (422, "weights: must be left out", {"weights": "int8"}),
        (422, "stream: is true or false", {"stream": 1}),
        (422, "prompt: must be UTF-8", b'{"prompt": "\\ud800", "stream": true}'),
        (422, "seedd: ", {"seedd": 1}),
        (422, "acrostic: must be characters that the model knows", {"acrostic": "猫", "stream": True}),
        (404, "state: must be a handle", {"state": "1-0"}),
    ],
)
def test_a_fault_is_a_problem_before_the_first_event(app: App, status: int, said: str, body: object) -> None:
    found, problem, headers = ask(app, "/v1/sample", body)
    assert (found, headers["content-type"]) == (status, "application/problem+json")
    assert said in problem["detail"]


def test_what_is_late_or_stopped_ends_with_a_problem(app: App) -> None:
    async def stop(**body: Any) -> Any:
        asked = asyncio.ensure_future(send(app, "/v1/sample", {"length": 50_000, **body}))
        while app.models["lm"].verbs["sample"].drawing.room == MOST_ROWS:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        app.stop_going()
        return await asked

    status, problem, _ = asyncio.run(stop())
    assert (status, problem["status"]) == (503, 503) and "server: ends" in problem["detail"]
    status, found, _ = asyncio.run(stop(stream=True))
    assert status == 200 and "text" in found[0]
    assert found[-1]["status"] == 503 and found[-1]["error"]["message"] == found[-1]["detail"]
    late = app.options.timeout
    object.__setattr__(app.options, "timeout", 0.05)
    try:
        assert ask(app, "/v1/sample", {"length": 50_000})[0] == 504
    finally:
        object.__setattr__(app.options, "timeout", late)


def test_requests_beyond_the_rows_and_the_queue_are_refused(app: App) -> None:
    async def flood() -> list[Any]:
        # The first two take all rows, the others wait, as many as the queue holds.
        body = {"length": 3000, "number": 40}
        count = MOST_ROWS // 40 + 2 + app.options.max_waiting
        asked = [asyncio.ensure_future(send(app, "/v1/sample", body)) for _ in range(count)]
        while not any(each.done() for each in asked):
            await asyncio.sleep(0.001)
        app.stop_going()
        return await asyncio.gather(*asked)

    found = asyncio.run(flood())
    refused = [headers for status, _, headers in found if status == 429]
    assert refused and all(headers["retry-after"] == "1" for headers in refused)
    assert answers(app, "sample", length=2)


def test_a_text_ends_before_the_first_stop_however_it_is_cut() -> None:
    source = random.Random(0)
    for _ in range(500):
        text = "".join(source.choice("ab") for _ in range(source.randrange(12)))
        stops = ["".join(source.choice("ab") for _ in range(source.randrange(1, 5))) for _ in range(2)]
        cuts = sorted(source.randrange(len(text) + 1) for _ in range(3))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        found, machine = "", StopTexts(stops)
        for place, piece in enumerate(pieces):
            found += machine.push(piece, place == len(pieces) - 1)
            if machine.found:
                break
        ends = [(n, stop) for n in range(1, len(text) + 1) for stop in stops if text[:n].endswith(stop)]
        expected = text
        if ends:
            end = ends[0][0]
            expected = text[: end - max(len(stop) for n, stop in ends if n == end)]
        assert (found, machine.found) == (expected, bool(ends))


def test_the_path_of_the_model_is_not_in_an_answer(app: App, tmp_path: Path) -> None:
    assert str(app.models["lm"].run) not in str(ask(app, "/v1/sample", {"length": 1}))
