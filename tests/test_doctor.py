"""`bptt doctor` finds what is broken, and says nothing is where nothing is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import Command
from packaging.requirements import Requirement as Stated
from packaging.specifiers import SpecifierSet

from bptt.bench.cases import Case
from bptt.bench.contender_names import LAYER, OURS
from bptt.bench.request import Budget
from bptt.bench.results import Measurement
from bptt.doctor import compiled, examination, hardware, measurements, packages
from bptt.doctor.control_groups import core_limit, memory_limit
from bptt.doctor.cores import observe_threads
from bptt.doctor.examination import without_home
from bptt.doctor.hardware import observe_memory
from bptt.doctor.observation import Observation
from bptt.errors import InputError
from bptt.probe.self_check import ArgumentCheck
from bptt.runtime.processor import read

FOUND = Measurement(
    case=Case("layers", "lstm", (4, 2, 3, 5), True),
    seconds={OURS: (0.004, 0.002, 0.003), LAYER: (0.012, 0.006, 0.009)},
    first={},
    flops=3e6,
    peak=1e10,
    memory={},
    rejected=0,
    noisy=False,
    notes=(),
)


def kernels() -> dict[str, Observation]:
    return {each.name: each for each in compiled.kernels()}


def planted(monkeypatch: pytest.MonkeyPatch, *found: Observation) -> None:
    monkeypatch.setattr(examination, "SECTIONS", {"Planted": lambda: iter(found)})


def test_a_whole_examination(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sections report, with the versions that the packages state; one round of the smallest cell."""
    monkeypatch.setattr(measurements, "_BUDGET", Budget(1, 0.0))
    monkeypatch.setattr(measurements, "_CELL", "elman-tanh")
    ended = command("doctor", "--json")
    record = json.loads(ended.out)
    found = {each["name"]: each for each in record["observations"]}
    assert {each["section"] for each in record["observations"]} == {*examination.SECTIONS}
    assert (ended.code, record["broken"]) == (0, 0)
    assert found["numpy"]["text"] == version("numpy") and record["bptt"] == version("bptt")
    assert found["cores"]["numbers"]["cores"] == os.cpu_count()
    assert found["gradients"]["numbers"]["autograd"] <= 1e-11
    assert found["training"]["numbers"]["seconds"] > found["forward"]["numbers"]["seconds"] > 0


def test_text_marks_what_is_broken_with_its_cure(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Observation("one", "works"), Observation("two", "\x1b[2J", "broken", "mend it")
    planted(monkeypatch, first)
    assert command("doctor").code == 0
    planted(monkeypatch, first, second, Observation("three", "slow", "warning"))
    ended = command("doctor")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "Planted",
        "  ok      one          works",
        r"  broken  two          \x1b[2J",
        "                       cure: mend it",
        "  warning three        slow",
        "",
        "1 broken, 1 warning",
    ]


def test_a_section_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Iterator[Observation]:
        yield Observation("first", "seen")
        raise InputError("here", "a rule", cure="a cure")

    def needs_torch() -> Iterator[Observation]:
        raise OSError("libtorch.so: no such file")

    monkeypatch.setattr(examination, "SECTIONS", {"Own": fails, "Torch": needs_torch})
    (_, first), (_, stopped), (_, lost) = examination.examine()
    assert first.text == "seen" and stopped.condition == lost.condition == "broken"
    assert stopped.cure == "a cure" and "InputError: here: a rule" in stopped.text
    monkeypatch.setattr(packages, "_required", lambda: ([packages.Requirement("torch", "<1")], {}))
    monkeypatch.setattr(examination, "SECTIONS", {"Versions": packages.versions, "Torch": needs_torch})
    *_, (_, torch), (_, lost) = examination.examine()
    assert torch.condition == "broken" and torch.cure == "pip install 'torch<1'"
    # One broken thing counts once.
    assert lost.condition == "absent"


