"""A kind of input from outside: recognised, read when a batch needs it, learned, answered, looked into."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from distributions import Installed

SMALL = "--hidden 4 --layers 1 --no-bidirectional --epochs 4 --batch-size 4 --seed 3".split()


def write_recordings(folder: Path, count: int = 12) -> Path:
    """Low and high tones of different lengths, in a folder each."""
    for label, period in (("low", 40), ("high", 5)):
        (folder / label).mkdir(parents=True)
        for n in range(count):
            steps = range(4 * (6 + n % 5))
            samples = bytes(round(100 * math.sin(2 * math.pi * (i + n) / period)) % 256 for i in steps)
            (folder / label / f"{n}.s8").write_bytes(b"S8\n" + samples)
    return folder


@pytest.fixture
def samples(installed: Installed) -> Installed:
    """A place with the package that adds the kind."""
    return installed.add_source("samples-input", {"bptt.inputs": "samples = samples_input:SAMPLES"})


def test_recordings_are_learned_and_answered(samples: Installed, tmp_path: Path) -> None:
    data = write_recordings(tmp_path / "tones")
    trained = samples.bptt("train", "classify", data, "-o", tmp_path / "run", *SMALL)
    assert trained.returncode == 0, trained.stderr
    said = "read as s8-folders, for it holds 24 files that begin as s8 does"
    assert said in trained.stderr and "inputs: 6 to 10 frames each" in trained.stdout + trained.stderr
    one, run = data / "low" / "3.s8", tmp_path / "run"
    answer = samples.bptt("predict", run, one)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split("\t")[0] in ("low", "high") and answer.stdout.endswith("3.s8\n")
    scores = samples.bptt("evaluate", run, data)
    assert scores.returncode == 0 and "accuracy" in scores.stdout, scores.stderr
    page = samples.bptt("inspect", run, "--data", data, "-o", tmp_path / "page.html")
    assert page.returncode == 0 and (tmp_path / "page.html").exists(), page.stderr
    code = f"import bptt; print(bptt.load({str(run)!r}).predict([{str(one)!r}])[0].label)"
    python = samples.python(code)
    assert python.stdout.strip() == answer.stdout.split("\t")[0], python.stderr


TRAIN = """
import sys, json, torch
from pathlib import Path
from bptt.cells import load
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.jobs.classify.config import ClassifierConfig, SourceOptions
from bptt.jobs.classify.task import ClassifyTask
from bptt.jobs.supervised import ExampleOptions
from bptt.models.encoder import EncoderOptions
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

class Silent:
    def __init__(self, stop):
        self.stop = stop

    def on_step(self, progress):
        if progress.step == self.stop:
            raise OSError("nobody listens any more")

    def __getattr__(self, name):
        return lambda *_: None

def learn(run, workers, stop=0, resume=False):
    torch.manual_seed(1)
    config = ClassifierConfig(
        load("lstm"), SourceOptions("s8-folders"), EncoderOptions(4, 1), data=ExampleOptions(4, seed=2)
    )
    examples = read_examples(Path("tones"), "s8-folders", Columns())
    task = ClassifyTask(examples, None, config, workers=workers)
    train(task, TrainingOptions(epochs=3), Path(run), Silent(stop), resume=resume)
    weights = [parameter.tolist() for parameter in task.model.parameters()]
    return json.dumps([weights, task.evaluate()])
"""


def test_the_result_does_not_depend_on_workers_nor_on_a_break(samples: Installed, tmp_path: Path) -> None:
    write_recordings(tmp_path / "tones")
    code = TRAIN + (
        "whole = [learn(f'whole{workers}', workers) for workers in (0, 1, 3)]\n"
        "learn('broken', 3, stop=8)\n"
        "assert Path('broken/last').is_dir()\n"
        "print(whole[0] == whole[1] == whole[2], learn('broken', 1, resume=True) == whole[0])\n"
    )
    found = samples.python(code, cwd=tmp_path)
    assert found.stdout.split() == ["True", "True"], found.stdout + found.stderr


@pytest.mark.parametrize("part", ["low", "high"])
def test_a_damaged_recording_is_named(samples: Installed, tmp_path: Path, part: str) -> None:
    data = write_recordings(tmp_path / "tones")
    damaged = data / part / "7.s8"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    for workers in (0, 3):
        code = TRAIN + f"learn('run', {workers})"
        found = samples.python(code, cwd=tmp_path)
        assert f"tones/{part}/7.s8: must be S8 and whole frames, got" in found.stderr
    trained = samples.bptt("train", "classify", data, "-o", tmp_path / "run", *SMALL)
    assert trained.returncode == 2 and "7.s8: must be S8 and whole frames" in trained.stderr


def test_what_equal_recordings_are_is_their_content(samples: Installed, tmp_path: Path) -> None:
    data = write_recordings(tmp_path / "tones", 3)
    (data / "low" / "9.s8").write_bytes((data / "low" / "0.s8").read_bytes())
    code = (
        "from pathlib import Path; from bptt.data.readers.forms import read_examples\n"
        "from bptt.data.readers.grid import Columns; import json\n"
        "found = read_examples(Path('tones'), 's8-folders', Columns())\n"
        "print(json.dumps([len(found), len(set(found.keys))]))"
    )
    assert json.loads(samples.python(code, cwd=tmp_path).stdout) == [7, 6]


def test_a_kind_of_ours_cannot_be_replaced(installed: Installed, tmp_path: Path) -> None:
    module = "from bptt.models.kinds.text import KIND as TEXT"
    installed.add("other-text", module, {"bptt.inputs": "text = other_text:TEXT"})
    rows = "".join(f"{word} {n}\t{word}\n" for n in range(9) for word in ("good", "bad"))
    (tmp_path / "a.tsv").write_text(rows, "utf-8")
    command = "train", "classify", tmp_path / "a.tsv", "-o", tmp_path / "run", *SMALL
    trained = installed.bptt(*command)
    assert trained.returncode == 0, trained.stderr
    refused = installed.bptt(*command, "--overwrite", "--input", "no-form")
    assert refused.returncode == 2
    assert "text of other-text 1.0: a package cannot replace what bptt has" in refused.stderr
