"""A skip that is not expected fails the suite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from skips import expected

SUITE = """
import pytest

@pytest.mark.skip(reason="SCIPY_ARRAY_API is not set")
def test_known(): pass

@pytest.mark.xfail(reason="an expected failure is no skip", strict=True)
def test_xfail(): assert False

def test_passes(): pass
"""
SKIPPED = """
@pytest.mark.skip(reason="no time today")
def test_unknown(): pass
"""


def run(folder: Path, *texts: str) -> subprocess.CompletedProcess[str]:
    file = folder / "test_estimators_.py"
    file.write_text("".join(texts), encoding="utf-8")
    call = [sys.executable, "-m", "pytest", "-q", "-p", "skips", "-p", "no:cacheprovider", file.name]
    here = {"PYTHONPATH": str(Path(__file__).parent), "PATH": ""}
    return subprocess.run(call, cwd=folder, env=here, capture_output=True, text=True)


def test_an_expected_skip_is_said_at_the_end(tmp_path: Path) -> None:
    ended = run(tmp_path, SUITE)
    assert ended.returncode == 0, ended.stdout
    assert "skipped as expected: 1: scikit-learn checks inputs" in ended.stdout


def test_another_skip_fails(tmp_path: Path) -> None:
    ended = run(tmp_path, SUITE, SKIPPED)
    assert ended.returncode == 1 and "1 passed, 1 skipped, 1 xfailed, 1 error" in ended.stdout
    assert "does not expect: Skipped: no time today" in ended.stdout


def test_another_skip_of_a_whole_file_fails(tmp_path: Path) -> None:
    ended = run(tmp_path, "import pytest\npytest.importorskip('a_package_that_is_not_there')\n")
    assert ended.returncode == 2 and "does not expect: Skipped: could not import" in ended.stdout


@pytest.mark.parametrize(
    "package", ["pyarrow", "pandas", "jiwer", "sacrebleu", "seqeval", "sklearn", "onnx", "thop"]
)
def test_a_package_of_the_dev_extra_is_never_missing(package: str) -> None:
    assert expected("test_data_arrays.py::test", f"could not import '{package}'") is None
