"""`POST /v1/transcribe`: speech is written down as by the command line, whole or as it arrives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Command
from openapi_spec_validator import OpenAPIV31SpecValidator
from serve_app import JSON, ask, assert_close, events, send, started
from sounds import write_wav
from spoken_tones import RATE, spoken, train_on_tones
from test_jobs_answer_schema import validator

import bptt
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.serve.app import App
from bptt.serve.model_thread import Worker
from bptt.serve.sound_response import SoundAnswer

STREAM = "stream=true&longest=1"
LIMITS = {"max_file_bytes": 100_000, "max_streams": 2, "max_seconds": 8, "timeout": 5.0}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transcriber that writes nonsense, but much of it."""
    folder = train_on_tones(tmp_path_factory.mktemp("tones"), 8, epochs=1, hidden_size=8)
    trained = bptt.load(folder)
    torch.manual_seed(1)
    with torch.no_grad():
        trained.model.output.weight.normal_(0, 20)
        trained.model.output.bias.zero_()
    (folder / WEIGHTS).unlink()
    write_weights(trained.model, folder / WEIGHTS, {})
    return folder


@pytest.fixture
def app(run: Path) -> Iterator[App]:
    app = started(run, **LIMITS)
    yield app
    app.worker.close()


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = np.concatenate([spoken("ab c"), spoken("cab")])
    return write_wav(tmp_path_factory.mktemp("sound") / "a.wav", samples, RATE)


def bare(wav: Path) -> bytes:
    """The samples of a file, low byte first."""
    return wav.read_bytes()[44:]


def swapped(data: bytes) -> bytes:
    return np.frombuffer(data, "<i2").astype(">i2").tobytes()


async def stream(
    app: App,
    parts: AsyncIterator[bytes],
    kind: str = "audio/pcm",
    query: str = STREAM,
    sent: Callable[[Any], object] = lambda message: None,
) -> tuple[int, list[Any]]:
    """The status and the events, or the problem, of sound that arrives; after its end the client waits."""
    arriving, messages = aiter(parts), list[Any]()

    async def receive() -> Any:
        try:
            return {"type": "http.request", "body": await anext(arriving), "more_body": True}
        except ConnectionError:
            return {"type": "http.disconnect"}
        except StopAsyncIteration:
            if receive.ended:  # type: ignore[attr-defined]
                return await asyncio.Event().wait()
            receive.ended = True  # type: ignore[attr-defined]
            return {"type": "http.request"}

    receive.ended = False  # type: ignore[attr-defined]

    async def collect(message: Any) -> None:
        messages.append(message)
        sent(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/transcribe",
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost:1"), (b"content-type", kind.encode())],
    }
    await app.asgi(scope, receive, collect)
    text = b"".join(each.get("body", b"") for each in messages[1:]).decode()
    status = messages[0]["status"]
    return status, events(text) if status == 200 else [json.loads(text)]


async def cut(data: bytes, size: int) -> AsyncIterator[bytes]:
    for first in range(0, len(data), size):
        yield data[first : first + size]


def heard(app: App, data: bytes, size: int = 1600, kind: str = "audio/pcm", query: str = STREAM) -> list[Any]:
    status, found = asyncio.run(stream(app, cut(data, size), kind, query))
    assert status == 200, found
    assert not [each for each in app._going if isinstance(each, SoundAnswer) and each.is_open]
    assert found[-1] == "[DONE]"
    return found[:-1]


def whole(app: App, data: bytes, kind: str, query: str = "") -> tuple[int, Any]:
    headers = {"host": "localhost:1", "content-type": kind}
    return asyncio.run(send(app, "/v1/transcribe", data, headers, "POST", query=query))[:2]


