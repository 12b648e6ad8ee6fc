"""A job from a package beside this one: it puts punctuation back into plain text, by every door of a job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributions import Installed, refused, succeeded

JOB = {"bptt.jobs": "punctuate = punctuate_job:PUNCTUATE"}
SMALL = "--hidden 8 --embedding 8 --batch-size 4 --layers 1 --threads 1 --lr 0.02".split()
NAMES = ("ada", "bob", "eve", "joe", "kim", "lea", "max", "ned", "pia", "uma")
LINES = "".join(f"Hello {one}, how is {other}? Fine, says {one}.\n" for one in NAMES for other in NAMES)


@dataclass(frozen=True)
class Trained:
    """A run of the job, and where its package is installed."""

    place: Installed
    text: Path
    run: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A punctuator that was trained by the command line, with its own option."""
    folder = tmp_path_factory.mktemp("punctuate")
    place = Installed(folder / "site").add_source("punctuate-job", JOB)
    text, run = folder / "letters.txt", folder / "run"
    text.write_text(LINES, "utf-8")
    command = "train", "punctuate", text, "-o", run, "--epochs", 4, "--marks", ".,?"
    ended = place.bptt(*command, *SMALL)
    succeeded(ended)
    assert "held out: 10 sentences" in ended.stderr
    return Trained(place, text, run)


def test_the_run_says_what_it_is(trained: Trained) -> None:
    config = json.loads((trained.run / "config.json").read_text("utf-8"))
    assert (config["task"], config["title"], config["unit"]) == ("punctuate", "punctuator", "word")
    assert config["tags"]["marks"] == ".,?"


def test_it_answers_with_text(trained: Trained, tmp_path: Path) -> None:
    asked = "hello kim how is pia fine says kim"
    wanted = "hello kim, how is pia? fine, says kim."
    assert succeeded(trained.place.bptt("predict", trained.run, asked)) == f"{wanted}\n"
    (tmp_path / "a.txt").write_text(f"{asked}\n\n{asked}\n", "utf-8")
    found = succeeded(trained.place.bptt("predict", trained.run, tmp_path / "a.txt", "--json"))
    first, second = map(json.loads, found.splitlines())
    assert first["tags"] == ["-", ",", "-", "-", "?", ",", "-", "."]
    assert second["place"] == f"{tmp_path / 'a.txt'}:3"


def test_it_is_evaluated_inspected_and_derived(trained: Trained, tmp_path: Path) -> None:
    scores = succeeded(trained.place.bptt("evaluate", trained.run, trained.text))
    assert float(dict(line.split("\t") for line in scores.splitlines())["accuracy"]) > 0.95
    for source in (["--text", "hello kim how is pia"], ["--data", trained.text]):
        page = tmp_path / "page.html"
        said = succeeded(trained.place.bptt("inspect", trained.run, *source, "-o", page))
        assert "largest Lyapunov exponent" in said and page.exists()
        page.unlink()
    assert "∇W_f = Σₜ δnet_fₜ xₜᵀ" in succeeded(trained.place.bptt("derive", trained.run))
    numbers = trained.place.bptt("derive", trained.run, "--data", trained.text)
    assert "This step adds" in succeeded(numbers)


def test_its_option_is_in_the_help_and_in_a_recipe(trained: Trained, tmp_path: Path) -> None:
    assert "punctuate " in succeeded(trained.place.bptt("train", "--help"))
    shown = succeeded(trained.place.bptt("train", "punctuate", "--help"))
    assert "--marks <str>       Punctuation marks to put back.  [default: .,?!]" in shown
    recipe = tmp_path / "marks.toml"
    succeeded(trained.place.bptt("train", "punctuate", "--write-config", recipe, "--marks", ",;"))
    text = recipe.read_text("utf-8")
    assert 'marks = ",;"' in text and "Punctuation marks to put back." in text
    command = "train", "punctuate", trained.text, "-o", tmp_path / "run", "--config", recipe, "--epochs", 1
    succeeded(trained.place.bptt(*command, *SMALL))
    config = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))
    assert config["tags"]["marks"] == ",;"


def test_python_trains_the_same_numbers_and_loads_them(trained: Trained, tmp_path: Path) -> None:
    code = f"""
import bptt
options = dict(hidden_size=8, embedding_size=8, batch_size=4, num_layers=1, learning_rate=0.02, threads=1)
run = {str(tmp_path / "run")!r}
made = bptt.train("punctuate", {str(trained.text)!r}, run, marks=".,?", epochs=4, progress=False, **options)
there = bptt.load({str(trained.run)!r})
print(type(made).__name__, made.config.tags.marks)
print(*made.predict(["hello kim how is pia fine says kim".split()])[0].tags)
print(all(a.equal(b) for a, b in zip(made.model.parameters(), there.model.parameters(), strict=True)))
"""
    found = succeeded(trained.place.python(code)).splitlines()
    assert found == ["Punctuator .,?", "- , - - ? , - .", "True"]


def test_it_goes_on_and_another_begins_from_it(trained: Trained, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = "train", "punctuate", trained.text, "-o", run, "--init-from", trained.run, "--epochs", 1
    ended = trained.place.bptt(*first)
    succeeded(ended)
    assert "marks .,?" in ended.stderr
    ended = trained.place.bptt("train", "punctuate", trained.text, "-o", run, "--resume", "--epochs", 2)
    succeeded(ended)
    assert "goes on from step" in ended.stderr
    other = "train", "punctuate", trained.text, "-o", run, "--resume", "--epochs", 3, "--marks", "."
    assert "marks" in refused(trained.place.bptt(*other))


def test_elsewhere_the_run_names_what_is_missing(trained: Trained, tmp_path: Path) -> None:
    message = refused(Installed(tmp_path / "nowhere").bptt("evaluate", trained.run, trained.text))
    assert "got 'punctuate'" in message and "a package that is not installed here" in message
