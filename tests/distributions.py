"""Installed packages made by hand, without pip: a folder with modules, and one that says what is in them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from forked import run_forked

PLUGINS = Path(__file__).parent / "plugins"
# What an addition from outside may need at most.
MOST_LINES = 40

# What separates the outputs of the commands of a session.
_MARK = "\n=== next ===\n"
SESSION = """
import sys
from bptt.cli.main import main
for words in {commands!r}:
    print({mark!r}, end="")
    sys.argv = ["bptt", *words]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{{words}} ended with {{ended.code}}")
print({mark!r}, end="", flush=True)
"""


@dataclass(frozen=True)
class Installed:
    """The place of packages, put on the path of another process."""

    place: Path

    def python(self, code: str, *, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run Python code where the packages are installed."""
        return self._run(code, cwd=cwd)

    def bptt(self, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `bptt ARGUMENTS...` where the packages are installed."""
        return self._run(*map(str, arguments), module="bptt", cwd=cwd)

    def session(self, commands: Sequence[Sequence[str]], code: str = "", *, cwd: Path) -> list[str]:
        """Return what each command prints, and then the code, all run in one process.

        Fails at the first that does not end well.
        """
        script = SESSION.format(commands=list(map(list, commands)), mark=_MARK) + code
        return succeeded(self.python(script, cwd=cwd)).split(_MARK)[1:]

    def _run(self, *arguments: str, module: str = "", cwd: Path | None) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.place), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"}
        return run_forked(*arguments, module=module, cwd=cwd, environment=environment)

    def add(self, name: str, module: str, entry_points: Mapping[str, str], version: str = "1.0") -> Installed:
        """Install a package of one module; `entry_points` are lines "name = module:NAME" by group."""
        self.place.mkdir(exist_ok=True)
        stem = name.replace("-", "_")
        (self.place / f"{stem}.py").write_text(module, "utf-8")
        info = self.place / f"{stem}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        groups = "".join(f"[{group}]\n{lines}\n" for group, lines in entry_points.items())
        (info / "entry_points.txt").write_text(groups, "utf-8")
        return self

    def add_source(self, name: str, entry_points: Mapping[str, str]) -> Installed:
        """Install a package of the module of that name in tests/plugins, at most 40 lines long."""
        module = (PLUGINS / f"{name.replace('-', '_')}.py").read_text("utf-8")
        assert len(module.splitlines()) <= MOST_LINES
        return self.add(name, module, entry_points)


def succeeded(ended: subprocess.CompletedProcess[str]) -> str:
    """Return what a process has printed that ended well."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the error of a process for which the input was at fault."""
    assert ended.returncode == 2 and "Traceback" not in ended.stderr, ended.stderr
    return ended.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """A place to install packages into."""
    return Installed(tmp_path / "site")