def test_a_recording_is_answered_as_by_the_command_line_in_every_form(
    app: App, run: Path, wav: Path, command: Command
) -> None:
    data = bare(wav)
    stereo = np.repeat(np.frombuffer(data, "<i2"), 2).tobytes()
    for query, options in (("", ()), ("n_best=2", ("--n-best", "2"))):
        (line,) = command("predict", run, wav, "--json", *options).out.splitlines()
        answer = {**json.loads(line), "name": None, "place": "body", "input": None}
        # A product of the server sums in an order of its own.
        wanted = whole(app, wav.read_bytes(), "audio/wav", query)[1]["answers"]
        assert_close(wanted, [answer])
        for body, kind in (
            (data, "audio/pcm"),
            (data + b"\0", "audio/PCM ;rate=8000"),
            (stereo, 'audio/pcm; rate="8000"; channels=2'),
            # RFC 2586, RFC 3551: the high byte first.
            (swapped(data), "audio/L16; rate=8000"),
        ):
            status, found = whole(app, body, kind, query)
            assert (status, found) == (200, {"model": "run", "answers": wanted}), kind
    validator("predict.transcribe").validate(wanted[0])
    assert len(json.loads(line)["alternatives"][0]["text"]) > 5
    OpenAPIV31SpecValidator(ask(app, "/openapi.json")[1]).validate()


def test_sound_that_arrives_is_answered_as_by_the_command_line(
    app: App, run: Path, wav: Path, command: Command
) -> None:
    lines = command("predict", run, "--stream", wav, "--longest", "1").out.splitlines()
    wanted = [json.loads(line) for line in lines]
    assert len([each for each in wanted if "text" in each]) > 2 and len(wanted) > 10
    data, slow = bare(wav), swapped(bare(wav))
    assert heard(app, data) == heard(app, slow, kind="audio/L16;rate=8000") == wanted
    for each in wanted:
        validator("stream.transcribe").validate(each)
    # However it is cut, and whatever comes behind the samples of a WAV file.
    file = wav.read_bytes()
    for size in (2, 37, 10_000, len(file)):
        for body, kind in ((data, "audio/pcm"), (file + b"LIST" + bytes(9), "audio/wav")):
            assert heard(app, body, size, kind) == wanted, size
    said = ask(app, "/metrics", as_text=True)[1]
    seconds = float(said.split("\nbptt_heard_seconds_total ")[1].split("\n")[0])
    assert seconds == pytest.approx(10 * len(data) / 2 / RATE)


def answered() -> tuple[asyncio.Event, Callable[[Any], None]]:
    """An event, and what is called with the messages of a response: it sets the event at the first record."""
    found = asyncio.Event()
    return found, lambda message: found.set() if message.get("body") else None


def test_events_come_while_the_sound_is_sent(app: App, wav: Path) -> None:
    async def ask_and_answer() -> list[Any]:
        heard, sent = answered()
        return (
            await stream(
                app, paused(bare(wav)[:16_000], lambda: asyncio.wait_for(heard.wait(), 5)), sent=sent
            )
        )[1]

    assert asyncio.run(ask_and_answer())[-1] == "[DONE]"


def test_sounds_at_once_are_answered_as_each_alone(app: App, wav: Path) -> None:
    samples = np.frombuffer(bare(wav), "<i2")
    sounds = [samples.tobytes(), samples[::-1].tobytes()]
    alone = [heard(app, each) for each in sounds]

    async def together() -> list[Any]:
        asked = [stream(app, cut(each, 1600)) for each in sounds]
        files = [send(app, "/v1/transcribe", wav.read_bytes(), {**JSON, "content-type": "audio/wav"}, "POST")]
        return await asyncio.gather(*asked, *files)

    *found, (status, _, _) = asyncio.run(together())
    assert [each for _, each in found] == [[*each, "[DONE]"] for each in alone] and status == 200


