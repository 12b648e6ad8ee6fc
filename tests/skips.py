"""The skips that are expected; any other one fails, so that no test falls silent unnoticed."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

Report = pytest.TestReport | pytest.CollectReport

X86 = platform.machine() in ("x86_64", "AMD64", "i686")
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
LINUX = sys.platform == "linux"
REVISION = (Path(__file__).parents[1] / ".git").exists()


@dataclass(frozen=True)
class Expected:
    """Tests that may be skipped: their id, the reason that they give, both as regular expressions; why; and
    whether the machine is one on which they may be.
    """

    tests: str
    reason: str
    why: str
    here: bool = True


EXPECTED = (
    Expected(
        "_browser|test_docs|test_languages_rendered",
        "no Chromium",
        "pages are opened in Chromium: apt install chromium",
    ),
    Expected(
        "test_estimators_", "SCIPY_ARRAY_API is not set", "scikit-learn checks inputs of array_api_strict"
    ),
    Expected("test_data_jieba", "could not import 'jieba'", "Chinese words: pip install jieba"),
    Expected("test_runtime_triton", "could not import 'triton'", "kernels for GPUs: pip install triton"),
    Expected(
        "prepared|test_data_reading",
        "could not import '(zstandard|pyarrow)",
        "files in Zstandard and Parquet: pip install zstandard pyarrow",
    ),
    Expected("test_examples", "no espeak-ng", "sounds are made by a synthesiser: apt install espeak-ng"),
    Expected("test_report_scripts", "no Node.js", "scripts of pages are run by Node.js: apt install nodejs"),
    Expected("test_runtime_cache", "only root can give files away", "needs root", not ROOT),
    Expected("test_codegen_golden", "a revision of git", "needs the history of git", not REVISION),
    Expected("test_codegen_functions", "compiler", "other processors have other vectors", not X86),
    Expected("test_runtime_prebuilt", "levels of x86-64", "needs x86-64", not X86),
    Expected(
        "test_runtime_crew", "processors of their own", "needs two processors", (os.cpu_count() or 1) < 2
    ),
    Expected("test_runtime_(kernels_memory|crew)", "no -fsanitize", "needs a compiler with sanitizers"),
    Expected("", "POSIX|fcntl|SIGKILL|fork", "needs a POSIX system", os.name != "posix"),
    Expected("", "/proc|memory|/dev/full|threads of a process", "needs Linux", not LINUX),
)


def expected(test: str, reason: str) -> Expected | None:
    """Return the entry that allows this skip; None if there is none."""
    found = (e for e in EXPECTED if e.here and re.search(e.tests, test) and re.search(e.reason, reason))
    return next(found, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Report, Report]:
    """Turn a skip that is not expected into a failure."""
    return _checked((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Report, Report]:
    """Turn the skip of a whole file that is not expected into a failure."""
    return _checked((yield))


def _checked(report: Report) -> Report:
    # An expected failure is a skip to pytest.
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason(report)
        if expected(report.nodeid, reason) is None:
            report.outcome = "failed"
            report.longrepr = f"{report.nodeid}: a skip that tests/skips.py does not expect: {reason}"
    return report


def _reason(report: Report) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were skipped, and why."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", ()):
        if (found := expected(report.nodeid, _reason(report))) is not None:
            counts[found.why] += 1
    for why, count in counts.items():
        terminalreporter.write_line(f"skipped as expected: {count}: {why}")
