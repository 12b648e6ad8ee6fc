"""Records are appended, survive, and are cut back to the checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from bptt.errors import InputError, MachineError
from bptt.training.record import append_record, cut_back, synced_size


def test_records_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_record(path, {"kind": "train", "loss": 0.1 + 0.2})
    size = synced_size(path)
    append_record(path, {"kind": "流"})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "tr')
    cut_back(path, size)
    assert path.read_text(encoding="utf-8") == '{"kind": "train", "loss": 0.30000000000000004}\n'


def test_a_file_that_lost_records_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with pytest.raises(InputError, match=r"metrics\.jsonl.*got 0 bytes"):
        cut_back(path, 10)
    cut_back(path, 0)


def test_a_file_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"metrics\.jsonl"):
        append_record(tmp_path / "missing" / "metrics.jsonl", {"step": 1})
    with pytest.raises(MachineError, match=r"metrics\.jsonl"):
        synced_size(tmp_path / "missing" / "metrics.jsonl")
