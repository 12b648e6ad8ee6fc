"""Kernels in the wheel: for which processors, found how, and a wheel that carries them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tiny_kernels import answer, calls, script, tiny

from bptt.cells.catalogue import CATALOGUE
from bptt.codegen.cpp.emit import REALS
from bptt.codegen.kernel_source import KernelSource
from bptt.runtime import prebuilt
from bptt.runtime.build import load
from bptt.runtime.compiler import HEADERS, find
from bptt.runtime.processor import LEVELS, read

ROOT = Path(__file__).parent.parent
X86 = platform.machine() in ("x86_64", "AMD64")
HASWELL = "fma movbe xsave avx f16c abm bmi1 avx2 bmi2"
SKYLAKE_X = HASWELL + " avx512f avx512dq avx512cd avx512bw avx512vl"
# Which vector unit the text was compiled for.
UNIT = KernelSource(
    "unit",
    tiny().text.replace(
        "41 + 1",
        """
#if defined(__AVX512F__)
        512
#elif defined(__AVX2__)
        256
#else
        128
#endif
""",
    ),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "libraries"
    prebuilt.build([tiny(), UNIT], find(), folder)
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the package keeps its kernels; no other kernels and no compiler there."""
    shutil.copytree(built, tmp_path / "libraries")
    monkeypatch.setattr(prebuilt, "FOLDER", tmp_path / "libraries")
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "no-such-compiler")
    return tmp_path / "libraries"


def cpuinfo(flags: str, speed: str = "2600") -> list[str]:
    """The lines of two cores, of which the first is looked at."""
    first = ["processor\t: 0", "model name\t: A", f"cpu MHz\t\t: {speed}", f"flags\t\t: {flags}"]
    return [f"{line}\n" for line in (*first, "", "processor\t: 1", "flags\t\t: none")]


@pytest.mark.parametrize("change", ["open to all", "a link", "a folder open to all"])
def test_a_library_that_others_can_write(
    folder: Path, change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not loaded, and here there is no compiler to take its place."""
    for library in folder.rglob("tiny-*.so"):
        if change == "a link":
            library.rename(tmp_path / f"{library.parent.name}.so")
            library.symlink_to(tmp_path / f"{library.parent.name}.so")
        else:
            (library if change == "open to all" else library.parent).chmod(0o777)
    assert prebuilt.find(tiny()) is None
    assert "bptt: ignoring a prebuilt kernel: " in capsys.readouterr().err


def test_levels_of_processors() -> None:
    assert read(cpuinfo(SKYLAKE_X)).levels == ("x86-64-v4", "x86-64-v3", "baseline")
    assert read(cpuinfo(SKYLAKE_X.replace("avx512vl", ""))).levels == ("x86-64-v3", "baseline")
    assert read(cpuinfo(HASWELL.replace("abm", ""))).levels == ("baseline",)
    assert read(["processor\t: 0\n", "Features\t: fp asimd\n"]).levels == ("baseline",)
    assert read([]).levels == ("baseline",)


def test_identity_is_what_native_code_depends_on() -> None:
    assert read(cpuinfo(HASWELL, "2600")).identity == read(cpuinfo(HASWELL, "800")).identity
    assert read(cpuinfo(HASWELL)).identity != read(cpuinfo(SKYLAKE_X)).identity
    assert read(["CPU part\t: 0xd0c\n"]).identity != read(["CPU part\t: 0xd40\n"]).identity
    assert platform.machine() in read([]).identity


def test_a_prebuilt_kernel_needs_no_compiler(folder: Path) -> None:
    assert answer(load(tiny())) == 42
    assert prebuilt.find(tiny(1)) is None
    assert not (folder.parent / "cache").exists()


def test_other_headers_are_another_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bptt.runtime.fingerprint._headers", lambda: "another header")
    assert prebuilt.find(tiny()) is None


def test_one_that_does_not_load_is_as_good_as_none(folder: Path) -> None:
    for library in folder.glob("*/tiny-*"):
        library.write_bytes(b"of another system")
    assert prebuilt.find(tiny()) is None


@pytest.mark.skipif(not X86, reason="levels of x86-64")
@pytest.mark.parametrize(("flags", "bits"), [("", 128), (HASWELL, 256), (SKYLAKE_X, 512)])
def test_the_best_level_is_taken(
    flags: str, bits: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(level.name for level in folder.iterdir()) == sorted(LEVELS)
    monkeypatch.setattr(prebuilt, "processor", lambda: read(cpuinfo(flags)))
    found = prebuilt.find(UNIT)
    assert found is not None
    assert answer(found) == bits


def test_levels_that_the_compiler_does_not_know_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "CXX", str(script(tmp_path / "cxx", 'case "$*" in *march*) exit 1;; esac\nexec c++ "$@"'))
    )
    (tmp_path / "libraries" / "x86-64-v3").mkdir(parents=True)
    prebuilt.build([tiny()], find(), tmp_path / "libraries")
    assert [level.name for level in (tmp_path / "libraries").iterdir()] == ["baseline"]
    assert len(calls(tmp_path / "cxx")) == 1


@pytest.mark.parametrize("compiles", [True, False])
def test_the_wheel(compiles: bool, tmp_path: Path) -> None:
    """With a compiler that makes empty libraries at once, and with one that fails."""
    pytest.importorskip("setuptools", "77")
    text = 'while [ "$1" != -o ]; do shift; done\n: > "$2"' if compiles else "exit 1"
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "bptt", tmp_path / "bptt", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "bdist_wheel"],
        cwd=tmp_path,
        env={**os.environ, "CXX": str(script(tmp_path / "cxx", text))},
        capture_output=True,
        text=True,
        check=True,
    )
    (wheel,) = (tmp_path / "dist").iterdir()
    files = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    found = sorted((path.parent.name, path.name.rpartition("-")[0]) for path in files if path.suffix == ".so")
    assert {Path("bptt/codegen/cpp") / header.name for header in HEADERS.glob("*.h")} <= files
    if compiles:
        kernels = [f"{name}-{dtype}" for name in (*CATALOGUE, "linear-loss", "ctc-loss") for dtype in REALS]
        kernels.append("prefix-beam")
        assert found == sorted((level, kernel) for level in LEVELS for kernel in kernels)
        assert wheel.name.split("-")[2:4] == ["py3", "none"]
        assert "any" not in wheel.name
    else:
        assert (found, wheel.name.split("-", 2)[2]) == ([], "py3-none-any.whl")
        assert "a wheel without kernels" in done.stderr
