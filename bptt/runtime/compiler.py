"""The C++ compiler of the machine: how it is found, tested and called."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bptt.deferred import deferred
from bptt.errors import MachineError
from bptt.runtime.fingerprint import HEADERS, SourceText

# A kernel of the cache is found without.
_scratch = deferred("bptt.runtime.scratch", "scratch")
_source = deferred("bptt.codegen.kernel_source", "KernelSource")

FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-fno-math-errno", "-fvisibility=hidden")
PROGRAMS = ("c++", "g++", "clang++")
# Defined where a text is linked to its shared part: headers then only declare what that part defines.
LINKED = "LINKED"
CURE = "Install one (Debian, Ubuntu: apt install g++; macOS: xcode-select --install), or name one in CXX"
PATIENCE = 300.0  # seconds for one kernel; after that the compiler is stopped
# Characters of C++. The kernels of the catalogue have up to 45,000, a cell of 200 gates has 270,000.
LARGEST_TEXT = 400_000
_NOTHING = 'extern "C" void nothing() {\n#pragma omp parallel\n    {}\n}\n'
_AROUND = 2  # lines of source shown before and after each line that the compiler names
_MOST_WORDS = 60  # lines of the compiler's output shown
_LONGEST_STEM = 80  # characters: with key and suffix, a file name stays below the 255 that file systems allow


class BuildError(MachineError):
    """A kernel that cannot be built on this machine; the message holds the command and its output."""

    several_lines = True


@dataclass(frozen=True)
class Compiler:
    """A compiler as a command: the full path of a program, then arguments."""

    command: tuple[str, ...]

    @property
    def identity(self) -> str:
        """A text that changes when a program of the command is replaced; found without running it."""
        paths = [shutil.which(word) for word in self.command]
        files = [(os.path.realpath(path), os.stat(path)) for path in paths if path]
        return str([self.command, *((path, file.st_mtime_ns, file.st_size) for path, file in files)])

    def accepted(self, *flags: str) -> tuple[str, ...]:
        """Return those of `flags` that the compiler accepts.

        Raises BuildError if it cannot even compile an empty function.
        """
        fault = _fault(self.command)
        if fault is not None:
            raise fault.with_traceback(None)
        return tuple(flag for flag in flags if _fault(self.command, flag) is None)

    def build(
        self,
        source: SourceText,
        flags: tuple[str, ...],
        folder: Path,
        shared: Callable[[], Path] | None = None,
    ) -> Path:
        """Compile into `folder`, where no other process may write, and return the path of the library.

        Without `shared` the library has all code. Else it is linked to the object that `shared` returns,
        called after the text is compiled: what `build_object` made of `source.shared` with the same flags.
        Raises BuildError if the compiler fails, takes longer than `PATIENCE`, or leaves no library.
        """
        if shared is None:
            return self._build(source, flags, folder, _text(source, folder), ".so")
        linked = self._build(source, flags, folder, f"-D{LINKED}", "-c", _text(source, folder), ".o")
        return self._build(source, flags, folder, linked.name, os.path.relpath(shared(), folder), ".so")

    def build_object(self, source: SourceText, flags: tuple[str, ...], folder: Path) -> Path:
        """Compile what several kernels are linked to; see `build`."""
        return self._build(source, flags, folder, "-c", _text(source, folder), ".o")

    def _build(self, source: SourceText, flags: tuple[str, ...], folder: Path, *rest: str) -> Path:
        """Call the compiler for a file with the suffix `rest[-1]`."""
        made = folder / f"{file_stem(source.name)}{rest[-1]}"
        call = [*self.command, *FLAGS, *flags, f"-I{HEADERS}", *rest[:-1], "-o", made.name]
        fault, words = _run(call, folder, f"{made.name}.words")
        if fault or not made.exists():
            report = [fault or "no library", f"$ {shlex.join(call)}", *words[:_MOST_WORDS]]
            report += _named_lines(_file(source), source.text, words)
            raise BuildError(f"kernel {source.name}", "the compiler must take it", "\n".join(report))
        return made


def _file(source: SourceText) -> str:
    return f"{file_stem(source.name)}.cpp"


def _text(source: SourceText, folder: Path) -> str:
    """Write the text of a source into `folder`, and return the name of its file."""
    (folder / _file(source)).write_text(source.text, encoding="utf-8")
    return _file(source)


def find() -> Compiler:
    """Return the compiler that `$CXX` names, else the first of `PROGRAMS` on the path.

    Raises BuildError if there is none.
    """
    chosen = os.environ.get("CXX", "").split()
    for program, *arguments in [chosen] if chosen else [[name] for name in PROGRAMS]:
        path = shutil.which(program)
        if path is not None:
            return Compiler((os.path.abspath(path), *arguments))
    got = f"CXX={' '.join(chosen)}" if chosen else "none"
    raise BuildError("C++ compiler", f"expected {', '.join(PROGRAMS)} on the path", got, CURE)


def check_size(source: SourceText) -> None:
    """Raise BuildError if the text is so long that compiling it would take minutes."""
    if len(source.text) > LARGEST_TEXT:
        rule = f"at most {LARGEST_TEXT} characters of C++ are compiled"
        raise BuildError(f"kernel {source.name}", rule, len(source.text), "Divide the cell into smaller ones")


def file_stem(name: str) -> str:
    """Make the name of a source safe as a file name and as an argument: no leading `-`, ASCII only."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip("._-")
    return plain[:_LONGEST_STEM] or "kernel"


@cache
def _fault(command: tuple[str, ...], *flags: str) -> BuildError | None:
    """Return why an empty function cannot be compiled with `flags`, None if it can; tried once a process."""
    with _scratch() as folder:
        try:
            Compiler(command).build(_source("nothing", _NOTHING), flags, folder)
        except BuildError as error:
            return BuildError("C++ compiler", "must compile a function that does nothing", error.got, CURE)
    return None


def _run(call: list[str], folder: Path, file: str) -> tuple[str, list[str]]:
    """Run the compiler; return the fault, empty if there is none, and the lines that it wrote into `file`."""
    # A file, not a pipe: after a timeout, a pipe would stay open until the compiler's child processes end.
    with (folder / file).open("w+", encoding="utf-8", errors="replace") as words:
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
    """Return the source lines that the compiler names, numbered, with the lines around them."""
    lines = text.splitlines()
    found = (re.match(rf"{re.escape(file)}:(\d+):", line) for line in words)
    named = {int(match[1]) for match in found if match}
    near = {k for n in named for k in range(n - _AROUND, n + _AROUND + 1) if 1 <= k <= len(lines)}
    return [f"{'>' if k in named else ' '}{k:5} | {lines[k - 1]}" for k in sorted(near)]
