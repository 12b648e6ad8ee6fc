"""`bptt export --to html`: one file that holds the model, and asks for nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from conftest import Command
from job_files import CONTENTS
from language_models import TEXT, make_task
from live_engine import opened
from test_exporting_jobs import untrained

import bptt
from bptt.errors import InputError
from bptt.runs.run_folder import HELD_OUT, WEIGHTS
from bptt.runs.weights import write_weights


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder, task = tmp_path / "lm", make_task(dtype=torch.float32)
    folder.mkdir()
    task.save(folder)
    write_weights(task.model, folder / WEIGHTS, task.metadata)
    return folder


def test_one_file_that_asks_for_nothing(command: Command, run: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    ended = command("export", run, "--to", "html", "-o", page)
    assert ended == type(ended)(0, f"{page}\t{page.stat().st_size:,} bytes\n", "")
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", text)
    assert "default-src 'none'" in text
    data = re.search(r'id="data">([^<]*)<', text)
    assert data is not None
    found = opened(data[1])
    assert found["title"] == "Language model: lm"
    assert found["example"] in TEXT
    assert len(found["layers"]) == 2
    again = command("export", run, "--to", "html", "-o", page)
    assert again.code == 2
    assert "must be the name of a new file" in again.err


def test_a_run_that_held_nothing_out(run: Path, tmp_path: Path) -> None:
    (run / HELD_OUT).write_bytes(b"")
    found = bptt.export(run, tmp_path / "page.html", to="html")
    assert found.files == (tmp_path / "page.html",)


def test_options_of_another_format(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no option of the format html"):
        bptt.export(run, tmp_path / "page.html", to="html", check=True)


def test_a_job_without_a_page(tmp_path: Path) -> None:
    run = untrained("translate", CONTENTS["translate"][1], tmp_path)
    with pytest.raises(InputError, match="no page runs such a model, got a translator"):
        bptt.export(run, tmp_path / "page.html", to="html")
