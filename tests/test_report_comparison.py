"""A comparison read from its folder: what the table and the sentences say, and the picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bptt.errors import InputError
from bptt.report.comparison_figure import draw_comparison
from bptt.report.comparison_record import COMPARISON, read_comparison
from bptt.report.comparison_words import conclusions, table

SEEN = {
    "losses": 3,
    "curves": [
        {"layer": "layer 1", "quantity": "δ", "tenth": 2, "factor": 0.1, "median": [2.0, 0.5, 0.02]},
        {"layer": "layer 1", "quantity": "h", "tenth": None, "factor": 1.0, "median": [9.0, 9.0]},
        {"layer": "layer 2", "quantity": "δ", "tenth": 1, "factor": 0.1, "median": [4.0, 0.4, 0.004]},
    ],
}


def run(variant: str, name: str, failure: str = "") -> dict[str, object]:
    return {
        "variant": variant, "run": name, "seed": 0, "cell": "gru", "hidden_size": 7, "weights": 99,
        "clip_norm": 1.0, "start": SEEN, "end": None if failure else SEEN, "failure": failure,
    }  # fmt: skip


def folder(path: Path, baseline: float | None, *runs: tuple[dict[str, object], list[float]]) -> Path:
    """A comparison whose runs have these held-out losses, two updates and half a second for each."""
    for found, losses in runs:
        here = path / str(found["run"])
        here.mkdir()
        lines: list[dict[str, object]] = []
        for n, loss in enumerate(losses, 1):
            lines.append({"kind": "train", "step": 2 * n, "loss": 1.0, "gradient_norm": n, "seconds": n / 2})
            lines.append({"kind": "held-out", "step": 2 * n, "loss": loss, "seconds": n / 2})
        (here / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    whole = {"title": "三", "lag": 2, "baseline": baseline, "runs": [found for found, _ in runs]}
    (path / COMPARISON).write_text(json.dumps(whole), "utf-8")
    return path


def test_the_row_of_a_variant_with_two_seeds(tmp_path: Path) -> None:
    made = folder(tmp_path, 0.5, (run("a", "a"), [0.4, 0.1, 0.2]), (run("a", "a.seed-1"), [0.3]))
    head, row = table(read_comparison(made))
    assert dict(zip(head, row, strict=True)) == {
        "variant": "a",
        "cell": "gru",
        "units": "7",
        "weights": "99",
        # The mean of 0.1 and 0.3, and the root of (0.1² + 0.1²) / (2 - 1).
        "best held-out loss": "0.2000 ± 0.1414",
        # 1.5 s for 6 updates and 0.5 s for 2.
        "seconds": "1.0",
        "ms per update": "250.00",
        # Norms 1, 2, 3 and 1 against a limit of 1.
        "clipped": "33%",
        # Of the layers that which keeps more: 0.02 / 2.
        "before: left at lag 2": "1.0e-02",
        "a tenth at lag": "2",
        "after: left at lag 2": "1.0e-02",
        "then a tenth at lag": "2",
    }


def test_sentences_with_a_baseline(tmp_path: Path) -> None:
    made = folder(
        tmp_path, 0.5, (run("a", "a"), [0.49]), (run("b", "b"), [0.4]), (run("c", "c"), [0.01]),
        (run("d", "d", "step 3, epoch 1: the loss must be finite, got inf"), []),
    )  # fmt: skip
    a, b, c, d = conclusions(read_comparison(made))
    assert a.startswith("a: held-out loss 0.4900, no better than the 0.5000 of remembering nothing; gradient")
    assert "it has learned a part" in b and "it has learned it" in c
    assert a.endswith("gradient at lag 2 by that at lag 0: 1.0e-02 before training, 1.0e-02 after it")
    assert d.startswith("d: training failed at step 3, epoch 1: the loss must be finite, got inf; gradient")


def test_sentences_without_a_baseline(tmp_path: Path) -> None:
    made = folder(tmp_path, None, (run("a", "a"), [0.4]), (run("b", "b"), [0.25]))
    a, b = conclusions(read_comparison(made))
    assert "held-out loss 0.4000, 0.1500 above the smallest" in a
    assert "held-out loss 0.2500, the smallest" in b


@pytest.mark.parametrize("baseline", [0.5, None])
def test_the_picture_also_of_what_failed(tmp_path: Path, baseline: float | None) -> None:
    runs = [(run(f"変{n}", f"r{n}"), [0.4, 0.3]) for n in range(7)]
    made = folder(tmp_path, baseline, *runs, (run("d", "d", "NaN"), []))
    draw_comparison(read_comparison(made), tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("content", ["[]", "{}", '{"title": "x", "baseline": "y", "runs": []}', "{"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / COMPARISON).write_text(content)
    with pytest.raises(InputError, match=COMPARISON):
        read_comparison(tmp_path)