def test_a_package_that_cannot_be_imported_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(name: str, _: str) -> None:
        raise ImportError("libopenblas.so is missing")

    monkeypatch.setattr(packages, "imported", fails)
    monkeypatch.setattr(packages, "_required", lambda: ([packages.Requirement("numpy", ">=1")], {}))
    *_, numpy = packages.versions()
    assert numpy.condition == "broken" and "libopenblas.so is missing" in numpy.text


@pytest.mark.parametrize("bounds", [">=2.8,<3", "<3,>=2.8", ">=1.26", "", "<2", ">=3.0.0"])
@pytest.mark.parametrize("found", ["2.8.0+cpu", "2.8", "2.10.1", "3.0", "1.26.4", "2.0.0", "0.25"])
def test_versions_are_compared_as_packaging_compares_them(bounds: str, found: str) -> None:
    assert packages.accepts(bounds, found) == SpecifierSet(bounds).contains(found)


def test_requirements_are_read_as_packaging_reads_them() -> None:
    lines = [
        "numpy>=1.26",
        "torch<3,>=2.8",
        'soundfile>=0.13; extra == "audio"',
        'bptt[audio,onnx]; extra == "bench"',
        'jax>=0.4.30; extra == "bench"',
        "onnx>=1.17; extra == 'onnx'",
    ]
    always, extras = packages.read_requirements(lines)
    stated = [Stated(line) for line in lines]
    names = {(each.name, each.bounds and SpecifierSet(each.bounds)) for each in always}
    assert names == {(each.name, each.specifier) for each in stated if each.marker is None}
    for extra, needed in extras.items():
        own = {each.name for each in stated if each.marker and each.marker.evaluate({"extra": extra})}
        inner = {"soundfile", "onnx"} if extra == "bench" else set()
        assert {each.name for each in needed} == own - {"bptt"} | inner


def test_an_extra_that_lacks_a_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = [packages.Requirement("numpy", ""), packages.Requirement("bptt-no-such-package", ">=1")]
    monkeypatch.setattr(packages, "_required", lambda: ([], {"music": needed}))
    (found,) = packages.extras()
    assert found.condition == "absent" and found.text == "bptt-no-such-package missing"
    assert found.cure == "pip install 'bptt[music]', if you need it"


def test_no_compiler_is_slow_and_a_wrong_one_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", "none")
    found = kernels()
    assert found["compiler"].condition == "warning" and "apt install g++" in found["compiler"].cure
    # A file where a folder should be: root, too, cannot write there.
    place = tmp_path / "file"
    place.write_text("")
    monkeypatch.setenv("BPTT_CACHE", str(place / "cache"))
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setenv("BPTT_BACKEND", "abacus")
    found = kernels()
    conditions = {name: each.condition for name, each in found.items()}
    assert conditions["compiler"] == conditions["backend"] == "broken" and conditions["cache"] == "warning"
    assert "BPTT_CACHE" in found["cache"].cure


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders have owners on POSIX only")
def test_a_cache_that_others_may_write_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path))
    cache = compiled._cache()
    assert cache.condition == "warning" and "only you may write" in cache.text
    tmp_path.chmod(0o700)
    (tmp_path / "lstm.so").write_bytes(b"12345")
    cache = compiled._cache()
    assert cache.condition == "ok" and cache.numbers == {"kernels": 1, "bytes": 5}


