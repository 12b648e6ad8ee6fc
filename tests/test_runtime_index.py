"""The index of kernels: a process that finds a cell there derives nothing, and computes the same bits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bptt.cells.catalogue import get
from bptt.errors import InternalError
from bptt.files import cache_folder
from bptt.runtime.fingerprint import content
from bptt.runtime.kernels import index
from bptt.runtime.kernels.making import make_kernel

# Runs a cell forward and backward, with norms; prints whether the cell was derived, and the bits.
RUN = """
import sys
import torch
from bptt.nn import Recurrent
torch.manual_seed(0)
layer, x = Recurrent("elman-tanh", 3, 5), torch.randn(4, 2, 3)
norms = []
layer.observer = lambda number, found: norms.append(found)
answer = layer(x)[0]
answer.sum().backward()
print("bptt.codegen" in sys.modules or "bptt.derive" in sys.modules)
tensors = [answer, norms[0].delta, norms[0].carried, *(p.grad for p in layer.parameters())]
print(norms[0].sums, norms[0].states, *(number.hex() for t in tensors for number in t.flatten().tolist()))
"""
CELL = get("elman-tanh")
KIND = "float32"


def test_the_second_process_derives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = start()[1]
    (tmp_path / "cache").mkdir(mode=0o700)
    for path in cache_folder().glob(f"{CELL.name}-{KIND}-*"):
        if path.suffix in (".so", ".sha256"):
            shutil.copyfile(path, tmp_path / "cache" / path.name)
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    assert start() == ("True", first)
    assert start() == ("False", first)


def start() -> tuple[str, str]:
    """Run the cell in a process of its own."""
    found = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    derived, bits = found.stdout.splitlines()
    return derived, bits


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The entry of a cell in a cache of its own, in a process that trusts its code."""
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "_LOADED_BEFORE", False)
    index._code.cache_clear()
    monkeypatch.setattr(index, "_PACKAGE", package(tmp_path / "bptt"))
    index.remember(CELL, KIND, *make_kernel(CELL, KIND))
    (found,) = (tmp_path / "cache").glob("*.json")
    return found


@pytest.fixture(autouse=True)
def forget_the_key() -> None:
    """The key of the code is kept for the process."""
    index._code.cache_clear()


def package(folder: Path) -> Path:
    """Make a package whose code is older than this process."""
    for part in index._CODE:
        (folder / part).mkdir(parents=True)
        put(folder / part / "code.py", f"part = {part!r}\n")
    put(folder / "codegen" / "cpp" / "vector.h", "// a header\n")
    return folder


def put(path: Path, text: str, time: float = 1.0) -> None:
    path.write_text(text, "utf-8")
    os.utime(path, (time, time))


def test_what_is_recalled_is_what_was_made(entry: Path) -> None:
    source, layout = make_kernel(CELL, KIND)
    recalled = index.recall(CELL, KIND)
    assert recalled is not None
    known, found = recalled
    assert found == layout and hash(known) == hash(index.recall(CELL, KIND)[0])  # type: ignore[index]
    assert (known.name, known.remark, known.doors) == (source.name, source.remark, source.doors)
    assert known.text == source.text and content(known) == content(source)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"",
        lambda whole: whole.replace(b"letters", b"LETTERS"),
        lambda whole: b"[]",
    ],
    ids=["half", "empty", "other names", "no digest"],
)
def test_a_damaged_entry_is_not_read(entry: Path, damage: Callable[[bytes], bytes]) -> None:
    entry.write_bytes(damage(entry.read_bytes()))
    assert index.recall(CELL, KIND) is None


@pytest.mark.parametrize("change", ["a link", "open to all", "a folder open to all"])
def test_an_entry_that_others_can_write_is_not_read(entry: Path, tmp_path: Path, change: str) -> None:
    if change == "a link":
        entry.rename(tmp_path / "elsewhere")
        entry.symlink_to(tmp_path / "elsewhere")
    else:
        (entry if change == "open to all" else entry.parent).chmod(0o777)
    assert index.recall(CELL, KIND) is None


def test_another_cell_dtype_or_code_has_another_entry(entry: Path) -> None:
    assert index.recall(CELL, KIND) is not None
    assert index.recall(CELL, "float64") is None and index.recall(CELL.without("b"), KIND) is None
    for changed in ("codegen/cpp/vector.h", "derive/code.py", "cells/code.py"):
        before = (index._PACKAGE / changed).read_text("utf-8")
        put(index._PACKAGE / changed, before + " ")
        index._code.cache_clear()
        assert index.recall(CELL, KIND) is None
        put(index._PACKAGE / changed, before)
    index._code.cache_clear()
    assert index.recall(CELL, KIND) is not None


def test_code_that_may_not_be_that_of_the_process_is_not_trusted(
    entry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = index._PACKAGE / "derive" / "code.py"
    # Changed while this process runs: what it derives must not be found by the new code.
    assert index.recall(CELL, KIND) is not None
    put(changed, changed.read_text("utf-8"), index._IMPORTED + 10)
    entry.unlink()
    index.remember(CELL, KIND, *make_kernel(CELL, KIND))
    assert not entry.exists()
    index._code.cache_clear()
    assert index._code() == ""
    put(changed, changed.read_text("utf-8"))
    index._code.cache_clear()
    assert index._code() != ""
    monkeypatch.setattr(index, "_LOADED_BEFORE", True)
    index._code.cache_clear()
    assert index._code() == "" and index.recall(CELL, KIND) is None


def test_a_function_of_another_package_is_never_in_the_index(
    entry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "FUNCTIONS", {k: v for k, v in index.FUNCTIONS.items() if k != "tanh"})
    assert index._path(CELL, KIND) is None and index._path(get("elman-relu"), KIND) is not None


def test_a_text_that_is_another_is_not_compiled(entry: Path) -> None:
    known = index.KnownKernel(CELL, KIND, "elman-tanh-float32", "", (), "another")
    with pytest.raises(InternalError, match="the index must belong to this version"):
        _ = known.text
