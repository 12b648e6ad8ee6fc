"""The pages are true: no dead link, every command can be given, a number in prose is shown on its page."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from documents import CHINESE_PAGE, DOCS, ORIGINALS, PAGES, ROOT, Page, page
from typer.core import TyperGroup

from bptt.cli.main import app

# Its numbers are choices, not measurements: each stands in the code that the entry is about.
CHOICES = {"decisions.md"}
# Of a licence and of a version.
_NAMES = re.compile(r"CC BY \d\.\d|\d+\.\d+\.\d+")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?: ?%)?")


def parse(line: str) -> None:
    """Read a command line of this package as it would be read, without running it."""
    words = shlex.split(line)[1:]
    verb = typer.main.get_command(app)
    context = verb.make_context("bptt", words)
    while isinstance(verb, TyperGroup):
        name, found, words = verb.resolve_command(context, words)
        assert found is not None
        verb, context = found, found.make_context(name, words, parent=context)


@pytest.mark.parametrize("found", PAGES, ids=lambda found: str(found.path.relative_to(ROOT)))
def test_links_lead_somewhere(found: Page) -> None:
    for link in found.links:
        name, _, anchor = link.partition("#")
        target = Page((found.path.parent / name) if name else found.path)
        assert target.path.exists(), link
        assert not anchor or anchor in target.anchors, link


@pytest.mark.parametrize("found", DOCS, ids=lambda found: found.path.name)
def test_every_block_says_what_it_is(found: Page) -> None:
    for block in found.blocks:
        assert block.language in {"python", "console", "text", "sh"}, block.text


# Of a page in Chinese, and of the page that it translates.
TRANSLATED = [
    (found, page(found.path.name.replace(CHINESE_PAGE, ".md"))) for found in DOCS if found not in ORIGINALS
]


@pytest.mark.parametrize(("chinese", "english"), TRANSLATED, ids=lambda found: found.path.name)
def test_a_translation_has_everything_that_its_original_has(chinese: Page, english: Page) -> None:
    assert chinese.blocks == english.blocks
    for shape in (r"^(#+) ", r"^\|", r"!\[.*?\]\((.*?)\)", r"^> .*$"):
        first, second = (re.findall(shape, found.text, re.MULTILINE) for found in (chinese, english))
        assert first == second, shape
    # Where the original leads to a page, the translation leads to that page or to its translation.
    first, second = (
        {link.replace(CHINESE_PAGE, ".md") for link in found.links} for found in (chinese, english)
    )
    assert first == second
    first, second = (sorted(re.findall("`(bptt .*?)`", found.text)) for found in (chinese, english))
    assert set(second) <= set(first)


# Between backquotes a command may be named alone: what it needs is said where it is explained.
_NAMED = re.compile(r"bptt [a-z]+(?: [a-z]+)?|bptt --help")
COMMANDS = [
    line
    for found in DOCS
    for line in [
        *(line for block in found.blocks for line in block.commands),
        *(line for line in re.findall("`(bptt [^`]+)`", found.text) if not _NAMED.fullmatch(line)),
    ]
]


@pytest.mark.parametrize("line", dict.fromkeys(COMMANDS))
def test_a_command_can_be_given(line: str) -> None:
    parse(line)


def numbers(text: str) -> set[float]:
    """The numbers in a text; a percentage also as a share."""
    found = set()
    for match in _NUMBER.findall(_NAMES.sub("", text)):
        value = float(match.rstrip(" %").replace(",", ""))
        found |= {value, round(value / 100, 10)} if "%" in match else {value}
    return found


def claims(text: str) -> list[str]:
    """The numbers in prose that claim to be measured: with a decimal point, an exponent or a per cent."""
    return [found for found in _NUMBER.findall(_NAMES.sub("", text)) if re.search(r"[.e%]", found)]


@pytest.mark.parametrize("found", DOCS, ids=lambda found: found.path.name)
def test_numbers_in_prose_are_shown(found: Page) -> None:
    if found.path.name in CHOICES:
        return
    shown = numbers(found.shown)
    missing = [claim for claim in claims(found.prose) if not numbers(claim) & shown]
    assert not missing


def test_a_number_that_is_not_shown_is_found(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("52.5 % and 0.31 of `0.31`, CC BY 4.0.\n\n| a |\n|---|\n| 0.525 |\n\nBut 0.7.\n", "utf-8")
    found = Page(path)
    assert claims(found.prose) == ["52.5 %", "0.31", "0.7"]
    assert [claim for claim in claims(found.prose) if not numbers(claim) & numbers(found.shown)] == ["0.7"]


ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in page("equations.md").text.splitlines()
    if re.match(r"\| [A-Z]\d", line)
]
# The rows of the requirements: back-propagation, recurrence, gates, architectures, language, jobs.
REQUIRED = [
    f"{letter}{number}"
    for letter, count in {"B": 7, "R": 9, "G": 5, "A": 4, "L": 7, "J": 9}.items()
    for number in range(1, count + 1)
]


def test_every_row_is_there() -> None:
    assert [row[0] for row in ROWS] == REQUIRED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_has_code_command_and_test(row: list[str]) -> None:
    _, _, code, command, test = row
    for column in (code, test):
        paths = re.findall("`(.*?)`", column)
        assert paths
        assert all((ROOT / path).is_file() for path in paths), column
    assert re.findall("`bptt .*?`", command)