@pytest.mark.parametrize(
    ("data", "kind", "query", "status", "said"),
    [
        (b"ab" * 99, "audio/L16", STREAM, 422, "must have a rate"),
        (b"ab" * 99, "audio/pcm; rate=0", STREAM, 422, "rate"),
        (b"ab" * 99, "audio/pcm; rate=1", STREAM, 422, "must have 2,000 to 768,000 samples a second, got 1."),
        (b"ab" * 99, "audio/pcm; rate=768001", "", 422, "must have 2,000 to 768,000 samples a second"),
        (b"ab" * 99, "audio/pcm; channels=65", STREAM, 422, "at most 64 channels, got 65"),
        (b"ab" * 99, "audio/pcm; channels=99999999999", "", 422, "at most 64 channels"),
        (b"ab" * 8 * 2001, "audio/pcm; rate=2000", "", 413, "at most 8 s of sound"),
        (b"ab" * 99, "audio/pcm; rate=8e3", STREAM, 422, "rate"),
        (b"ab" * 99, "audio/pcm; rate=8000", STREAM + "&rate=8000", 422, "got both"),
        (b"ab" * 99, "audio/pcm; endian=little", STREAM, 422, "rate and channels alone"),
        (b"ab" * 99, "audio/pcm", STREAM + "&channel=2", 422, "must have a channel 2"),
        (b"ab" * 99, "audio/pcm", STREAM + "&n_best=2", 422, "needs whole recordings"),
        (b"ab" * 99, "audio/pcm", "stream=1", 422, "is true or false"),
        (b"ab" * 99, "audio/pcm", STREAM + "&lm=/etc", 422, "names a file"),
        (b"ab" * 99, "audio/flac", STREAM, 415, "must be one of audio/wav, audio/x-wav, audio/l16"),
        (b"ab" * 99, "video/mp4", "", 415, "must be one of audio/wav"),
        (b"ab" * 99, "audio/wav", STREAM, 422, "must begin as a .wav file does"),
        (b"RIFF0000WAVE" * 9, "audio/pcm", "", 422, "must be samples without a header"),
        (b"RIFF0000WAVEdata", "audio/wav", STREAM, 422, "must be a WAV file"),
        (b"fLaC" * 9, "audio/pcm", STREAM, 422, "FLAC"),
        (b"", "audio/pcm", STREAM, 422, "must hold sound"),
    ],
)
def test_what_is_refused(data: bytes, kind: str, query: str, status: int, said: str, app: App) -> None:
    found = asyncio.run(stream(app, cut(data, 50), kind, query))
    assert (found[0], said in found[1][0]["detail"]) == (status, True), found


def test_a_wav_file_is_no_bare_samples(app: App, wav: Path) -> None:
    status, (found,) = asyncio.run(stream(app, cut(wav.read_bytes(), 50), "audio/pcm"))
    assert status == 422 and "a WAV file" in found["detail"]
    # A header without samples is a sound.
    heard(app, wav.read_bytes()[:44], kind="audio/wav")


async def paused(data: bytes, wait: Callable[[], Any]) -> AsyncIterator[bytes]:
    yield data
    await wait()
    yield data


def test_an_end_that_comes_too_soon(app: App, wav: Path) -> None:
    data = bare(wav)[:9600]

    async def end(how: Callable[[], Any]) -> tuple[int, list[Any]]:
        heard, sent = answered()

        async def wait() -> None:
            await heard.wait()
            await asyncio.sleep(how() or 0)

        return await stream(app, paused(data, wait), sent=sent)

    def gone() -> None:
        raise ConnectionError

    for how, status in ((gone, 400), (app.stop_going, 503), (lambda: 60, 408)):
        code, found = asyncio.run(end(how))
        assert (code, found[-1]["status"]) == (200, status), found
        assert "partial" in found[0] and found[-1]["error"]["message"] == found[-1]["detail"]
    code, found = asyncio.run(stream(app, cut(bytes(16 * RATE + 2000), 9000)))
    assert (code, found[-1]["status"]) == (200, 413) and "at most 8 s of sound" in found[-1]["detail"]


def test_no_more_sounds_than_there_is_room_for(app: App, wav: Path) -> None:
    data = bare(wav)

    async def several() -> Sequence[int]:
        begun = asyncio.Event()

        async def parts() -> AsyncIterator[bytes]:
            yield data
            await begun.wait()

        asked = [asyncio.ensure_future(stream(app, parts())) for _ in range(2)]
        await asyncio.sleep(0.1)
        found = [asyncio.ensure_future(stream_status(app, data)), *asked]
        status = await found[0]
        begun.set()
        return status, *[each[0] for each in await asyncio.gather(*asked)]

    assert asyncio.run(several()) == (429, 200, 200)
    assert heard(app, data)


async def stream_status(app: App, data: bytes) -> int:
    headers = {"host": "localhost:1", "content-type": "audio/pcm"}
    status, found, more = await send(app, "/v1/transcribe", data, headers, "POST", query=STREAM)
    assert "must be at most 2 at once" in found["detail"] and more["retry-after"] == "10"
    return status


def test_a_part_of_what_was_accepted_finds_room() -> None:
    worker = Worker(1, lambda: None)
    worker.submit(object(), (), 1)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="queue"):
        worker.submit(object(), (), 2)  # type: ignore[arg-type]
    worker.submit(object(), (), 3, accepted=True)  # type: ignore[arg-type]
    assert worker.waiting == 2
