"""`POST /v1/upload`: a recording in the body is answered as `bptt predict` answers the file."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from jsonschema import Draft202012Validator
from made_speech import write_tones
from openapi_spec_validator import OpenAPIV31SpecValidator
from serve_app import ask, assert_close, send, started

from bptt.jobs.answer_schema import read_schema
from bptt.serve.app import App

WAV = {"host": "localhost:1", "content-type": "audio/wav"}


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    write_tones(folder, ["ab a", "b ab", "a b"] * 4)
    return folder


@pytest.fixture
def app(tones: Path, command: Command) -> Iterator[App]:
    run = tones / "run"
    if not run.exists():
        data = next(tones.glob("*.tsv"))
        tiny = "--hidden", "4", "--epochs", "1", "--batch-size", "4"
        assert command("train", "transcribe", data, "-o", run, *tiny).code == 0
    app = started(run, max_file_bytes=200_000)
    yield app
    app.worker.close()


def upload(app: App, data: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    sent = send(app, "/v1/upload", data, {**WAV, **headers}, method="POST", query=query)
    status, found, _ = asyncio.run(sent)
    return status, found


def test_a_recording_is_answered_as_by_the_command_line(
    app: App, tones: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = next(tones.rglob("*.wav"))
    for query, options in (("", ()), ("n_best=2", ("--n-best", "2"))):
        (line,) = command("predict", tones / "run", file, "--json", *options).out.splitlines()
        status, found = upload(app, file.read_bytes(), query)
        assert status == 200, found
        (record,) = found["answers"]
        about = {"name": None, "place": "body", "input": None}
        # A product of the server sums in an order of its own.
        assert_close(record, {**json.loads(line), **about})
        schema = {**read_schema(), "anyOf": [{"$ref": "#/$defs/predict.transcribe"}]}
        Draft202012Validator(schema).validate(record)
    # Nothing of a request stays.
    assert not list(tmp_path.iterdir())
    OpenAPIV31SpecValidator(ask(app, "/openapi.json")[1]).validate()


LIST = b"#EXTM3U\n/etc/passwd\n"


@pytest.mark.parametrize(
    ("data", "query", "kind", "status", "said"),
    [
        (LIST, "", "audio/wav", 422, "must begin as a .wav file does"),
        (b"path,text\n/etc/passwd,a\n", "", "text/csv", 415, "must be one of audio/wav"),
        (b"RIFF0000WAVEdamaged", "", "audio/wav", 422, "must be a WAV file"),
        (b"RIFF0000WAVE" + bytes(200_000), "", "audio/wav", 413, "at most 200,000 bytes"),
        (b"RIFF0000WAVE", "nbest=/tmp/x", "audio/wav", 422, "names a file"),
        (b"RIFF0000WAVE", "more=1", "audio/wav", 422, "more"),
        (b"RIFF0000WAVE", "beam=3&beam=4", "audio/wav", 422, "beam: must be in the address once"),
        (b"RIFF0000WAVE", "model=run&model=run", "audio/wav", 422, "model: must be in the address once"),
        (b"RIFF0000WAVE", "model=other", "audio/wav", 404, "must be one that answers upload"),
    ],
)
def test_what_is_refused(data: bytes, query: str, kind: str, status: int, said: str, app: App) -> None:
    found = upload(app, data, query, **{"content-type": kind})
    assert found[0] == status, found
    assert said in found[1]["detail"]
    assert "/tmp" not in found[1]["detail"] or "nbest" in query