def test_home_is_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    seen = Observation("cache", f"{tmp_path}/cache: full", "warning", f"empty {tmp_path}/cache")
    assert without_home(seen) == replace(seen, text="~/cache: full", cure="empty ~/cache")
    monkeypatch.setenv("HOME", "/")
    assert without_home(seen) == seen


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/a/b\n", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 1.5),
        ("0::/host\n", {"cpu.max": "400000 100000"}, 4.0),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        (
            "5:cpu,cpuacct:/x\n4:memory:/x\n",
            {"cpu/x/cpu.cfs_quota_us": "50000", "cpu/x/cpu.cfs_period_us": "100000"},
            0.5,
        ),
        ("5:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
    ],
)
def test_control_groups_limit_cores(
    tmp_path: Path, own: str, files: dict[str, str], cores: float | None
) -> None:
    """The files are those of cgroup(7): version 2 has quota and period in one, version 1 in two."""
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text + "\n")
    assert core_limit(tmp_path / "own", tmp_path / "groups") == cores
    assert core_limit(tmp_path / "no", tmp_path / "groups") is None


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/a/b\n", {"a/memory.max": str(2**31), "a/b/memory.max": "max"}, 2**31),
        ("0::/a/b\n", {"a/memory.max": str(2**31), "a/b/memory.max": str(2**30)}, 2**30),
        ("0::/host\n", {"memory.max": "1000000"}, 1_000_000),
        ("0::/\n", {"memory.max": "max"}, None),
        (
            "5:cpu:/x\n4:memory:/x\n",
            {"memory/x/memory.limit_in_bytes": "4096", "cpu/x/memory.max": "1"},
            4096,
        ),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_control_groups_limit_memory(
    tmp_path: Path, own: str, files: dict[str, str], limit: int | None
) -> None:
    """The files are those of cgroup(7); version 1 writes 2^63 - 1 in whole pages for no limit."""
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text + "\n")
    assert memory_limit(tmp_path / "own", tmp_path / "groups") == limit
    assert memory_limit(tmp_path / "no", tmp_path / "groups") is None
    seen = observe_memory(2**33, limit)
    assert seen.numbers == {"bytes": 2**33} | ({} if limit is None else {"allowed": limit})
    assert observe_memory(2**20, 2**33).numbers == {"bytes": 2**20}


@pytest.mark.parametrize(
    ("used", "usable", "parallel", "condition"),
    [
        (4, 4, True, "ok"),
        (1, 1, False, "ok"),
        (2, 4, True, "ok"),
        (8, 2, True, "warning"),
        (1, 4, True, "warning"),
        (4, 4, False, "warning"),
    ],
)
def test_threads_are_judged_by_cores(used: int, usable: int, parallel: bool, condition: str) -> None:
    found = observe_threads(used, usable, parallel)
    assert found.condition == condition and bool(found.cure) == (condition == "warning")


def test_processor_and_caches_are_read(tmp_path: Path) -> None:
    lines = ["model name\t: Made Up 9000\n", "flags\t: sse2 avx2 avx512_vnni\n", "\n", "flags\t: other\n"]
    found = read(lines)
    assert found.name == "Made Up 9000" and found.flags == {"sse2", "avx2", "avx512_vnni"}
    assert read(["Features\t: asimd sve\n"]).flags == {"asimd", "sve"}
    for number, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2048K")]
    ):
        index = tmp_path / f"index{number}"
        index.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (index / name).write_text(text + "\n")
    assert hardware.cache_sizes(tmp_path) == "L1 48K, L2 2M"
    assert hardware.cache_sizes(tmp_path / "no") == ""


def test_speed_is_judged() -> None:
    """3 ms against 9 ms; 3e6 operations in 3 ms are a tenth of 1e10 a second."""
    found = measurements.observe_speed("training", FOUND)
    assert found.condition == "ok"
    assert found.numbers == {
        "seconds": 0.003,
        "torch_seconds": 0.009,
        "ratio": 3.0,
        "share_of_peak": pytest.approx(0.1),
    }
    slow = replace(FOUND, seconds={OURS: FOUND.seconds[LAYER], LAYER: FOUND.seconds[OURS]})
    assert measurements.observe_speed("training", slow).condition == "warning"
    assert measurements.observe_speed("training", replace(slow, noisy=True)).condition == "ok"
    wrong = replace(FOUND, seconds={OURS: (1.0,)}, notes=("torch.nn: has another output",))
    assert measurements.observe_speed("training", wrong).condition == "broken"


def test_a_wrong_gradient_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [ArgumentCheck("W", (3,), 1e-49, 1e-15, 1e-9), ArgumentCheck("b", (3,), 1e-49, 0.5, 1e-9)]
    monkeypatch.setattr(measurements, "self_check", lambda cell: checks)
    (found,) = measurements.gradients()
    assert found.condition == "broken" and "wrong for b:" in found.text
    assert found.numbers["autograd"] == 0.5
