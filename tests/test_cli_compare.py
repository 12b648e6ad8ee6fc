"""`bptt compare` end to end, as a user meets it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from conftest import Command
from safetensors.torch import load_file, save_file
from torch import Tensor

import bptt
from bptt.comparison.variants import plan_variants
from bptt.data.problems import copying
from bptt.errors import InputError
from bptt.jobs.problems.adding import AddingTask
from bptt.jobs.subject import Shared
from bptt.jobs.tag.compared import TaggedSubject
from bptt.jobs.task import Step
from bptt.models.options import WordOptions
from bptt.report.comparison_record import read_comparison
from bptt.training.watching import look_at

TINY = "--lag 8 --examples 60 --hidden 6 --epochs 2 --batch-size 10 --threads 1".split()
POEM = "春眠不覺曉。\n處處聞啼鳥。\n夜來風雨聲。\n花落知多少。\n"


def runs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def records(folder: Path) -> dict[str, bytes]:
    return {run: (folder / run / "metrics.jsonl").read_bytes() for run in runs(folder)}


def test_adding_from_command_to_picture(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = command("compare", "adding", "--cells", "rnn,gru", "--remedies", "orthogonal", "-o", out, *TINY)
    assert ended.code == 0
    assert runs(out) == ["gru", "gru+orthogonal", "rnn", "rnn+orthogonal"]
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    head, *rows = (line.split("\t") for line in ended.out.split("\n\n")[0].splitlines())
    assert [row[0] for row in rows] == ["rnn", "gru", "rnn+orthogonal", "gru+orthogonal"]
    assert all(len(row) == len(head) for row in rows)
    # rnn: 2·6 + 6² + 6 and 6 + 1; the GRU has no more than 54 recurrent weights, 3 (2·3 + 3² + 3).
    assert [row[2:4] for row in rows[:2]] == [["6", "61"], ["3", "58"]]
    assert "rnn: held-out loss" in ended.out and "of remembering nothing" in ended.out


def test_the_numbers_are_those_of_the_runs(command: Command, tmp_path: Path) -> None:
    command("compare", "adding", "--cells", "gru", "-o", tmp_path, *TINY)
    (variant,) = read_comparison(tmp_path).variants
    (run,) = variant.runs
    lines = [json.loads(line) for line in (tmp_path / "gru" / "metrics.jsonl").read_text().splitlines()]
    assert run.best == min(line["loss"] for line in lines if line["kind"] == "held-out")
    assert (run.updates, run.seconds) == (12, lines[-1]["seconds"])
    assert variant.milliseconds == pytest.approx(1e3 * run.seconds / 12)
    assert run.start is not None and run.end is not None
    assert run.start.last == 7 and run.start.median != run.end.median
    assert run.start.left == run.start.median[7] / run.start.median[0]


def test_the_same_command_again_trains_nothing(command: Command, tmp_path: Path) -> None:
    arguments = ("compare", "copy", "--cells", "rnn,lstm", "-o", tmp_path, *TINY)
    first = command(*arguments)
    before = records(tmp_path)
    second = command(*arguments)
    assert (first.code, second.code) == (0, 0)
    assert records(tmp_path) == before and second.out == first.out
    assert "held-out" not in second.err


def test_a_folder_goes_on_with_the_data_it_began_with(command: Command, tmp_path: Path) -> None:
    poem, out = tmp_path / "poem.txt", tmp_path / "out"
    poem.write_text(POEM * 20, "utf-8")
    begun = ("--cells", "rnn", "--hidden", 4, "--epochs", 1, "-o")
    assert command("compare", poem, *begun, out).code == 0
    before = records(out)
    poem.write_text(POEM[::-1] * 20, "utf-8")
    for what in ((poem,), ("adding", "--lag", 4, "--examples", 20)):
        ended = command("compare", *what, *begun, out)
        assert (ended.code, ended.out) == (2, "")
        assert f"{out}/data.json: must be resumed with the same data and number of examples" in ended.err
    assert records(out) == before


def test_the_folder_of_a_run_is_left_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    ended = command("compare", "adding", "-o", tmp_path, *TINY)
    assert ended.code == 2 and "must not be in the folder of a comparison, got a run" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_the_gradient_after_training_is_that_of_the_best_weights(command: Command, tmp_path: Path) -> None:
    arguments = ("compare", "adding", "--cells", "gru", "-o", tmp_path, *TINY)
    command(*arguments)
    before = read_comparison(tmp_path).variants[0].runs[0]
    best = tmp_path / "gru" / "model.safetensors"
    weights = load_file(best)
    save_file({name: w * 2 if name.endswith("R_l0") else w for name, w in weights.items()}, best)
    command(*arguments)
    after = read_comparison(tmp_path).variants[0].runs[0]
    assert after.start == before.start and after.end != before.end


def test_a_look_leaves_the_weights_and_chance_alone() -> None:
    task = TaggedSubject(
        "x", copying(6, 2, 40, 0), None, WordOptions(token_dropout=0.5), 5, Shared(batch_size=8)
    ).task(plan_variants(["lstm"], [])[0], 4)
    torch.manual_seed(1)
    state, weights = torch.get_rng_state(), [p.detach().clone() for p in task.model.parameters()]
    seen = look_at(task, 5)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, task.model.parameters(), weights))
    assert all(p.grad is None for p in task.model.parameters())
    assert [(c.quantity, len(c.median)) for c in seen.curves] == [("δ", 6), ("h", 5), ("c", 5)]


def test_more_seeds_train_only_what_is_new(command: Command, tmp_path: Path) -> None:
    command("compare", "copy", "--cells", "gru", "-o", tmp_path, *TINY)
    before = records(tmp_path)
    ended = command("compare", "copy", "--cells", "gru", "--seeds", "3", "-o", tmp_path, *TINY)
    after = records(tmp_path)
    assert list(after) == ["gru", "gru.seed-1", "gru.seed-2"]
    assert after["gru"] == before["gru"] != after["gru.seed-1"] != after["gru.seed-2"]
    assert " ± " in ended.out


def test_ctrl_c_saves_and_the_same_command_goes_on(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("compare", "adding", "--cells", "rnn,gru", "-o", tmp_path / "out", *TINY)
    whole = command("compare", "adding", "--cells", "rnn,gru", "-o", tmp_path / "whole", *TINY)
    step, calls = AddingTask.step, []

    def interrupted(self: AddingTask, epoch: int, index: int, carry: tuple[object, ...]) -> Step:
        calls.append(index)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, epoch, index, carry)  # type: ignore[arg-type]

    monkeypatch.setattr(AddingTask, "step", interrupted)
    ended = command(*arguments)
    assert ended.code == 130 and "repeat the command to continue" in ended.out
    monkeypatch.undo()
    assert command(*arguments).code == 0
    losses = [
        [run.held_out for variant in read_comparison(tmp_path / name).variants for run in variant.runs]
        for name in ("out", "whole")
    ]
    assert whole.code == 0 and losses[0] == losses[1]


def test_training_that_diverges_is_a_result(command: Command, tmp_path: Path) -> None:
    ended = command(
        "compare", "adding", "--cells", "rnn,gru", "--remedies", "relu", "--lr", "1e6", "-o", tmp_path, *TINY
    )
    assert ended.code == 0
    assert "rnn+relu: training failed at step" in ended.out


def test_a_text_with_unclipped_and_longer_variants(command: Command, tmp_path: Path) -> None:
    text = tmp_path / "poem.txt"
    text.write_text(POEM * 60, encoding="utf-8")
    ended = command(
        "compare", text, "--cells", "rnn", "--remedies", "clip,length", "-o", tmp_path / "out", "--epochs",
        "1", "--hidden", "6", "--batch-size", "4", "--length", "8",
    )  # fmt: skip
    assert ended.code == 0
    configs = {run: json.loads((tmp_path / "out" / run / "config.json").read_text("utf-8"))
               for run in runs(tmp_path / "out")}  # fmt: skip
    assert {run: config["training"]["clip_norm"] for run, config in configs.items()} == {
        "rnn": 0.0, "rnn+clip": 1.0, "rnn+length": 0.0,
    }  # fmt: skip
    assert configs["rnn+length"]["data"]["sequence_length"] == 32
    assert f"{text}: detected as data of `bptt train lm`" in ended.err
    assert "the smallest" in ended.out and "above the smallest" in ended.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nowhere"],
            "'nowhere': must be a problem (adding or copy) or a file, got neither",
        ),
        (["adding", "--remedies", "magic"], "--remedies: are among clip"),
        (["adding", "--cells", ","], "--cells: names one cell or more"),
        (["adding", "--lag", "0"], "--lag: is a whole number of at least 2"),
        (["adding", "--lag", "99999999999"], "the examples: must fit into memory"),
        (["copy", "--symbols", "0"], "--symbols: is a whole number"),
        (["adding", "--remedies", "length"], "--remedies: length is for a text"),
        (["adding", "--hidden", "0"], "--hidden: is a whole number"),
    ],
)
def test_a_fault_of_the_user_is_told(
    command: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    ended = command("compare", *arguments, "-o", tmp_path / "out")
    assert ended.code == 2 and message in ended.err
    assert not (tmp_path / "out").exists()


def test_other_options_do_not_mix_with_what_is_there(command: Command, tmp_path: Path) -> None:
    command("compare", "adding", "--cells", "gru", "-o", tmp_path, *TINY)
    ended = command("compare", "adding", "--cells", "gru", "-o", tmp_path, *TINY, "--lr", "0.1")
    assert ended.code == 2 and "can only be resumed as it was begun" in ended.err


def test_the_function_writes_what_the_command_writes(command: Command, tmp_path: Path) -> None:
    ended = command("compare", "adding", "--cells", "rnn,gru", "-o", tmp_path / "command", *TINY, "--seed", 3)
    found = bptt.compare(
        "adding", tmp_path / "function", cells="rnn,gru", lag=8, examples=60, hidden_size=6, epochs=2,
        batch_size=10, seed=3,
    )  # fmt: skip
    texts = [(tmp_path / name / "comparison.json").read_bytes() for name in ("command", "function")]
    assert ended.code == 0 and texts[0] == texts[1]
    assert found == read_comparison(tmp_path / "function")
    assert [variant.name for variant in found.variants] == ["rnn", "gru"]
    assert (tmp_path / "function" / "comparison.png").exists()


def test_the_function_names_an_option_that_it_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^remedy: is the name of an option.*Did you mean remedies"):
        bptt.compare("adding", tmp_path / "out", remedy="clip")
    assert not (tmp_path / "out").exists()


def test_the_function_raises_when_a_signal_has_stopped_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = AddingTask.step, []

    def interrupted(self: AddingTask, epoch: int, index: int, carry: tuple[Tensor, ...]) -> Step:
        calls.append(index)
        # The first call is the look before training, where signals act as ever.
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, epoch, index, carry)

    monkeypatch.setattr(AddingTask, "step", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        bptt.compare("adding", tmp_path / "out", cells="rnn", lag=8, examples=60, hidden_size=6)
    assert caught.value.signal == signal.SIGTERM
    assert (tmp_path / "out" / "rnn" / "last" / "checkpoint.safetensors").exists()
