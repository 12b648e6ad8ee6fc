"""`bptt sample`, `score`, `evaluate` and `inspect` on a small model, which nobody trained."""

from __future__ import annotations

import json
import re
import shutil
from math import exp, log
from pathlib import Path

import pytest
import torch
from conftest import Command
from language_models import make_task

from bptt.errors import MachineError
from bptt.jobs.language.options import DataOptions
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights

TEXT = "the cat was full 是的.\nthe cats were full 是的.\n" * 20
RECORDS = [
    {"kind": "train", "step": 1, "loss": 3.0},
    {"kind": "held-out", "step": 1, "loss": 2.5},
]


@pytest.fixture(scope="module", params=["continuous", "sentences"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    options = DataOptions(request.param, batch_size=2, sequence_length=10)
    task = make_task(TEXT, data=options, dtype=torch.float32)
    task.save(folder)
    write_weights(task.model, folder / WEIGHTS, task.metadata)
    records = "".join(json.dumps(record) + "\n" for record in RECORDS)
    (folder / "metrics.jsonl").write_text(records, encoding="utf-8")
    return folder


def test_sample_continues_the_prompt_and_repeats_with_the_seed(run: Path, command: Command) -> None:
    arguments = "sample", run, "--prompt", "the 是", "--length", 12, "--seed", 3
    first, again = command(*arguments), command(*arguments)
    other = command(*arguments[:-1], 4)
    assert first.code == 0
    assert first.out.startswith("the 是")
    assert first.out == again.out != other.out


def test_many_samples_are_numbered_and_the_first_is_the_single_one(run: Path, command: Command) -> None:
    arguments = "sample", run, "--length", 9, "--top-k", 5, "--top-p", 0.9, "--no-unk", "--stop"
    single = command(*arguments).out
    many = command(*arguments, "-n", 3).out
    assert many.startswith(f"--- 1\n{single}--- 2\n")
    assert "--- 3\n" in many


def test_unknown_characters_of_the_prompt_are_counted(run: Path, command: Command) -> None:
    ended = command("sample", run, "--prompt", "thé", "--length", 1)
    assert ended.err == "prompt: 1 of its 3 characters are <unk>, the model does not know them\n"


def test_score_prints_a_line_for_each_line_and_the_sums(run: Path, command: Command) -> None:
    ended = command("score", run, "-", stdin="the cat\n是é\n".encode())
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[1:] for row in rows] == [["8", "0", "the cat"], ["3", "1", "是é"]]
    total = sum(float(row[0]) for row in rows)
    counts, logs, perplexities, words, context = ended.err.splitlines()
    assert counts == "2 lines, 11 tokens, 1 of them unknown"
    # Each row is rounded to six decimals, and so is the sum.
    assert float(logs.split()[4].rstrip(",")) == pytest.approx(total, abs=2e-6)
    assert logs.endswith(f", {-total / log(2) / 11:.4f} bits per character")
    assert perplexities.startswith(f"perplexity per token {exp(-total / 11):.4f}, ")
    # the, cat, 是é, and two line ends
    found, counted = words.removeprefix("perplexity per word ").split(", ", 1)
    assert float(found) == pytest.approx(exp(-total / 5), rel=1e-5)
    assert counted.startswith("over 3 words between white space and 2 line ends")
    sentences = json.loads((run / "config.json").read_text(encoding="utf-8"))["data"]["mode"] == "sentences"
    assert context.startswith("each line is read " + ("from a zero input" if sentences else "after <eos>"))


def test_token_scores_add_up_to_those_of_the_lines(run: Path, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("a cat\nfull\n", encoding="utf-8")
    lines = [float(row.split("\t")[0]) for row in command("score", run, file).out.splitlines()]
    rows = [row.split("\t") for row in command("score", run, file, "--tokens").out.splitlines()]
    assert "".join(row[1] for row in rows) == "a cat<eos>full<eos>"
    for number, total in enumerate(lines, 1):
        of_line = [float(row[2]) for row in rows if row[0] == str(number)]
        # Six decimals are printed.
        assert sum(of_line) == pytest.approx(total, abs=1e-6 * (len(of_line) + 1))


@pytest.mark.parametrize(("base", "divisor"), [("2", log(2)), ("10", log(10))])
def test_the_base_divides_the_logarithms(run: Path, command: Command, base: str, divisor: float) -> None:
    natural = command("score", run, "-", stdin=b"the cat\n").out
    other = command("score", run, "-", "--base", base, stdin=b"the cat\n").out
    assert float(other.split()[0]) == pytest.approx(float(natural.split()[0]) / divisor, abs=1e-6)


def test_the_most_probable_line_comes_first(run: Path, command: Command) -> None:
    text = b"the cat were full\nfull\nthe cat was full\n"
    plain = command("score", run, "-", stdin=text).out.splitlines()
    ranked = command("score", run, "-", "--sort", stdin=text).out.splitlines()
    assert ranked == sorted(plain, key=lambda row: -float(row.split("\t")[0]))
    assert ranked[0].endswith("\tfull")


def test_evaluate_reads_the_held_out_text_unless_told(run: Path, command: Command, tmp_path: Path) -> None:
    default = command("evaluate", run)
    given = command("evaluate", run, run / "held_out.txt")
    assert default.out == given.out
    metrics = dict(line.split("\t") for line in default.out.splitlines())
    assert float(metrics["perplexity"]) == pytest.approx(exp(float(metrics["loss"])))
    file = tmp_path / "other.txt"
    file.write_text("the cat\n", encoding="utf-8")
    assert "tokens\t8\n" in command("evaluate", run, file).out


def test_inspect_says_the_verdict_and_writes_a_page_and_pictures(
    run: Path, command: Command, tmp_path: Path
) -> None:
    pictures = tmp_path / "new" / "pictures"
    arguments = "--lags", 7, "--limit", 15, "--examples", 3, "--property", "[tT]he", "--figures", pictures
    ended = command("inspect", run, "-o", tmp_path / "new" / "page.html", *arguments)
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "gradients ...", "gates and states ...", "spectra ...", "attribution ...", "units ...",
    ]  # fmt: skip
    lines = ended.out.splitlines()
    curves = [line for line in lines if line.endswith(" lags")]
    assert [line.split(":")[0] for line in curves] == [
        f"layer {layer} {quantity}" for layer in (1, 2) for quantity in ("δ", "h", "c")
    ]
    assert sum(line.startswith("warning: layer 1: too few steps to judge") for line in lines) == 1
    assert lines[-2:] == [f"page: {tmp_path / 'new' / 'page.html'}", f"pictures: {pictures}"]
    page = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "</html>" in page
    names = {path.name for path in pictures.iterdir()}
    assert {"gradient_flow.png", "map_layer_2.svg", "saturation.png", "training.png"} <= names
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("verb", ["sample", "score", "evaluate", "inspect"])
def test_the_machine_is_made_ready_before_anything_else(
    command: Command, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def stop() -> None:
        raise MachineError("machine", "is asked first")

    monkeypatch.setattr("bptt.cli.machine.prepare", stop)
    ended = command(verb, "no-run", *(["-"] if verb == "score" else []))
    assert ended.err == "bptt: machine: is asked first\n"


@pytest.mark.parametrize("verb", ["sample", "score", "evaluate", "inspect"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("", "missing: the run folder must exist"),
        ("model.safetensors", "model.safetensors: must be a safetensors file"),
        ("config.json", "config.json: must be JSON"),
    ],
)
def test_a_missing_or_damaged_run_is_named(
    run: Path, command: Command, tmp_path: Path, verb: str, damage: str, message: str
) -> None:
    folder = tmp_path / "missing"
    if damage:
        shutil.copytree(run, folder)
        (folder / damage).write_bytes(b"damage")
    ended = command(verb, folder, *(["-"] if verb == "score" else []))
    assert ended.code == 2
    assert message in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "--length", 0], "length"),
        (["sample", "--temperature", -1], "temperature"),
        (["sample", "--seed", 99999999999999999999999], "seed: is a whole number below 2**63"),
        (["sample", "--top-p", 0], "--top-p"),
        (
            ["score", "the cat"],
            "the cat: must be a file, got no such file. Check the name; a text itself is piped in",
        ),
        (["score", "-"], "standard input: must hold text"),
        (["evaluate", "nowhere.txt"], "nowhere.txt: must be a file"),
        (["inspect", "--lags", 0], "lags"),
        (["inspect", "--data", "nowhere.txt"], "nowhere.txt: must be a file"),
        (["inspect", "--property", "("], "property"),
        (["inspect", "--text", "the cat", "--data", "x"], "takes --text or --data, not both"),
    ],
)
def test_bad_input_ends_with_2(run: Path, command: Command, arguments: list[object], message: str) -> None:
    verb, *rest = arguments
    ended = command(verb, run, *rest)
    assert ended.code == 2
    assert re.match(rf"bptt(: | {verb}: )", ended.err)
    assert message in ended.err
