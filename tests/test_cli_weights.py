"""`--weights` of predict, score and sample: other numbers, and a line on what they change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Command
from job_files import SMALL, write_file

import bptt


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier and a language model, in one folder."""
    folder = tmp_path_factory.mktemp("runs")
    for job in ("classify", "lm"):
        given = SMALL[job]
        options = {str(given[k]).lstrip("-"): given[k + 1] for k in range(0, len(given), 2)}
        whole = {name.replace("-", "_"): int(value) for name, value in options.items()}
        bptt.train(job, write_file(job, folder), folder / job, progress=False, **whole)
    return folder


@pytest.mark.parametrize("weights", ["bf16", "int8"])
def test_answers_are_compared_with_those_of_float32(runs: Path, command: Command, weights: str) -> None:
    given = ("predict", runs / "classify", "a text", "--json")
    exact, narrow = command(*given), command(*given, "--weights", weights)
    assert exact.code == narrow.code == 0
    found = re.search(
        rf"weights {weights}: (\d) of the first 1 answers are those of float32; .* up to (\S+)", narrow.err
    )
    assert found is not None and found[1] in "01"
    assert "weights" not in exact.err
    assert 0 < float(found[2]) < 0.05
    assert exact.out != narrow.out


@pytest.mark.parametrize("weights", ["bf16", "int8"])
def test_scores_are_followed_by_the_totals_of_float32(
    runs: Path, command: Command, weights: str, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text("a line\nanother line\n", encoding="utf-8")
    exact = command("score", runs / "lm", text)
    narrow = command("score", runs / "lm", text, "--weights", weights)
    assert exact.code == narrow.code == 0
    before, after = narrow.err.split(f"these are with weights in {weights}; in float32:\n")
    assert after == exact.err != before
    assert exact.out != narrow.out


def test_samples_are_followed_by_held_out_metrics(runs: Path, command: Command) -> None:
    drawn = command("sample", runs / "lm", "--length", "5", "--weights", "int8")
    assert drawn.code == 0
    found = re.search(r"weights in float32, and in int8: loss (\S+), ([^;]+); perplexity", drawn.err)
    assert found is not None
    exact, narrow = float(found[1]), float(found[2])
    assert abs(exact - narrow) < 0.01 * exact
    assert "held-out" not in command("sample", runs / "lm", "--length", "5").err
