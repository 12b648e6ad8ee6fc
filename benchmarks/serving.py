"""`bptt serve`: seconds until it is ready, what a request costs beside its answer, samples side by side, and
hostile clients.

python benchmarks/serving.py RUN [REQUESTS]    # a run of `bptt train lm`; a tenth of the requests are broken
"""

from __future__ import annotations

import json
import platform
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from os import sysconf
from pathlib import Path
from statistics import median

import starlette
import torch
import uvicorn

from bptt.serve.options import ServeOptions
from bptt.serve.served import find_served
from bptt.serve.state_store import StateStore

CLIENTS = 8
SAMPLING = 32
LENGTH = 200
# Starts of the server, in turns with a process that imports torch.
ROUNDS = 5
TEXTS = [" ".join(["the", "cat", "sat", "on"] * n)[: 3 * n] for n in range(1, 30)]
HEADERS = {"content-type": "application/json"}


def in_turns(*calls: Callable[[], object], times: int = 1000) -> list[list[float]]:
    """The seconds of each call, one after the other in every round: all find the same caches and load."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(times):
        for call, taken in zip(calls, found, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return found


def memory(process: subprocess.Popen[str]) -> float:
    """The resident memory of a process, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def processor_seconds(process: int) -> float:
    """The processor time that a process has taken so far."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / sysconf("SC_CLK_TCK")


def post(connection: HTTPConnection, body: str, path: str = "/v1/score") -> tuple[int, bytes]:
    """Send a request; return the status and the body of the answer."""
    connection.request("POST", path, body, HEADERS)
    response = connection.getresponse()
    return response.status, response.read()


def exchange(connection: socket.socket, request: bytes) -> None:
    """Send a request and read its answer, without a library whose own time would count."""
    connection.sendall(request)
    received, wanted = b"", 1
    while len(received) < wanted:
        received += connection.recv(2**16)
        head, end, _ = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: ([0-9]+)", head)
        wanted = len(head + end) + int(length[1]) if end and length else len(received) + 1


def questions() -> list[tuple[str, str]]:
    """Requests to all verbs of a language model, of different sizes, whose answers are always the same."""
    found: list[tuple[str, object]] = [("score", {"input": text}) for text in TEXTS]
    found += [("next", {"input": text, "top": 3, "last": True}) for text in TEXTS]
    found += [("choose", {"input": [text, "the cat"]}) for text in TEXTS]
    drawn = [{"prompt": text, "seed": n, "temperature": 0.8} for n, text in enumerate(TEXTS)]
    found += [("sample", {**each, "length": 1 + n * n % 70}) for n, each in enumerate(drawn)]
    found += [("sample", {**each, "length": 20, "stream": True, "top_k": 5}) for each in drawn]
    found += [("completions", {**each, "max_tokens": 9, "logprobs": 1, "n": 2}) for each in drawn]
    found += [("states", {"input": text}) for text in TEXTS]
    found += [("rescore", {"input": [{"input": [text, "the cat"]}], "weight": 1}) for text in TEXTS]
    return [(f"/v1/{verb}", json.dumps(body)) for verb, body in found]


def lasting(answer: tuple[int, bytes]) -> tuple[int, str]:
    """Return an answer without what changes each time: handles, names and times."""
    status, body = answer
    text = re.sub(r'"(state|id)": "[^"]*"|"created": [0-9]+', "", body.decode())
    # Pieces of a stream are joined as the loop finds them: their text alone is always the same.
    pieces = re.findall(r'^data: .*"text": "((?:[^"\\]|\\.)*)"', text, re.MULTILINE)
    return status, "".join(pieces) + text[-20:] if text.startswith("data: ") else text


def sample(port: int, seed: int, times: int) -> None:
    """Draw samples, one after the other."""
    connection = HTTPConnection("127.0.0.1", port)
    for number in range(times):
        body = json.dumps({"length": LENGTH, "seed": 1000 * seed + number})
        assert post(connection, body, "/v1/sample")[0] == 200


def symbols_per_second(port: int, clients: int, times: int) -> float:
    """Return the tokens that are drawn in a second for a number of clients."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(partial(sample, port, times=times), range(clients)))
    return clients * times * LENGTH / (time.perf_counter() - begun)


