"""The files of a run: whole or as before, whatever the disk does; damaged ones are named."""

from __future__ import annotations

import errno
import json
import os
import resource
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bptt.errors import InputError, MachineError
from bptt.runs.run_folder import CONFIG, WEIGHTS, read_config, write_bytes, write_config
from bptt.runs.weights import read_weights, write_weights
from bptt.version import __version__

NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail(*_: object) -> None:
    raise NO_SPACE


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(call: str, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / WEIGHTS
    write_bytes(path, b"old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(
        MachineError, match=r"model\.safetensors: must be writable, got No space left"
    ) as error:
        write_bytes(path, b"new")
    assert "intact" in str(error.value)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == [WEIGHTS]


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    """The kernel itself refuses the second half: the limit is on the size of files, as a full disk's is."""
    path = tmp_path / WEIGHTS
    model = nn.Linear(100, 100)
    write_weights(model, path)
    old = path.read_bytes()
    torch.nn.init.zeros_(model.weight)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, hard))
    try:
        with pytest.raises(MachineError, match=r"model\.safetensors: must be writable, got File too large"):
            write_weights(model, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == old
    assert files(tmp_path) == [WEIGHTS]


def test_a_folder_that_is_gone_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="No such file or directory"):
        write_bytes(tmp_path / "gone" / CONFIG, b"x")


def test_half_a_file_of_a_killed_process_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / f".{CONFIG}.tmp").write_bytes(b"half of a longer file")
    write_bytes(tmp_path / CONFIG, b"whole")
    assert (tmp_path / CONFIG).read_bytes() == b"whole"
    assert files(tmp_path) == [CONFIG]


def test_a_configuration_comes_back_with_the_versions(tmp_path: Path) -> None:
    write_config(tmp_path, {"task": "t", "data": {"文": [1, None, 0.1]}})
    config = read_config(tmp_path)
    assert config == {"format": 1, "bptt": __version__, "task": "t", "data": {"文": [1, None, 0.1]}}
    write_config(tmp_path, config | {"bptt": "0.0.1", "training": {}})
    assert read_config(tmp_path) == config | {"training": {}}
    assert "文" in (tmp_path / CONFIG).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", r"config\.json: must be JSON"),
        (b'{\n"a": 1,\n', r"config\.json: must be JSON in UTF-8, got .*line 3.*Restore"),
        (b'{"a": "\xff"}', r"config\.json: must be JSON in UTF-8, got 'utf-8' codec"),
        (b'{"a":' * 100_000, r"config\.json: must be JSON in UTF-8, got maximum recursion"),
        (b"[1]", r'config\.json: must be an object with "format": 1, got list'),
        (b'{"format": 2}', r'config\.json: must be an object with "format": 1, got 2'),
    ],
)
def test_a_damaged_configuration_is_named(data: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_bytes(data)
    with pytest.raises(InputError, match=fault):
        read_config(tmp_path)


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone: the run folder must exist.*bptt train"):
        read_config(tmp_path / "gone")
    with pytest.raises(InputError, match=r"config\.json: must be a file.*This is not a run folder"):
        read_config(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: a run is a folder"):
        read_config(tmp_path / "file")


def test_weights_come_back_with_their_metadata(tmp_path: Path) -> None:
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    # Not contiguous in memory.
    model.weight.data = torch.arange(6.0).view(3, 2).t()
    write_weights(model, tmp_path / WEIGHTS, {"of": "é"})
    assert read_weights(other, tmp_path / WEIGHTS) == {"of": "é"}
    assert torch.equal(other.weight, model.weight)
    assert set(load_file(tmp_path / WEIGHTS)) == {"weight", "bias"}
    write_weights(model, tmp_path / WEIGHTS)
    assert read_weights(other, tmp_path / WEIGHTS) == {}


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    path, model = tmp_path / WEIGHTS, nn.Linear(30, 2)
    with pytest.raises(
        InputError, match=r"model\.safetensors: must be a file, got nothing.*first evaluation"
    ):
        read_weights(model, path)
    write_weights(model, path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:20], b"\xff" * len(whole), b"\x80\x02pickle"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"model\.safetensors: must be a safetensors file.*damaged"):
            read_weights(model, path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path, model = tmp_path / WEIGHTS, nn.Linear(3, 2)
    save_file({"weight": torch.full((2, 3), float("nan")), "bias": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"model\.safetensors: weight must hold numbers.*damaged"):
        read_weights(model, path)
    assert model.weight.isfinite().all()


def test_weights_of_another_model_are_refused_and_change_nothing(tmp_path: Path) -> None:
    path, model = tmp_path / WEIGHTS, nn.Linear(3, 2)
    before = model.weight.clone()
    for tensors, fault in (
        ({"weight": torch.zeros(2, 3)}, r"bias must be \(2,\) torch.float32, got absent"),
        ({"weight": torch.zeros(3, 3), "bias": torch.zeros(2)}, r"weight must be \(2, 3\).*got \(3, 3\)"),
        ({"weight": torch.zeros(2, 3).double(), "bias": torch.zeros(2)}, "weight .*got .*float64"),
        ({**model.state_dict(), "more": torch.zeros(1)}, r"more must be absent, got \(1,\)"),
    ):
        save_file(tensors, path)
        with pytest.raises(InputError, match=r"model\.safetensors: " + fault):
            read_weights(model, path)
        assert torch.equal(model.weight, before)


def test_numbers_that_json_does_not_have_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_config(tmp_path, {"a": float("nan")})
    assert files(tmp_path) == []
    assert json.dumps(0.1) == "0.1"
