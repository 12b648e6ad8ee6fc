"""What kernels have in common: compiled once, linked into each of them, and checked before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_kernels import answer, calls, script, tiny

from bptt.codegen.kernel_source import KernelSource
from bptt.runtime import compiler, prebuilt
from bptt.runtime.build import load

# Headers define `part` where a text is not linked to an object that does.
TEXT = """#include <cstdint>
#ifdef LINKED
int64_t part();
#else
int64_t part() { return 1; }
#endif
extern "C" __attribute__((visibility("default"))) void answer(const int64_t* arguments) {
    *reinterpret_cast<int64_t*>(arguments[0]) = part() + NUMBER;
}
"""


def part(value: int = 40) -> KernelSource:
    return KernelSource("part", f"#include <cstdint>\nint64_t part() {{ return {value}; }}\n")


def kernel(number: int, shared: KernelSource | None = None) -> KernelSource:
    return KernelSource("whole", f"#define NUMBER {number}\n{TEXT}", ("answer",), shared=shared)


@pytest.fixture
def cxx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's compiler behind a script, and an empty cache."""
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    return script(tmp_path / "cxx", 'exec c++ "$@"')


def parts(cxx: Path) -> int:
    """How often the common part was compiled."""
    return sum("part.cpp" in call for call in calls(cxx))


def test_compiled_once_for_all_kernels(cxx: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [answer(load(kernel(n, part()))) for n in (1, 2, 3)] == [41, 42, 43]
    assert parts(cxx) == 1
    assert "part" not in capsys.readouterr().err
    # Another part is another kernel, and so is none.
    assert answer(load(kernel(1, part(50)))) == 51
    assert answer(load(kernel(1))) == 2
    assert parts(cxx) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.unlink(),
        lambda file: file.chmod(0o666),
    ],
    ids=["damaged", "missing", "open to all"],
)
def test_a_spoilt_part_is_compiled_again(cxx: Path, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    load(kernel(1, part()))
    (file,) = (tmp_path / "cache").glob("part-*.o")
    spoil(file)
    assert [answer(load(kernel(n, part()))) for n in (2, 3)] == [42, 43]
    assert parts(cxx) == 2


def test_without_a_place_for_the_cache(cxx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "file" / "cache"))
    assert answer(load(kernel(2, part()))) == 42


def test_a_part_that_does_not_compile_is_shown(cxx: Path) -> None:
    wrong = KernelSource("part", "int wrong = ;\n")
    with pytest.raises(
        compiler.BuildError, match=r"kernel part: .* got exit status 1\n[\s\S]*part\.cpp:1:13"
    ):
        load(kernel(1, wrong))


def test_in_a_wheel(cxx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "libraries"
    sources = [kernel(1, part()), KernelSource(**{**vars(kernel(2, part())), "name": "other"}), tiny()]
    prebuilt.build(sources, compiler.find(), folder)
    levels = [level.name for level in folder.iterdir()]
    assert parts(cxx) == len(levels)
    monkeypatch.setattr(prebuilt, "FOLDER", folder)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert [answer(load(source)) for source in sources] == [41, 42, 42]
    assert not list(folder.rglob("*.o"))
