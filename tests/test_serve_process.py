"""`bptt serve` as a process: many clients at once, some of them broken, and a signal amid what it answers."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, Any

import pytest
from conftest import Command
from serve_app import JSON, app, ask, folder

from bptt.serve.app import App

# The fixtures of this module.
__all__ = ["app", "folder"]

CLIENTS, REQUESTS = 4, 80
BROKEN = b'POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20\r\n\r\n{"in\xffut": "the cat"}'
BAD_CHUNK = b"POST /v1/score HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    *(("score", {"input": "the cat was full " * n}) for n in range(1, 9)),
    *(("next", {"input": "the cat"[:n], "top": 3, "last": True}) for n in range(1, 7)),
    *(("sample", {"prompt": "the", "seed": n, "length": 7 * n}) for n in range(1, 9)),
    ("choose", {"input": ["the cats were full", "the cats was full"]}),
    ("predict", {"input": "no verb of this model"}),
]


@dataclass(frozen=True)
class Server:
    """A process, the port at which it answers, and what it says."""

    process: subprocess.Popen[str]
    port: int
    said: IO[str]

    def post(self, verb: str, body: dict[str, Any]) -> HTTPConnection:
        """Send a request; its answer is still to be read."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", f"/v1/{verb}", json.dumps(body), JSON)
        return connection


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    call = [sys.executable, "-m", "bptt", "serve", str(folder / "lm"), "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(call, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert line.startswith("serving lm at http://127.0.0.1:")
            yield Server(process, int(line.rpartition(":")[2]), process.stderr)
        finally:
            process.kill()


def refused(port: int, data: bytes) -> int:
    """The status of the problem that bytes are answered with, behind which the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        head, _, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return json.loads(body)["status"]


def test_a_process_answers_many_and_ends_when_all_have_their_answers(
    server: Server, app: App, folder: Path, command: Command
) -> None:
    taken = command("serve", folder / "lm", "--port", server.port)
    assert taken.code == 2 and "--port: must be free" in taken.err
    # What each gets from an application that has nothing else to answer.
    alone = [ask(app, f"/v1/{verb}", body)[:2] for verb, body in QUESTIONS]

    def client(seed: int) -> int:
        source, right = random.Random(seed), 0
        for _ in range(REQUESTS):
            if source.random() < 0.1:
                with socket.create_connection(("127.0.0.1", server.port)) as connection:
                    connection.sendall(BROKEN[: source.randrange(1, len(BROKEN) + 1)])
                right += 1
                continue
            number = source.randrange(len(QUESTIONS))
            response = server.post(*QUESTIONS[number]).getresponse()
            right += (response.status, json.loads(response.read())) == alone[number]
        return right

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert list(pool.map(client, range(CLIENTS))) == [REQUESTS] * CLIENTS
    for wrong in (b"\0\0", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000, BAD_CHUNK):
        assert refused(server.port, wrong) == 400
    stream = server.post("sample", {"length": 2000, "stream": True}).getresponse()
    accepted = [server.post("score", {"input": ["x" * 40] * 20}) for _ in range(20)]
    server.process.send_signal(signal.SIGTERM)
    assert [connection.getresponse().status for connection in accepted] == [200] * 20
    *_, last, done = [line for line in stream.read().decode().split("\n\n") if line]
    assert done == "data: [DONE]" and json.loads(last.removeprefix("data: "))["tokens"] == 2000
    assert server.process.wait(20) == 0 and server.said.read() == ""
