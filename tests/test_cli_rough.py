"""Arguments that are no file, no folder or standard input, and damaged numbers: errors in plain words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command

from bptt.cells import Cell
from bptt.cells.catalogue import get
from bptt.errors import InputError
from bptt.files import check_folder
from bptt.options.sections import _name

SIZES = "--hidden", 4, "--embedding", 4, "--epochs", 1, "--batch-size", 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rough")
    (folder / "names").mkdir()
    for name in ("Irish", "Greek"):
        lines = "".join(f"{name} {n}\n" for n in range(8))
        (folder / "names" / f"{name}.txt").write_text(lines, encoding="utf-8")
    films = "".join(f"__label__{'pos' if n % 2 else 'neg'} film {n}\n" for n in range(12))
    (folder / "films.ft").write_text(films, encoding="utf-8")
    (folder / "text.txt").write_text("the cat saw a dog\n" * 60, encoding="utf-8")
    return folder


@pytest.fixture
def runs(data: Path, command: Command) -> Path:
    jobs = {"NAMES": ("classify", "names"), "FILMS": ("classify", "films.ft"), "LM": ("lm", "text.txt")}
    for name, (job, source) in jobs.items():
        if not (data / name).exists():
            ended = command("train", job, data / source, "-o", data / name, *SIZES)
            assert ended.code == 0, ended.err
    return data


def test_a_file_in_the_place_of_a_folder_of_classes_is_an_error_in_words(
    runs: Path, command: Command
) -> None:
    ended = command("evaluate", runs / "NAMES", runs / "names" / "Irish.txt")
    assert ended.code == 2 and "Errno" not in ended.err
    assert "Irish.txt: must be a folder, got a file" in ended.err


@pytest.mark.parametrize("figures", ["names/Irish.txt", "names/Irish.txt/deeper"])
def test_figures_that_are_no_folder_are_missed_before_the_work(
    figures: str, runs: Path, command: Command
) -> None:
    ended = command("evaluate", runs / "NAMES", runs / "names", "--figures", runs / figures)
    assert ended.code == 2 and ended.out == ""
    assert "must be a folder, or a free name, got a file" in ended.err


def test_a_folder_may_be_new_or_there_or_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    for name in ("there", "new/deeper", "link", "link/new"):
        check_folder(tmp_path / name)
    with pytest.raises(InputError, match="a symbolic link"):
        check_folder(tmp_path / "broken")


@pytest.mark.parametrize("verb", [("rescore", "LM", "-", "--weight", 1), ("evaluate", "FILMS", "-")])
def test_standard_input_that_is_not_read_is_said(
    verb: tuple[object, ...], runs: Path, command: Command
) -> None:
    name, run, *others = verb
    ended = command(name, runs / str(run), *others, stdin=b"text\n")
    assert ended.code == 2 and "standard input, which is not read here" in ended.err


def test_a_typed_text_of_fasttext_has_its_label_taken_off(runs: Path, command: Command) -> None:
    ended = command("predict", runs / "FILMS", "__label__pos good film")
    assert ended.out == command("predict", runs / "FILMS", "-", stdin=b"__label__pos good film\n").out
    assert ended.out.rstrip("\n").split("\t")[2] == "good film"


def test_another_level_than_that_of_the_run_is_named(runs: Path, command: Command) -> None:
    text = runs / "text.txt"
    given = "--init-from", runs / "LM", "--level", "word"
    ended = command("train", "lm", text, "-o", runs / "other", *SIZES, *given)
    assert ended.code == 2 and "got level word, not character" in ended.err
    assert "VocabularyOptions" not in ended.err


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("model", "hidden_size"), 10**9, "must describe the model of"),
        (("vocabulary", "level"), "letters", '"level" must be one of character, word'),
        (("cell", "constants"), {"k": [1]}, r"got \[1\] for a number"),
        (("cell", "constants"), [1], r"got \[1\] for an object"),
        (("cell", "equations"), "h = x", "got 'h = x' for a list of texts"),
    ],
)
def test_damaged_options_are_said_without_the_words_of_python(
    keys: tuple[str, str], value: object, said: str, runs: Path, command: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for path in (runs / "LM").iterdir():
        if path.is_file():
            (run / path.name).write_bytes(path.read_bytes())
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config[keys[0]][keys[1]] = value
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    ended = command("sample", run)
    assert ended.code == 2
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(ended.err)
    for innards in ("typing", "Error(", "Storage", "Literal", "Traceback"):
        assert innards not in ended.err


@pytest.mark.parametrize(
    ("hint", "expected"),
    [(int | None, "int or null"), (tuple[str, ...], "a list of str"), (float, "float")],
)
def test_types_are_named_as_the_file_spells_them(hint: object, expected: str) -> None:
    assert _name(hint) == expected


def test_numbers_of_a_cell_that_overflow_are_refused() -> None:
    data = get("lstm").to_dict()
    with pytest.raises(InputError, match="for a number"):
        Cell.from_dict({**data, "constants": {"k": 10**400}})


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_while_python_ends_is_no_traceback() -> None:
    script = (
        "import atexit, os, signal, sys\n"
        "from bptt.cli.main import main\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "sys.argv = ['bptt', 'cells']\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert ended.stderr == b"" and ended.returncode == -signal.SIGINT
