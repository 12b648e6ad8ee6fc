"""`bptt.inspect`: a page and pictures of anybody's recurrent module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from language_models import make_task, trained
from torch import Tensor

import bptt
from bptt import nn
from bptt.errors import InputError, MachineError
from bptt.inspection import inspection_of
from bptt.jobs.language.exposure import expose_all
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.trained import TrainedLanguageModel
from bptt.nn.exposure import Exposure, Part
from bptt.nn.exposure import Sequence as Tokens
from bptt.probe import PROPERTIES, gradient_maps
from bptt.probe.look import look
from bptt.report import Inspection

STEPS, INPUTS, HIDDEN = 30, 3, 6
TEXT = '她说 "是的" and "no 1".' * 3


def squares(output: Tensor) -> Tensor:
    return output.square().sum(-1)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_module_of_torch_is_looked_into_as_it_is(tmp_path: Path, batch_first: bool) -> None:
    torch.manual_seed(0)
    module = torch.nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True, batch_first=batch_first, dropout=0.5)
    x = torch.randn(STEPS, INPUTS)
    before = {name: p.clone() for name, p in module.named_parameters()}
    page, figures = tmp_path / "new" / "page.html", tmp_path / "figures"
    found = bptt.inspect(
        module, x, squares, page, tokens=TEXT[:STEPS], lags=8, properties=PROPERTIES, figures=figures
    )
    assert page.stat().st_size > 10_000
    assert {"gradient_flow.svg", "map_layer_1_forward.png"} & {path.name for path in figures.iterdir()}
    names = ["layer 1 →", "layer 1 ←", "layer 2 →", "layer 2 ←"]
    assert [layer.name for layer in found.layers] == [each.layer for each in found.maps] == names
    assert {prop.name for prop, _ in found.rankings} >= {"quotes"}
    # The losses and the T x T picture are those of the module itself.
    time = int(batch_first)

    def outputs(rows: int) -> Tensor:
        x_ = x[:, None].expand(-1, rows, -1)
        return module(x_.transpose(0, time))[0].transpose(0, time)

    module.eval()
    torch.testing.assert_close(found.losses, squares(outputs(1))[:, 0].double().detach())
    maps = gradient_maps(
        module, lambda steps: squares(outputs(len(steps)))[list(steps), range(len(steps))], range(STEPS)
    )
    for each, other in zip(found.maps, maps, strict=True):
        torch.testing.assert_close(each.net, other.net, rtol=1e-4, atol=1e-7)
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, before[name]) and parameter.grad is None


def test_numbers_of_steps_do_not_run_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Inspection] = []
    monkeypatch.setattr("bptt.report.write_page", lambda inspection, *_: shown.append(inspection))
    bptt.inspect(nn.GRU(INPUTS, HIDDEN), torch.randn(12, INPUTS), squares, tmp_path / "page.html")
    assert "".join(shown[0].sequences[0].tokens) == "0 1 2 3 4 5 6 7 8 9 10 11 "


def test_the_last_step_of_an_example_without_text_is_shown(tmp_path: Path) -> None:
    gru = nn.GRU(INPUTS, HIDDEN)
    x = torch.randn(2, 4, 1, INPUTS)
    read = Tokens("series", tuple("1234"), ("",) * 4)
    examples = [
        Exposure(
            gru, (read,), (Part("", gru, 0, one),), 0, ("a",), lambda given, _: gru(given)[0][-1].sum(-1)
        )
        for one in x
    ]
    (shown,) = inspection_of(look(examples, 2), examples, "title").sequences
    assert shown.tokens == ("1 ", "2 ", "3 ", "4 \n", "1 ", "2 ", "3 ", "4 ")
    # The page shows the text of a step, and its token only if it has none.
    assert shown.texts == ("",) * 8


def test_what_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    x, lstm = torch.randn(STEPS, INPUTS), nn.LSTM(INPUTS, HIDDEN)
    with pytest.raises(InputError, match=r"one of torch\.nn's"):
        bptt.inspect(torch.nn.Linear(3, 3), x, squares, tmp_path / "page.html")
    with pytest.raises(InputError, match="tokens are as many as the steps"):
        bptt.inspect(lstm, x, squares, tmp_path / "page.html", tokens="ab")
    with pytest.raises(InputError, match="one loss for each step and row"):
        bptt.inspect(lstm, x, lambda output: output.sum(), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_written_is_the_machine_s_fault(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    x, gru = torch.randn(STEPS, INPUTS), nn.GRU(INPUTS, HIDDEN)
    for page, figures in ((taken / "page.html", None), (tmp_path / "page.html", taken)):
        with pytest.raises(MachineError, match="taken"):
            bptt.inspect(gru, x, squares, page, figures=figures)


def test_a_model_that_overflows_is_not_measured(tmp_path: Path) -> None:
    """Slopes at NaN are zero, so that its states would seem to stay close, and its units dead."""
    relu = torch.nn.RNN(1, 2, nonlinearity="relu")
    torch.nn.init.constant_(relu.weight_ih_l0, 1.0)
    torch.nn.init.eye_(relu.weight_hh_l0).data.mul_(8)
    with pytest.raises(InputError, match="layer 1 h: expected finite numbers"):
        bptt.inspect(relu, torch.ones(60, 1), squares, tmp_path / "page.html")


def test_losses_that_are_nan_are_named(tmp_path: Path) -> None:
    found = bptt.inspect(
        torch.nn.LSTM(INPUTS, HIDDEN),
        torch.randn(12, INPUTS),
        lambda output: squares(output) * float("nan"),
        tmp_path / "page.html",
    )
    (worst,) = [finding for finding in found.findings if finding.level == "bad"]
    assert worst.headline == "layer 1: the gradient is NaN" and "clip" not in worst.advice


def test_inference_mode_is_named_as_the_cause(tmp_path: Path) -> None:
    gru, x = nn.GRU(INPUTS, HIDDEN), torch.randn(12, INPUTS)
    with (
        torch.inference_mode(),
        pytest.raises(InputError, match=r"got torch.inference_mode\(\)"),
    ):
        bptt.inspect(gru, x, squares, tmp_path / "page.html")
    with torch.no_grad():
        bptt.inspect(gru, x, squares, tmp_path / "page.html")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"page": 3}, "page: is the name of a file or a folder, got 3"),
        ({"page": "a\0b"}, "page: is the name of a file or a folder"),
        ({"figures": 3}, "figures: is the name of a file or a folder, got 3"),
        ({"inputs": [1, 2]}, "inputs: is a tensor (T, I), got [1, 2]. Convert it: torch.as_tensor(inputs)"),
        ({"losses": 3}, "losses: is a function of outputs, got 3"),
        (
            {"losses": lambda outputs: 3},
            "inspect: losses gives one loss for each step and row, (T, R)",
        ),
        ({"tokens": 3}, "tokens: is a sequence of names, got 3"),
        ({"lags": "a"}, "lags: is a whole number of at least 1, got 'a'"),
        ({"most": 0}, "most: is a whole number of at least 1, got 0"),
    ],
)
def test_arguments_of_another_type_are_refused_by_name(
    changed: dict[str, Any], words: str, tmp_path: Path
) -> None:
    given = {
        "module": torch.nn.LSTM(3, 4),
        "inputs": torch.zeros(5, 3),
        "losses": lambda outputs: outputs.square().sum(2),
        "page": tmp_path / "page.html",
    }
    with pytest.raises(InputError) as error:
        bptt.inspect(**{**given, **changed})
    assert str(error.value).startswith(words)


def test_numbers_may_name_the_steps(tmp_path: Path) -> None:
    def losses(outputs: torch.Tensor) -> torch.Tensor:
        return outputs.square().sum(2)

    page, numbers = tmp_path / "page.html", [3, 1, 4, 1, 5]
    bptt.inspect(torch.nn.LSTM(3, 4), torch.zeros(5, 3), losses, page, tokens=numbers)  # type: ignore[arg-type]
    assert page.is_file()


def test_the_likeliest_answers_of_each_step_are_handed_to_the_page() -> None:
    lm = TrainedLanguageModel(*trained(make_task(data=DataOptions("sentences", 3), spread=3.0)))
    text = "the cat 7\nthe mat\n"
    exposures = expose_all(lm, text, 0, 100, 2)
    (sequence,) = inspection_of(look(exposures, 5), exposures, "two sentences").sequences
    steps = [step for line in text.splitlines() for step in lm.next_tokens(line)]
    assert sequence.expected is not None and sequence.losses is not None
    assert sequence.expected.predicted == "next"
    for step, answers, shares in zip(
        steps, sequence.expected.answers, sequence.expected.probabilities, strict=True
    ):
        assert answers == step.expected.answers
        assert shares == pytest.approx(step.expected.probabilities, abs=1e-12)
    targets = [target for line in text.splitlines() for target in (*line, "<eos>")]
    assert list(sequence.expected.targets) == targets
    own = torch.tensor(sequence.expected.target_probabilities, dtype=torch.float64)
    torch.testing.assert_close(own, torch.tensor(-sequence.losses).exp())
    every = lm.next_tokens(text.splitlines()[0], top=10**6)
    for step, rank, target in zip(every, sequence.expected.ranks, targets, strict=False):
        assert step.expected.answers[rank - 1] == target
