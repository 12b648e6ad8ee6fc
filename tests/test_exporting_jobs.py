"""Each job exported to ONNX: its graphs beside its model, and the program's answers beside its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from job_files import CONTENTS, TUNES
from made_speech import frames_of, phrases, write_speech
from test_exporting_runs import ask, save

import bptt
from bptt.errors import InputError
from bptt.jobs.registry import find_job
from bptt.options.choices import Choices
from bptt.training.run_options import options_of

# The largest difference of outputs, which are below 10 here.
CLOSE = 5e-6
LETTERS = "".join(f">g{n} label={'ab'[n % 2]}\nACG{'ACGT'[n % 4] * (n + 1)}TTG\n" for n in range(20))
ROWS = "x,y,label\n" + "".join(f"{n},{n * n % 7},{'ab'[n % 2]}\n" for n in range(20))
NUMBERS = "text\tnumber\n" + "".join(f"word {n} it is\t{n}\n" for n in range(20))
SEASONS = "time,v\n" + "".join(f"{n},{(n * 7) % 11 + n / 9}\n" for n in range(120))


def untrained(job: str, text: str | Path, folder: Path, name: str = "data.tsv", **options: Any) -> Path:
    """The run of a model whose weights are as drawn, but larger, so that answers differ."""
    if isinstance(text, str):
        path = folder / name
        path.write_text(text, encoding="utf-8")
    else:
        path = text
    record = find_job(job)
    known = options_of(record.options)
    files = next(each.name for each in known.of("") if each.about.argument)
    small = {"hidden_size": 6, "num_layers": 1, "batch_size": 4, "threads": 1}
    given = {**small, **options, files: path, "output": folder / "run"}
    torch.manual_seed(0)
    task = record.begin(Choices.read(known, given), None)
    with torch.no_grad():
        for parameter in task.model.parameters():
            parameter *= 3
    return save(task, folder / "run")


def exported(run: Path) -> Path:
    """The folder of an export whose graphs give what the model gives."""
    found = bptt.export(run, run.parent / "out", check=True)
    assert found.measured["largest difference"] < CLOSE
    return run.parent / "out"


FILMS = CONTENTS["classify"][1]
CLASSIFIERS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "texts, n-grams, attention": (FILMS, {"pooling": "attention"}, ["a fine film", "", "dull's Film 7"]),
    "characters, both directions": (
        FILMS,
        {"level": "character", "pooling": "last", "bidirectional": True, "ngrams": False, "cell": "mgu"},
        ["a fine film", "x"],
    ),
    "several labels, feed-forward": (
        "text\tlabel\n" + "".join(f"sun {n}\twarm\nrain {n}\twarm;wet\n" for n in range(20)),
        {"multi_label": True, "pooling": "max", "feed_forward": (5,)},
        ["sun 3", "rain"],
    ),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier(name: str, tmp_path: Path) -> None:
    text, options, inputs = CLASSIFIERS[name]
    run = untrained("classify", text, tmp_path, **options)
    wanted = [f"{each.label}\t{each.probability:.4f}" for each in bptt.load(run).predict(inputs)]
    assert ask(exported(run), "predict", *inputs) == wanted


def test_classifiers_of_dna_and_of_rows(tmp_path: Path) -> None:
    (tmp_path / "dna").mkdir()
    run = untrained("classify", LETTERS, tmp_path / "dna", "genes.fasta", both_strands=True, pooling="mean")
    inputs = ["ACGTTG", "acgnry"]
    wanted = [f"{each.label}\t{each.probability:.4f}" for each in bptt.load(run).predict(inputs)]
    assert ask(exported(run), "predict", *inputs) == wanted
    (tmp_path / "rows").mkdir()
    run = untrained("classify", ROWS, tmp_path / "rows", "table.csv", feed_forward=(4,))
    (answer,) = bptt.load(run).predict([[3.0, 5.0]])
    assert ask(exported(run), "predict", "[3, 5]") == [f"{answer.label}\t{answer.probability:.4f}"]


@pytest.mark.parametrize("crf", [True, False])
def test_a_tagger(crf: bool, tmp_path: Path) -> None:
    """The best sequence of a CRF is found in the graph, for rows of several lengths, 0 among them."""
    run = untrained("tag", CONTENTS["tag"][1], tmp_path, "news.conll", crf=crf)
    out = exported(run)
    words = ["Ada", "went", "to", "北京", "Ünknown", "7"]
    (tags,) = bptt.load(run).predict([words])
    assert ask(out, "tag", " ".join(words)) == [f"{w}\t{t}" for w, t in zip(words, tags.tags, strict=True)]


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "general", "input_feeding": True, "cell": "gru"},
        {"attention": "additive"},
        {"attention": "none", "num_layers": 2},
    ],
    ids=lambda options: options["attention"],
)
def test_a_translator(options: dict[str, Any], tmp_path: Path) -> None:
    run = untrained("translate", CONTENTS["translate"][1], tmp_path, **options)
    out = exported(run)
    inputs = ["go home 3", "stay", "here go 4"]
    wanted = [each.text for each in bptt.load(run).predict(inputs)]
    assert ask(out, "predict", *inputs) == wanted


def test_numbers(tmp_path: Path) -> None:
    run = untrained("regress", NUMBERS, tmp_path, loss="quantile")
    (answer,) = bptt.load(run).predict(["word 3"])
    assert float(ask(exported(run), "predict", "word 3")[0]) == pytest.approx(answer.values[0], rel=1e-4)


def test_forecasts(tmp_path: Path) -> None:
    out = exported(untrained("forecast", SEASONS, tmp_path, "s.csv", horizon=3, season=7))
    settings = json.loads((out / "export.json").read_text())
    assert (settings["horizon"], settings["season"]) == (3, 7)


def test_speech(tmp_path: Path) -> None:
    data = write_speech(tmp_path / "speech.npz", phrases(8))
    run = untrained("transcribe", data, tmp_path, bidirectional=False, look_ahead=2)
    trained = bptt.load(run)
    frames = frames_of("ab cd", numpy.random.default_rng(3))
    (steps,) = trained.encode_inputs(trained.codec.take_examples([frames], ())).take([0])[0]
    numpy.save(tmp_path / "steps.npy", steps.numpy())
    (wanted,) = trained.predict([frames])
    assert ask(exported(run), "transcribe", str(tmp_path / "steps.npy")) == [wanted.text]


def test_music(tmp_path: Path) -> None:
    run = untrained("music", TUNES, tmp_path, "tunes.abc", embedding_size=3)
    out = exported(run)
    names = json.loads((out / "export.json").read_text())["names"]
    (line,) = ask(out, "sample", "--length", "6", "--temperature", "0")
    assert set(line.split()) <= set(names)


def test_what_has_no_graph_is_named(tmp_path: Path) -> None:
    run = untrained("music", TUNES, tmp_path, "tunes.abc", representation="frames")
    with pytest.raises(InputError, match="an exported model of music reads tokens, got frames"):
        bptt.export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
