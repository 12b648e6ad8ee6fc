"""Measurements in a page of documentation, between marks: what a command wrote before gives way."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import median

from bptt.bench.barrier import regime
from bptt.bench.cases import SECTIONS
from bptt.bench.picture import draw_layers
from bptt.bench.result_tables import ResultTable, notes, tables
from bptt.bench.results import Environment, Report
from bptt.errors import InputError, counted
from bptt.files import check_output, make_inner_folder, write_whole

_TITLE = "# Benchmarks\n"
# The lines that `describe` writes under the date, and how far apart the peaks of one processor are at most.
_MACHINE, _PEAK = re.compile(r"\n(.+, \d+ cores, [^;]+);"), re.compile(r"\npeak (\d+) GF/s")
_OTHER_PEAK = 1.25


def check_place(option: str, path: Path) -> None:
    """Raise InputError unless a file can be there, before anything is measured."""
    if not path.parent.is_dir() or path.is_dir():
        raise InputError(option, "must be a file in a folder that exists", path)


def read_page(path: Path) -> str:
    """Read the page, or begin a new one. Raises InputError if the file is no text."""
    try:
        return path.read_text(encoding="utf-8") if path.exists() else _TITLE
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("output", "must be a page of text", f"{path}: {error}") from error


def check_page(path: Path, sections: Collection[str]) -> None:
    """Raise InputError unless the sections can be put into the page, before anything is measured."""
    check_place("output", path)
    read_page(path)
    if "layers" in sections:
        check_output(_picture(path))


def write_page(path: Path, report: Report) -> None:
    """Put what was measured into the page: every section in its place, or at the end if it has none.

    The picture goes into the folder `images` beside the page. Raises MachineError if it cannot be done.
    """
    text = read_page(path)
    for name in SECTIONS:
        part = report.only(name)
        if part.runs:
            text = _replaced(text, name, _section(part, _draw(part, path) if name == "layers" else ""))
    write_whole(path, text.encode("utf-8"))


def other_machines(path: Path, place: Environment) -> list[str]:
    """Say which sections of the page are of another machine than `place`, each with its own.

    Processors of one name differ: one whose peak is off by more than a quarter is another.
    """
    found = dict[str, list[str]]()
    text = read_page(path)
    for name in SECTIONS:
        section = _between(text, name)
        machine = _MACHINE.search(section)
        if machine and not _is_same(machine[1], _PEAK.search(section), place):
            found.setdefault(machine[1], []).append(name)
    ours = f"this machine is {place.machine}" + (f", {_rate(place.peak)}" if place.peak else "")
    return [
        f"{path}: {', '.join(names)} measured on {machine}; {ours}: times of the two cannot be compared"
        for machine, names in found.items()
    ]


def _is_same(machine: str, peak: re.Match[str] | None, place: Environment) -> bool:
    if machine != place.machine:
        return False
    before = float(peak[1]) if peak else 0.0
    return not before or not place.peak or 1 / _OTHER_PEAK < 1e9 * before / place.peak < _OTHER_PEAK


def _between(text: str, name: str) -> str:
    begin, end = _marks(name)
    return text.partition(begin)[2].partition(end)[0]


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- bptt bench {name} -->", f"<!-- end of bptt bench {name} -->"


def _replaced(text: str, name: str, section: str) -> str:
    begin, end = _marks(name)
    if begin not in text:
        text = f"{text.rstrip()}\n\n{begin}{end}\n"
    before, _, rest = text.partition(begin)
    if end not in rest:
        raise InputError("page", f"must have {end} behind {begin}", "none", "Add it where the section ends")
    return f"{before}{begin}\n{section}\n{end}{rest.partition(end)[2]}"


def _draw(report: Report, path: Path) -> str:
    """Draw the picture; return the line of the page that shows it."""
    picture = _picture(path)
    make_inner_folder(picture.parent)
    draw_layers(report, picture)
    return f"![How many times as fast as torch, by shape]({picture.parent.name}/{picture.name})"


def _picture(page: Path) -> Path:
    return page.parent / "images" / "benchmark_layers.png"


def describe(report: Report) -> list[str]:
    """Describe in lines where and how the numbers were measured."""
    place = report.environment
    versions = ", ".join(f"{name} {number}" for name, number in place.versions.items())
    return [
        f"{report.date}, `{report.command}`",
        f"{place.machine}; {place.system}; {versions}",
        *_regime(report),
    ]


def _regime(report: Report) -> list[str]:
    """Describe the peak of the first process, and the barriers before all cases."""
    found = []
    if report.environment.peak:
        found.append(f"peak {_rate(report.environment.peak)} on {counted(report.threads[0], 'threads')}")
    if report.barriers:
        times = sorted(1e9 * each for each in report.barriers)
        usual = median(times)
        found.append(
            f"a barrier of two threads takes {usual:.0f} ns ({times[0]:.0f} to {times[-1]:.0f}): "
            f"their cores are {regime(1e-9 * usual)}"
        )
    return ["; ".join(found)] if found else []


def _rate(flops: float) -> str:
    return f"{flops / 1e9:.0f} GF/s"


def _section(report: Report, picture: str) -> str:
    listed = "\n".join(f"- {note}" for note in notes(report))
    parts = ["  \n".join(describe(report)), picture, *map(markdown, tables(report)), listed]
    return "\n\n".join(filter(None, parts))


def markdown(table: ResultTable) -> str:
    """Format a table under its title."""
    lines: list[Sequence[str]] = [table.header, ["---", *("--:" for _ in table.header[1:])], *table.rows]
    return f"### {table.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)
