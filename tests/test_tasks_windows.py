"""Windows of a text for a probe: where they lie, and what is predicted behind them."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from language_models import make_task, trained

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.tasks.language.config import DataOptions
from bptt.tasks.language.model import Trained
from bptt.tasks.language.scoring import score_lines
from bptt.tasks.language.windows import cut_windows

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def make(mode: Literal["continuous", "sentences"]) -> Trained:
    text = (LETTERS + "\n") * 10
    return trained(make_task(text, cell="gru", data=DataOptions(mode, batch_size=1)))


def test_stretches_are_spread_from_the_first_token_to_the_last() -> None:
    model = make("continuous")
    windows = cut_windows(model, LETTERS, lags=3, count=4)
    assert windows.lags == 3
    texts = [model.vocabulary.decode(row.tolist()) for row in windows.inputs.t()]
    assert texts == ["abcdef", "ghijkl", "mnopqr", "tuvwxy"]
    assert model.vocabulary.decode(windows.targets.tolist()) == "gmsz"


@pytest.mark.parametrize("mode", ["continuous", "sentences"])
def test_a_short_text_is_looked_back_in_as_far_as_it_goes(mode: Literal["continuous", "sentences"]) -> None:
    windows = cut_windows(make(mode), "abc\n", lags=100, count=9)
    assert windows.inputs.shape == ((3 if mode == "continuous" else 4), 1)
    assert windows.lags == len(windows.inputs) - 1


def test_sentences_begin_with_nothing_and_the_longer_half_is_taken() -> None:
    model = make("sentences")
    windows = cut_windows(model, "a\nabcdef\n\nuvwxyz\nklmno\nb\n", lags=3, count=9)
    assert windows.inputs[0].tolist() == [NOTHING] * 3
    texts = [model.vocabulary.decode(row.tolist()) for row in windows.inputs[1:].t()]
    assert texts == ["abc", "uvw", "klm"]
    assert model.vocabulary.decode(windows.targets.tolist()) == "dxn"


def test_the_loss_is_that_of_scoring() -> None:
    model = make("sentences")
    windows = cut_windows(model, "abcdef\n", lags=6, count=1)
    output, _ = model.model.recurrent(windows.embed(model.model))
    (score,) = score_lines(model, ["abcdef"])
    # One softmax over 28 logits.
    close = pytest.approx(-score.log_probabilities[6], abs=28 * torch.finfo(torch.float64).eps)
    assert windows.loss(model.model, output[-1]).item() == close


@pytest.mark.parametrize(
    ("text", "lags", "count", "rule"),
    [("ab", 5, 5, "3 tokens at least"), ("abc", 0, 5, "lags"), ("abc", 5, 0, "windows")],
)
def test_what_cannot_be_cut_is_refused(text: str, lags: int, count: int, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        cut_windows(make("continuous"), text, lags, count)
