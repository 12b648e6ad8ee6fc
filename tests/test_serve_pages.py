"""The page of a server in a headless Chromium: it asks its own server, and nothing else."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import uvicorn
from browser import DARK_PAPER, DESKTOP, PAPER
from conftest import Command
from job_files import SMALL, write_file
from language_models import make_task
from playwright.sync_api import Browser
from spoken_tones import train_on_tones
from test_serve import started

from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.serve.app import App


@pytest.fixture
def app(tmp_path: Path, command: Command) -> Iterator[App]:
    task = make_task("the cat was full.\nthe cats were full.\n" * 20, dtype=torch.float32, spread=3)
    (tmp_path / "lm").mkdir()
    task.save(tmp_path / "lm")
    write_weights(task.model, tmp_path / "lm" / WEIGHTS, task.metadata)
    data, run = write_file("classify", tmp_path), tmp_path / "films"
    assert command("train", "classify", data, "-o", run, *SMALL["classify"]).code == 0
    tones = train_on_tones(tmp_path / "tones", 8, epochs=1, hidden_size=4)
    app = started(tmp_path / "lm", run, f"tones={tones}")
    yield app
    app.worker.close()


@pytest.fixture
def address(app: App) -> Iterator[str]:
    """The address at which a server in a thread of this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app.asgi, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


def test_a_model_is_asked_and_its_live_page_opens(chromium: Browser, address: str, tmp_path: Path) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    for scheme, paper in (("light", PAPER), ("dark", DARK_PAPER)):
        context = chromium.new_context(viewport=DESKTOP, color_scheme=scheme)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}/")
        assert page.locator("h2").all_inner_texts() == ["lm", "films", "tones"]
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert tuple(map(int, re.findall(r"\d+", background))) == paper
        films, tones = page.locator("form").all()
        films.get_by_label("Input of films").fill("fine film")
        films.get_by_role("button", name="Ask").click()
        films.locator(".answer").filter(has_text="row").wait_for()
        found = json.loads(films.locator(".answer").inner_text())
        assert (found["input"], found["row"]) == ("fine film", 1)
        films.get_by_label("Input of films").fill("x" * 2_000_000)
        films.get_by_role("button", name="Ask").click()
        films.locator(".answer.problem").wait_for()
        assert "must have at most 1,048,576 bytes" in films.locator(".answer").inner_text()
        tones.get_by_label("File for tones").set_input_files(next(tmp_path.rglob("*.wav")))
        tones.get_by_role("button", name="Ask").click()
        tones.locator(".answer").filter(has_text="row").wait_for()
        assert json.loads(tones.locator(".answer").inner_text()).keys() >= {"text", "words"}
        tones.get_by_label("File for tones").set_input_files(next(tmp_path.rglob("*.txt")))
        tones.get_by_role("button", name="Ask").click()
        tones.locator(".answer.problem").filter(has_text="must end in one of wav").wait_for()
        context.close()
    page = chromium.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}/")
    page.get_by_role("link", name="live page").first.click()
    page.wait_for_selector("main section")
    assert page.url == f"{address}/models/lm"
    page.close()
    assert not wrong
    assert {each.removeprefix(address) for each in asked if not each.startswith("blob:")} == {
        "/",
        "/v1/predict",
        "/v1/upload?model=tones",
        "/models/lm",
    }
