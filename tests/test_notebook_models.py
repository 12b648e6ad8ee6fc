"""Trained models and their answers show themselves in notebooks: the numbers that Python returns, escaped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from job_files import data_of, write_file
from test_notebook import cells, texts

import bptt
from bptt.data.past.pasts import read_pasts
from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.language.answering import StateAnswer
from bptt.jobs.registry import find_job, job_names
from bptt.notebook import MOST, Answers


def trained(job: str, folder: Path, **options: Any) -> Any:
    small = {"hidden_size": 4, "epochs": 2, "progress": False, **options}
    if job == "transcribe":
        small["bidirectional"] = False
    return bptt.train(job, data_of(job, folder), folder / "run", **small)


@pytest.mark.parametrize("job", job_names())
def test_a_model_shows_its_sizes_equations_and_result(job: str, tmp_path: Path) -> None:
    model = trained(job, tmp_path)
    html = model._repr_html_()
    facts = dict(row for row in cells(html) if len(row) == 2)
    assert facts["job"] == model.task
    count = sum(parameter.numel() for parameter in model.model.parameters())
    assert facts["parameters"] == f"{count:,}"
    if "cell" in facts:
        lines = "\n".join(texts(html.replace("<br/>", "\n")))
        assert str(bptt.cells.get(facts["cell"])) in lines
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    held_out = {str(each["epoch"]): each for each in records if each["kind"] == "held-out"}
    head, (epoch, *values) = (row for row in cells(html) if len(row) > 2)
    assert head[0] == "held-out data, epoch"
    for name, value in zip(head[1:], values, strict=True):
        assert float(value.replace(",", "")) == pytest.approx(held_out[epoch][name], rel=1e-3)
    if find_job(job).criterion(model) == "loss":
        assert held_out[epoch]["loss"] == min(each["loss"] for each in held_out.values())
    (tmp_path / "run" / "metrics.jsonl").unlink()
    assert "held-out" not in model._repr_html_()


def test_a_classifier_shows_inputs_and_every_label(tmp_path: Path) -> None:
    model = trained("classify", tmp_path)
    found = model.predict(["<b>很好</b>", "x" * 100])
    assert found == list(found)
    head, first, second = cells(found._repr_html_())
    assert head == ["input", "label", "P"]
    assert first == ["<b>很好</b>", found[0].label, f"{found[0].probability:.3f}"]
    assert second[0].endswith("…") and len(second[0]) == 60
    (only,) = alone = model.predict(["fine"])
    rows = cells(alone._repr_html_())
    assert rows == [["label", "P", "answer"]] + [
        [name, f"{p:.3f}", "✓" * (name == only.label)]
        for p, name in sorted(zip(only.probabilities, model.labels, strict=True), reverse=True)
    ]
    scores = model.evaluate(model.read(write_file("classify", tmp_path), True))
    shown = cells(scores._repr_html_())
    assert float(shown[1][shown[0].index("accuracy")]) == pytest.approx(scores.metrics["accuracy"], rel=1e-5)
    assert [[int(n) for n in row[1:]] for row in shown[3:]] == [list(row) for row in scores.confusion]


def test_a_tagger_shows_words_with_tags(tmp_path: Path) -> None:
    model = trained("tag", tmp_path)
    # Sentences are answered by their lengths, and come back in the order in which they were given.
    sentences = [["Ada", "to", "北京"], ["<i>"], ["no", "Ada"]]
    found = model.predict(sentences)
    assert [list(each.words) for each in found] == sentences
    rows = cells(found[0]._repr_html_())
    assert rows[0] == ["word", "tag", "P"]
    assert [row[:2] for row in rows[1:]] == [
        list(pair) for pair in zip(sentences[0], found[0].tags, strict=True)
    ]
    assert cells(found._repr_html_())[2] == ["2", f"<i>/{found[1].tags[0]}"]


def test_a_language_model_shows_steps_and_scores(tmp_path: Path) -> None:
    model = trained("lm", tmp_path)
    steps = model.next_tokens("he ")
    assert steps == tuple(steps)
    head, *rows = cells(steps._repr_html_())
    assert head == ["step", "read", "next", "P", "rank", "likeliest"]
    assert [row[1] for row in rows] == ["<eos>", "h", "e", "␣"]
    assert rows[1][3] == f"{steps[1].expected.probability:.3f}"
    shown = cells(model.score(["the cat", "猫"])._repr_html_())
    assert [row[0] for row in shown] == ["input", "the cat", "猫"] and shown[2][-1] == "1"


def test_a_translator_shows_its_attention(tmp_path: Path) -> None:
    model = trained("translate", tmp_path, epochs=20, learning_rate=0.05)
    (found,) = model.predict(["go home 3"])
    rows = cells(found._repr_html_())
    assert rows[1] == [found.text, f"{found.log_probability:.3f}"]
    assert rows[2] == ["", *found.source]
    assert [[float(n) for n in row[1:]] for row in rows[3:]] == pytest.approx(
        found.attention.numpy(), abs=0.0051
    )


def test_numbers_and_forecasts_show_their_intervals(tmp_path: Path) -> None:
    model = trained("regress", tmp_path)
    found = model.predict([(1.0, 2.0), (3.0, 4.0)])
    head, first, _ = cells(found._repr_html_())
    assert head == ["", "yield", "yield, from", "yield, to"]
    wanted = found[0].values[0], found[0].low[0], found[0].high[0]
    assert [float(each) for each in first[1:]] == pytest.approx(wanted, rel=1e-3)
    (tmp_path / "forecast").mkdir()
    model = trained("forecast", tmp_path / "forecast")
    (ahead,) = model.predict(read_pasts(tmp_path / "forecast" / "sales.csv", model.config.series.past))
    rows = cells(ahead._repr_html_())
    assert rows[0] == ["", "sales", "sales, from", "sales, to"]
    assert [row[0] for row in rows[1:]] == list(ahead.times)
    assert float(rows[3][2]) == pytest.approx(ahead.low[2, 0], rel=1e-3)


def test_long_lists_are_cut_and_records_show_their_fields(tmp_path: Path) -> None:
    answer = StateAnswer(1, "<b>", 0, 3, "h")
    assert ["input", "<b>"] in cells(answer._repr_html_())
    report = EvaluationReport(
        {"loss": 0.5}, (ScoreTable(("a", "b"), (("<x>", 1),), "over", "under"),), ("n",)
    )
    assert cells(report._repr_html_()) == [["loss"], ["0.5"], ["a", "b"], ["<x>", "1"]]
    model = trained("lm", tmp_path)
    scores = Answers(model.score(["a"]) * (MOST + 5))
    html = scores._repr_html_()
    assert len(cells(html)) == MOST + 1 and texts(html)[-1] == "and 5 rows more"


def test_a_cell_shows_its_equations() -> None:
    cell = bptt.cells.get("gru")
    html = cell._repr_html_()
    assert str(cell) in "\n".join(texts(html.replace("<br/>", "\n")))
    assert dict(cells(html))["states"] == "h (output h)"
