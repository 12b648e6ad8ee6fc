"""Nested values and tensors come back as they were; a damaged file is named."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tiny_task import same

from bptt.errors import InputError, InternalError
from bptt.training import nested_tensors
from bptt.training.random_state import random_states, seed, set_random_states


def test_values_come_back_to_the_last_bit(tmp_path: Path) -> None:
    shared = torch.randn(3, 2)
    value = {
        "weights": {"a.weight": shared, "b.weight": shared, "t": shared.T},
        "state": {0: {"step": torch.tensor(3.0), "history": [torch.ones(2), None, shared]}},
        "groups": [{"betas": (0.9, 0.999), "fused": True, "lr": 0.1 + 0.2, "name": "流"}],
        "numbers": torch.arange(5, dtype=torch.uint8),
        "none": torch.zeros(0, 4, dtype=torch.float64),
        "infinity": -math.inf,
        "empty": ((), [], {}),
    }
    path = tmp_path / "file"
    path.write_bytes(nested_tensors.dumps(value))
    back = nested_tensors.load(path)
    assert same(back, value)
    assert isinstance(back["groups"][0]["betas"], tuple)
    assert back["numbers"].dtype == torch.uint8
    assert back["weights"]["a.weight"].data_ptr() != back["weights"]["b.weight"].data_ptr()


def test_only_plain_values_are_kept() -> None:
    with pytest.raises(InternalError, match=r"optimiser\.hook.*function"):
        nested_tensors.dumps({"optimiser": {"hook": lambda: None}})


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_damaged_file_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(nested_tensors.dumps({"x": torch.ones(100)})[:keep])
    with pytest.raises(InputError, match=r"checkpoint\.safetensors"):
        nested_tensors.load(path)


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    data = nested_tensors.dumps({"x": torch.ones(1)})
    path.write_bytes(data.replace(b'"values"', b'"valves"'))
    with pytest.raises(InputError, match="whole checkpoint"):
        nested_tensors.load(path)


def test_random_generators_go_on_where_they_were() -> None:
    seed(4)
    states = random_states()
    drawn = (random.random(), torch.rand(3).tolist())
    seed(5)
    set_random_states(states)
    assert (random.random(), torch.rand(3).tolist()) == drawn


def test_values_nested_beyond_reason_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(safetensors.torch.save({}, {"values": "[" * 100_000}))
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: must be a whole checkpoint"):
        nested_tensors.load(path)
