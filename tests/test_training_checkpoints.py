"""Several checkpoints: those kept, what a damaged one costs, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_task import BATCHES, Quiet, TinyTask, everything, same

from bptt.errors import InputError
from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

BEFORE = FILE.with_stem("checkpoint-1")


def trained(run: Path, **values: int) -> TrainingOptions:
    """Train for two epochs with a checkpoint after every step."""
    options = TrainingOptions(epochs=2, checkpoint_every=0.0, **values)
    train(TinyTask(), options, run, Quiet())
    return options


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    """Change one bit of the last tensor."""
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "cut": cut,
    "a bit flipped": flip,
    "lost": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
}


def steps(run: Path) -> list[int]:
    """The step of each checkpoint, by name; the newest comes last, since `-` is before `.`."""
    files = sorted((run / FILE).parent.iterdir())
    return [nested_tensors.load(path)["state"]["step"] for path in files]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_so_many_are_kept(tmp_path: Path, count: int) -> None:
    trained(tmp_path, checkpoints=count)
    found, last = steps(tmp_path), 2 * BATCHES
    # The one after the evaluation of the last step takes the place of the one after the step.
    assert found[-1] == last and len(found) == count
    assert all(step <= last for step in found) and found[:-1] == sorted(found[:-1], reverse=True)


def test_fewer_may_be_kept_when_a_run_goes_on(tmp_path: Path) -> None:
    trained(tmp_path, checkpoints=4)
    options = TrainingOptions(epochs=3, checkpoint_every=0.0, checkpoints=2)
    train(TinyTask(), options, tmp_path, Quiet(), resume=True)
    assert len(steps(tmp_path)) == 2


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_the_one_before_is_taken_and_the_end_is_the_same(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    whole, run, quiet = tmp_path / "whole", tmp_path / "run", Quiet()
    options = trained(whole)
    trained(run)
    damage(run / FILE)
    train(TinyTask(), options, run, quiet, resume=True)
    assert same(everything(run), everything(whole))
    told = [message for message in quiet.messages if "the one before it is taken" in message]
    # Without a newest one nothing says that there was one: a kill leaves the same where links are unknown.
    assert len(told) == (damage is not Path.unlink)
    assert all(str(run / FILE) in message for message in told)


@pytest.mark.parametrize("damage", [cut, flip], ids=["cut", "a bit flipped"])
def test_all_damaged_is_an_error_and_nothing_is_touched(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    options = trained(tmp_path)
    for name in (FILE, BEFORE):
        damage(tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"last/checkpoint\.safetensors"):
        train(TinyTask(), options, tmp_path, Quiet(), resume=True)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    options = trained(whole)

    def refuse(*arguments: object, **others: object) -> None:
        raise OSError("no links")

    monkeypatch.setattr(os, "link", refuse)
    trained(run)
    assert steps(run) == steps(whole)
    (run / FILE).unlink()
    train(TinyTask(), options, run, Quiet(), resume=True)
    assert same(everything(run), everything(whole))


def test_a_run_that_is_given_up_leaves_no_checkpoint(tmp_path: Path) -> None:
    trained(tmp_path, checkpoints=4)
    options = TrainingOptions(epochs=1, checkpoints=1)
    train(TinyTask(), options, tmp_path, Quiet(), overwrite=True)
    assert len(steps(tmp_path)) == 1


def test_files_of_others_beside_the_checkpoints_are_refused(tmp_path: Path) -> None:
    options = trained(tmp_path)
    (tmp_path / FILE).with_name("checkpoint-01.safetensors").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"checkpoint-01\.safetensors.*that no run wrote"):
        train(TinyTask(), options, tmp_path, Quiet(), resume=True)
