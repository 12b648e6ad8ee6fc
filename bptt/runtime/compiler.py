"""The C++ compiler of the machine: found, tried out, called."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bptt import codegen
from bptt.codegen.kernel_source import KernelSource
from bptt.errors import MachineError
from bptt.runtime.scratch import scratch

HEADERS = Path(codegen.__path__[0]) / "cpp"
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-fno-math-errno", "-fvisibility=hidden")
PROGRAMS = ("c++", "g++", "clang++")
CURE = "Install one (Debian, Ubuntu: apt install g++; macOS: xcode-select --install), or name one in CXX"
PATIENCE = 300.0  # seconds for one kernel
# Characters of C++. The kernels of the catalogue have up to 45,000, a cell of 200 gates has 270,000.
LARGEST_TEXT = 400_000
_NOTHING = KernelSource("nothing", 'extern "C" void nothing() {\n#pragma omp parallel\n    {}\n}\n')
_AROUND = 2  # lines shown before and after one that the compiler names
_MOST_WORDS = 60  # lines of the compiler shown
_LONGEST_STEM = 80  # characters: with a key and a suffix the name of a file stays below 255


class BuildError(MachineError):
    """A kernel could not be built here; the text holds the command and the words of the compiler."""

    several_lines = True


@dataclass(frozen=True)
class Compiler:
    """A compiler by its command: the full path of a program, then arguments."""

    command: tuple[str, ...]

    @property
    def identity(self) -> str:
        """What changes when a program of the command is replaced; the program is not run for it."""
        paths = [shutil.which(word) for word in self.command]
        files = [(os.path.realpath(path), os.stat(path)) for path in paths if path]
        return str([self.command, *((path, file.st_mtime_ns, file.st_size) for path, file in files)])

    def accepted(self, *flags: str) -> tuple[str, ...]:
        """Those of `flags` that it knows. Raises BuildError if it compiles nothing at all."""
        fault = _fault(self.command)
        if fault is not None:
            raise fault.with_traceback(None)
        return tuple(flag for flag in flags if _fault(self.command, flag) is None)

    def build(self, source: KernelSource, flags: tuple[str, ...], folder: Path) -> Path:
        """Compile into `folder`, where nobody else writes. Returns the path of the library."""
        stem = file_stem(source.name)
        text, library = folder / f"{stem}.cpp", folder / f"{stem}.so"
        text.write_text(source.text, encoding="utf-8")
        call = [*self.command, *FLAGS, *flags, f"-I{HEADERS}", text.name, "-o", library.name]
        fault, words = _run(call, folder)
        if fault or not library.exists():
            report = [fault or "no library", f"$ {shlex.join(call)}", *words[:_MOST_WORDS]]
            report += _named_lines(text.name, source.text, words)
            raise BuildError(f"kernel {source.name}", "the compiler must take it", "\n".join(report))
        return library


def find() -> Compiler:
    """The compiler that `$CXX` names, else the first of `PROGRAMS` on the path. Raises BuildError."""
    chosen = os.environ.get("CXX", "").split()
    for program, *arguments in [chosen] if chosen else [[name] for name in PROGRAMS]:
        path = shutil.which(program)
        if path is not None:
            return Compiler((os.path.abspath(path), *arguments))
    got = f"CXX={' '.join(chosen)}" if chosen else "none"
    raise BuildError("C++ compiler", f"expected {', '.join(PROGRAMS)} on the path", got, CURE)


def check_size(source: KernelSource) -> None:
    """Raise BuildError for a text that a compiler would work on for minutes."""
    if len(source.text) > LARGEST_TEXT:
        rule = f"at most {LARGEST_TEXT} characters of C++ are compiled"
        raise BuildError(f"kernel {source.name}", rule, len(source.text), "Divide the cell into smaller ones")


def file_stem(name: str) -> str:
    """The name of a source, fit for a file and for a command line, where no option begins like it."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip("._-")
    return plain[:_LONGEST_STEM] or "kernel"


@cache
def _fault(command: tuple[str, ...], *flags: str) -> BuildError | None:
    """Why not even a function that does nothing can be compiled; tried once in a process."""
    with scratch() as folder:
        try:
            Compiler(command).build(_NOTHING, flags, folder)
        except BuildError as error:
            return BuildError("C++ compiler", "must compile a function that does nothing", error.got, CURE)
    return None


def _run(call: list[str], folder: Path) -> tuple[str, list[str]]:
    """What went wrong, if anything did, and the lines that the compiler wrote."""
    # A file, not a pipe: a pipe stays open until the last helper of a compiler ends that was stopped.
    with (folder / "words").open("w+", encoding="utf-8", errors="replace") as words:
        fault = ""
        try:
            done = subprocess.run(
                call, cwd=folder, stdin=subprocess.DEVNULL, stdout=words, stderr=words, timeout=PATIENCE
            )
            fault = f"exit status {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            fault = f"no end after {PATIENCE:.0f} s"
        except OSError as error:
            fault = str(error.strerror)
        words.seek(0)
        return fault, words.read().splitlines()


def _named_lines(file: str, text: str, words: list[str]) -> list[str]:
    """The lines of the text that the compiler speaks of, numbered, and those around them."""
    lines = text.splitlines()
    found = (re.match(rf"{re.escape(file)}:(\d+):", line) for line in words)
    named = {int(match[1]) for match in found if match}
    near = {k for n in named for k in range(n - _AROUND, n + _AROUND + 1) if 1 <= k <= len(lines)}
    return [f"{'>' if k in named else ' '}{k:5} | {lines[k - 1]}" for k in sorted(near)]
