"""`bptt serve`: answers, limits and problems of the application, and the end of its process."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import uvicorn
from conftest import Command
from job_files import SMALL, write_file
from serve_app import JSON, answers, app, ask, folder, send, started
from uvicorn.server import ServerState

from bptt.serve import http_protocol
from bptt.serve.app import App
from bptt.serve.http_problem import HttpProblem
from bptt.serve.json_body import read_json
from bptt.serve.row_products import RowLinear
from bptt.serve.verbs import next as next_verb

# The fixtures of this module.
__all__ = ["app", "folder"]


def test_scores_and_next_tokens_are_those_of_the_command_line(
    app: App, folder: Path, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("the cat\nfull\n", encoding="utf-8")
    printed = [
        line.split("\t") for line in command("score", folder / "lm", tmp_path / "text").out.splitlines()
    ]
    found = answers(app, "score", input=["the cat", "full"])
    assert [(f"{each['log_probability']:.6f}", each["input"]) for each in found] == [
        (row[0], row[3]) for row in printed
    ]
    (steps,) = (each["steps"] for each in answers(app, "next", input="the", top=2, last=True))
    last = command("next", folder / "lm", "the", "--last", "--top", 2).out.splitlines()[1].split("\t")
    assert [f"{p:.6g}" for p in steps[0]["expected"]["probabilities"]] == [last[6], last[8]]
    info = ask(app, "/info")[1]["models"][0]
    assert info["name"] == "lm" and {"choose", "inspect", "next", "sample", "score"} <= {*info["verbs"]}
    assert "h = o * tanh(c)" in info["equations"]["lstm"]


def test_the_most_probable_sentence_is_first_as_the_command_line_has_it(
    app: App, folder: Path, command: Command
) -> None:
    sentences = ["full", "the cat", "x", "the cats were"]
    printed = command("choose", folder / "lm", *sentences).out.split("\n\n")[1].splitlines()[1:]
    rows = [(line.split("\t")[0], line.split("\t")[3]) for line in printed]
    found = answers(app, "choose", input=sentences)
    assert [(f"{each['behind']:.6f}", each["input"]) for each in found] == rows
    assert "needs two sentences" in ask(app, "/v1/choose", {"input": "x"})[1]["detail"]


def test_an_answer_is_that_of_predict_and_has_the_same_bits_amid_others(
    command: Command, tmp_path: Path
) -> None:
    run = tmp_path / "films"
    command("train", "classify", write_file("classify", tmp_path), "-o", run, *SMALL["classify"])
    app = started(f"one={run}")
    texts = [" ".join(["fine", "dull", "film"][n % 3 : 1 + n % 3] * (1 + n % 7)) for n in range(21)]
    alone = [answers(app, "predict", input=text) for text in texts]
    (line,) = command("predict", run, texts[8], "--json").out.splitlines()
    printed = json.loads(line)
    assert alone[8][0]["label"] == printed["label"] and alone[8][0].keys() == printed.keys()
    sizes = []

    class Held:
        """Keeps the worker busy until all requests wait."""

        def answer(self, asked: Any, items: Any) -> Any:
            while app.worker.waiting < len(texts):
                time.sleep(0.001)
            return [None]

    verb = app.models["one"].verbs["predict"]
    of_all = verb.answer
    verb.answer = lambda asked, items: (sizes.append(len(items)), of_all(asked, items))[1]  # type: ignore[method-assign]

    async def together() -> list[Any]:
        app.worker.submit(Held(), (), None)
        while app.worker.waiting:
            await asyncio.sleep(0)
        return await asyncio.gather(*(send(app, "/v1/predict", {"input": text}) for text in texts))

    assert [found["answers"] for _, found, _ in asyncio.run(together())] == alone
    assert sizes == [len(texts)]
    app.worker.close()


# Sizes at the edges of the blocks of a BLAS, where rows are computed differently by their place.
@pytest.mark.parametrize(("width", "outputs"), [(257, 33), (7, 11), (5, 4), (18, 6), (33, 2), (1, 1)])
def test_rows_of_a_product_do_not_depend_on_their_number(width: int, outputs: int) -> None:
    torch.manual_seed(0)
    layer, rows = RowLinear(width, outputs), torch.randn(21, width)
    with torch.no_grad():
        alone = torch.cat([layer(row[None]) for row in rows])
        assert all(torch.equal(layer(rows[a:b]), alone[a:b]) for a in range(21) for b in (a + 1, 21))
        expected = torch.nn.functional.linear(rows, layer.weight, layer.bias)
        sizes = rows.abs() @ layer.weight.abs().t() + layer.bias.abs()
    # Each of two sums in float32 is off by at most the number of its terms times 2^-24 of their sizes.
    assert ((alone - expected).abs() <= 2 * (width + 1) * 2**-24 * sizes).all()


@pytest.mark.parametrize(
    ("status", "said", "path", "body", "more"),
    [
        (400, "must be JSON", "/v1/score", b'{"input"', {}),
        (400, "NaN, which JSON does not have", "/v1/next", b'{"top": NaN}', {}),
        (400, "must be a JSON object, got an array", "/v1/score", b"[]", {}),
        (400, "'input' twice", "/v1/score", b'{"input": "a", "input": "b"}', {}),
        (400, "must be JSON in UTF-8", "/v1/score", '{"input": "a"}'.encode("utf-16"), {}),
        (404, "one that answers score, lm, got a str", "/v1/score", {"model": "x" * 200, "input": ""}, {}),
        (404, "that /v1/states gave, got a str", "/v1/score", {"state": "x" * 200, "input": ""}, {}),
        (404, "one that /openapi.json lists, got a str", "/" + "x" * 200, None, {}),
        (404, "one that answers score, lm, got 'other'", "/v1/score", {"model": "other", "input": ""}, {}),
        (404, "one that answers predict, none here", "/v1/predict", {"input": ""}, {}),
        (404, "got '/v2'", "/v2", None, {}),
        (405, "must be one of POST, got GET", "/v1/score", None, {}),
        (413, "at most 500 bytes", "/v1/score", {"input": "x" * 500}, {}),
        (415, "must be application/json", "/v1/score", b"{}", {"headers": {"host": "[::1]"}}),
        (422, "input: must be given", "/v1/score", {}, {}),
        (422, "must hold 1 to 4 texts, got 5", "/v1/score", {"input": ["x"] * 5}, {}),
        (422, "a list of texts, got an object", "/v1/score", {"input": {}}, {}),
        (422, "a list of texts, got null", "/v1/score", {"input": None}, {}),
        (422, "is true or false, got 1", "/v1/next", {"input": "x", "last": 1}, {}),
        (422, "Leave it out", "/v1/score", {"input": "x", "topp": 1}, {}),
        (422, "at least 1, got 0", "/v1/next", {"input": "x", "top": 0}, {}),
        (422, "must be valid Unicode", "/v1/score", b'{"input": "\\ud800"}', {}),
        (403, "must be an IP address", "/info", None, {"headers": {"host": "evil.org"}}),
        (403, "Origin: ", "/info", None, {"headers": {"host": "localhost", "origin": "http://evil.org"}}),
        (403, "Origin: ", "/info", None, {"headers": {"host": "localhost", "origin": "null"}}),
        (403, "another site", "/info", None, {"headers": {"host": "[::1]", "sec-fetch-site": "cross-site"}}),
    ],
)
def test_a_fault_is_a_problem_that_names_it(
    app: App, status: int, said: str, path: str, body: object, more: dict[str, Any]
) -> None:
    found, problem, headers = ask(app, path, body, **more)
    assert (found, problem["status"]) == (status, status) and said in problem["detail"]
    assert headers["content-type"] == "application/problem+json" and problem["title"]
    assert len(problem["detail"]) < 200
    assert answers(app, "score", input="the cat")


def test_a_byte_order_mark_is_ignored(app: App) -> None:
    """RFC 8259 lets readers do so."""
    marked = "\ufeff" + json.dumps({"input": "the cat"})
    assert ask(app, "/v1/score", marked.encode())[1]["answers"] == answers(app, "score", input="the cat")


def test_an_answer_has_no_more_steps_and_tokens_than_is_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = started(folder / "lm", max_tokens=50, max_states=2)
    monkeypatch.setattr(next_verb, "_NAMED", 3)
    for body, said in (
        ({"input": ["x" * 9, "y" * 48]}, "at most 50 steps in all, got 59. Ask for the `last` alone"),
        ({"input": "x" * 49, "top": 10**9}, "at most 150 tokens in all"),
        ({"input": "x" * 49, "top": 4}, "at most 150 tokens in all, got 4 at each of 50 steps"),
    ):
        status, found, _ = ask(app, "/v1/next", body)
        assert (status, said in found["detail"]) == (422, True), found
    assert len(answers(app, "next", input="x" * 49, top=3)[0]["steps"]) == 50
    # No state is given that was forgotten before its answer came.
    assert "must hold 1 to 2 texts" in ask(app, "/v1/states", {"input": ["x"] * 3})[1]["detail"]
    app.worker.close()


def test_the_last_step_of_a_long_text_is_that_of_all_steps(app: App) -> None:
    text = "the cat was full " * 2
    *_, last = answers(app, "next", input=text)[0]["steps"]
    assert answers(app, "next", input=text, last=True)[0]["steps"] == [last]
    assert len(answers(app, "next", input="x" * 400, last=True)[0]["steps"]) == 1


def test_brackets_beyond_any_depth_are_a_fault_of_the_request() -> None:
    with pytest.raises(HttpProblem, match="recursion"):
        read_json(b'{"a":' + b"[" * 100_000)


def test_an_origin_that_is_allowed_may_read(folder: Path) -> None:
    app = started(folder / "lm", allow_origin=("https://a.org",), allow_host=("me",))
    headers = {**JSON, "host": "me:8000", "origin": "https://a.org"}
    for method, status in (("OPTIONS", 204), ("GET", 200)):
        found, _, got = ask(app, "/health", headers=headers, method=method)
        assert (found, got["access-control-allow-origin"]) == (status, "https://a.org")
    assert "access-control-allow-origin" not in ask(app, "/health")[2]
    app.worker.close()


def test_a_body_that_stays_away_is_late(folder: Path) -> None:
    """What has begun to read it ends without a word, too."""
    app, faults = started(folder / "lm", timeout=0.05), list[Any]()

    async def late(more: bool) -> int:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
        unread = [{"type": "http.request", "body": b'{"in', "more_body": True}] if more else []
        found: list[Any] = []

        async def receive() -> Any:
            return unread.pop() if unread else await asyncio.Event().wait()

        async def collect(message: Any) -> None:
            found.append(message)

        headers = [(name.encode(), value.encode()) for name, value in JSON.items()]
        scope = {"type": "http", "method": "POST", "path": "/v1/score", "headers": headers}
        await app.asgi(scope, receive, collect)
        gc.collect()
        await asyncio.sleep(0)
        return found[0]["status"]

    assert [asyncio.run(late(more)) for more in (False, True)] == [408, 408]
    assert not faults
    app.worker.close()


def test_a_connection_without_a_request_ends(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "_HEAD", 0.4)
    config, state = uvicorn.Config(app.asgi, log_config=None, lifespan="off"), ServerState()
    whole = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"

    async def ask_slowly() -> list[bytes]:
        def protocol() -> http_protocol.ProblemProtocol:
            return http_protocol.ProblemProtocol(config, state, {})

        loop = asyncio.get_running_loop()
        async with await loop.create_server(protocol, "127.0.0.1", 0) as server:
            port, found = server.sockets[0].getsockname()[1], []
            for asked, rest in ((b"", b""), (b"", whole[:9]), (whole, whole[:9])):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(asked)
                if asked:
                    assert (await reader.readuntil(b"}")).endswith(b'{"status": "ready"}')
                writer.write(rest)
                found.append(await asyncio.wait_for(reader.read(), 4))
                writer.close()
        return found

    assert asyncio.run(ask_slowly()) == [b"", b"", b""]


def test_a_full_queue_and_a_late_answer_are_said(app: App) -> None:
    release = threading.Event()

    class Held:
        def answer(self, asked: Any, items: Any) -> Any:
            release.wait()
            return [None]

    async def fill() -> list[Any]:
        app.worker.submit(Held(), (), None)
        while app.worker.waiting:
            await asyncio.sleep(0)
        asked = [asyncio.ensure_future(send(app, "/v1/score", {"input": "x"})) for _ in range(5)]
        late = app.options.timeout
        object.__setattr__(app.options, "timeout", 0.05)
        while sum(each.done() for each in asked) < 5:
            await asyncio.sleep(0.01)
        object.__setattr__(app.options, "timeout", late)
        release.set()
        return [each.result() for each in asked]

    found = asyncio.run(fill())
    assert sorted(status for status, _, _ in found) == [429, 429, 504, 504, 504]
    assert all(headers["retry-after"] == "1" for status, _, headers in found if status == 429)
    assert answers(app, "score", input="x")


def test_a_run_without_a_verb_and_a_name_given_twice_are_refused(folder: Path, command: Command) -> None:
    ended = command("serve", folder / "lm", folder / "lm")
    assert ended.code == 2 and "must have a name of its own, got 'lm' again" in ended.err
    assert command("serve", folder, "--port", 0).code == 2
    for given in (f"={folder / 'lm'}", "lm="):
        ended = command("serve", given, "--port", 0)
        assert ended.code == 2 and "must be FOLDER or NAME=FOLDER" in ended.err


def test_a_name_with_a_slash_has_a_page(folder: Path) -> None:
    app = started(f"a/b c={folder / 'lm'}")
    assert ask(app, "/models/a/b c", method="GET", as_text=True)[0] == 200
    app.worker.close()


def test_pages_are_in_no_cache_and_in_no_frame(app: App) -> None:
    status, text, headers = ask(app, "/", method="GET", as_text=True)
    assert status == 200
    assert (headers["x-frame-options"], headers["cache-control"]) == ("DENY", "no-store")
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', text)
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert ask(app, "/", method="GET", headers={"host": "evil.example"})[0] == 403
    status, found, _ = ask(app, "/models/none", method="GET")
    assert status == 404
    assert found["detail"] == "model: must be one with a live page, lm, got 'none'"
