"""What a user sees while a model trains."""

from __future__ import annotations

import sys

import pytest

from bptt.training import progress
from bptt.training.report import Evaluation, Progress


class Clock:
    """Goes on by `seconds` each time it is set forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


def train_a_while(reporter: progress.Reporter, clock: Clock) -> None:
    """A resumed run: step 10 of 30 is done; 2 seconds and 100 words a step."""
    reporter.on_start(10, 30, "words")
    for step in range(11, 21):
        clock.now += 2.0
        reporter.on_step(Progress(1, 3, step, 30, loss=5.0 if step < 16 else 3.0, units=100))
    reporter.on_evaluate(Evaluation(1, 3, 20, {"loss": 4.25}, "loss", best=True))
    reporter.on_message("so [bold]it is")
    reporter.on_end()


def test_lines_come_at_intervals_with_loss_speed_and_time_left(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    train_a_while(progress.LineReporter(), clock)
    assert capsys.readouterr() == (
        "",
        "epoch 1/3  step 15/30  loss 5.0000  50 words/s  30 s left\n"
        "epoch 1/3  step 20/30  loss 3.0000  50 words/s  20 s left\n"
        "epoch 1/3  held-out loss 4.2500 nats per word  (best so far)\n"
        "so [bold]it is\n",
    )


def test_what_decides_stands_beside_the_loss(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = progress.LineReporter()
    reporter.on_start(0, 30, "words")
    reporter.on_evaluate(Evaluation(1, 3, 20, {"loss": 4.25, "f1": 0.5, "x": 1}, "f1", best=False))
    assert capsys.readouterr().err == "epoch 1/3  held-out loss 4.2500 nats per word, f1 0.5000\n"


def test_a_terminal_shows_a_bar_and_keeps_the_lines(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for name, value in {"TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    reporter = progress.reporter()
    assert isinstance(reporter, progress.BarReporter)
    train_a_while(reporter, clock)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 1/3  held-out loss 4.2500 nats per word  (best so far)" in err
    assert "so [bold]it is" in err and "━" in err
    assert "loss 3.0000  50 words/s  20 s left" in err


def test_elsewhere_than_on_a_terminal_there_are_lines() -> None:
    assert type(progress.reporter()) is progress.LineReporter


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_durations(seconds: float, said: str) -> None:
    assert progress.duration(seconds) == said


@pytest.mark.parametrize(
    ("metrics", "criterion", "line"),
    [
        (
            {"loss": 0.5, "accuracy": 0.75, "macro_f1": 0.7},
            "loss",
            "loss 0.5000 nats per example, accuracy 0.7500",
        ),
        ({"loss": 0.5, "accuracy": 0.75}, "accuracy", "loss 0.5000 nats per example, accuracy 0.7500"),
        (
            {"loss": 0.5, "accuracy": 0.9, "f1": 0.2},
            "f1",
            "loss 0.5000 nats per example, accuracy 0.9000, f1 0.2000",
        ),
        ({"loss": 0.5, "perplexity": 2.0}, "loss", "loss 0.5000 nats per example"),
    ],
)
def test_accuracy_stands_beside_the_loss_where_it_is_measured(
    capsys: pytest.CaptureFixture[str], metrics: dict[str, float], criterion: str, line: str
) -> None:
    reporter = progress.LineReporter()
    reporter.on_start(0, 30, "examples")
    reporter.on_evaluate(Evaluation(1, 3, 20, metrics, criterion, best=True))
    assert capsys.readouterr().err == f"epoch 1/3  held-out {line}  (best so far)\n"