def break_off(port: int, source: random.Random) -> None:
    """Send a request that is malformed, or not all of one, and go."""
    whole = b"POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    whole += b'content-length: 20\r\n\r\n{"input": "the cat"}'
    with socket.create_connection(("127.0.0.1", port)) as client:
        match source.randrange(3):
            case 0:
                client.sendall(whole[: source.randrange(len(whole))])
            case 1:
                client.sendall(source.randbytes(200))
            case _:
                client.sendall(whole.replace(b'"input"', b'"in\xffut"'))
                client.recv(1)


def client(port: int, seed: int, requests: int, expected: list[tuple[int, str]]) -> int:
    """Send requests, a tenth of them broken; return the number of wrong answers."""
    source, wrong, asked = random.Random(seed), 0, questions()
    connection = HTTPConnection("127.0.0.1", port)
    for number in range(requests):
        if number % 10 == 9:
            break_off(port, source)
            continue
        which = source.randrange(len(asked))
        path, body = asked[which]
        wrong += lasting(post(connection, body, path)) != expected[which]
    return wrong


def started(run: str) -> tuple[subprocess.Popen[str], int, float]:
    """Start a server; return it, its port and the seconds until it was ready."""
    start = time.perf_counter()
    call = [sys.executable, "-m", "bptt", "serve", run, "--port", "0", "--threads", "1"]
    process = subprocess.Popen(call, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    port = int(process.stderr.readline().rpartition(":")[2])
    return process, port, time.perf_counter() - start


def imports_torch() -> float:
    """The processor time of a process that imports torch."""
    code = "import torch, time; print(time.process_time())"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(found.stdout)


def main(run: str, requests: int) -> None:
    """Start a server for a run and print what was measured."""
    print(f"$ python {shlex.join(sys.argv)}")
    versions = f"torch {torch.__version__}, starlette {starlette.__version__}, uvicorn {uvicorn.__version__}"
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {versions}")
    readies, importing, busy = [], [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        importing.append(time.perf_counter() - start)
        process, port, ready = started(run)
        readies.append(ready)
        busy.append(processor_seconds(process.pid) - imports_torch())
        if len(readies) < ROUNDS:
            process.terminate()
            process.wait()
    behind = median(one - other for one, other in zip(readies, importing, strict=True))
    print(f"ready after {median(readies):.2f} s, {behind:.2f} s more than importing torch alone takes")
    print(f"processor time until then: {median(busy):.2f} s more than that of importing torch")

    torch.set_num_threads(1)
    (served,) = find_served([run]).values()
    options = ServeOptions(runs=(run,))
    served.load(options, StateStore(options.max_states, options.state_seconds))
    verb, body = served.verbs["score"], json.dumps({"input": "the cat"})
    lines = "POST /v1/score HTTP/1.1", "host: localhost", "content-type: application/json"
    head = "\r\n".join([*lines, f"content-length: {len(body)}"])
    request, bare = f"{head}\r\n\r\n{body}".encode(), socket.create_connection(("127.0.0.1", port))
    asked, item = verb.read({"input": "the cat"})
    inside, outside = in_turns(lambda: verb.answer(asked, [item]), lambda: exchange(bare, request))
    beside = [there - here for here, there in zip(inside, outside, strict=True)]
    for name, of in (("least", min), ("median", median)):
        print(f"{name}: answer {1e3 * of(inside):.3f} ms, by HTTP {1e3 * of(outside):.3f} ms")
    print(f"a request beside its answer: median {1e3 * median(beside):.3f} ms")

    one, several = (symbols_per_second(port, *each) for each in ((1, 20), (SAMPLING, 5)))
    ratio = f"{several / one:.1f} times as many"
    print(
        f"{LENGTH} tokens a sample: 1 client {one:,.0f} a second, {SAMPLING} clients {several:,.0f}, {ratio}"
    )

    # The server closes a connection that has been silent for some seconds.
    connection = HTTPConnection("127.0.0.1", port)
    expected = [lasting(post(connection, body, path)) for path, body in questions()]
    assert {status for status, _ in expected} == {200}
    each = requests // CLIENTS
    for share in (each // 5, each):
        before = memory(process)
        with ThreadPoolExecutor(CLIENTS) as pool:
            wrong = sum(pool.map(partial(client, port, requests=share, expected=expected), range(CLIENTS)))
        print(
            f"{share * CLIENTS:,} requests: {wrong} wrong, memory {before:.1f} to {memory(process):.1f} MiB"
        )
    assert process.stderr is not None
    process.send_signal(signal.SIGTERM)
    print(f"exit code {process.wait()}, {len(process.stderr.read())} characters on standard error")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
