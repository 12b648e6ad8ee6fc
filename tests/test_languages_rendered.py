"""What is printed, drawn and shown in Chinese has no English word but names: of cells, functions, people."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import DESKTOP, opened
from conftest import Command
from derivations import DERIVATIONS
from job_files import CONTENTS, SMALL, write_file
from playwright.sync_api import Browser
from test_languages import NAMES, SPELLED, WORD
from test_probe_verdict import LINEAR, planted

import bptt
from bptt.cells import CATALOGUE
from bptt.explain import derivation, page, text
from bptt.explain.document import Code, Derivation, EquationLine, Equations, Section
from bptt.explain.translation import translated
from bptt.explanation import explain_run
from bptt.languages.available import Language
from bptt.languages.phrase import table_of, translated_phrases
from bptt.probe import verdict

# Functions and parameters in formulas; cells; abbreviations; commands.
KNOWN = NAMES | frozenset("exp ln min diag mean rsqrt gain dense layernorm RNN bptt inspect".split())
# Letters with an index, as W_ux, r_{ji}, c_prev; options.
SYMBOL = re.compile(r"[^\W\d_]+(?:_(?:\{[^}]*\}|[^\W_]+))+|--[a-z-]+")


def english(shown: str) -> set[str]:
    """Return the words in a text that are no names."""
    return set(WORD.findall(SYMBOL.sub("", SPELLED.sub("", shown)))) - KNOWN


def without_names(part: Any) -> Any:
    """Return a derivation without names: of books and articles, of the cell, and the code of a kernel."""
    match part:
        case Derivation(facts=facts):
            kept = tuple(fact for fact in facts if fact.label not in ("source", "cell"))
            sections = tuple(without_names(section) for section in part.sections)
            return replace(part, facts=kept, sections=sections)
        case Equations(lines=lines):
            return replace(part, lines=tuple(map(without_names, lines)))
        case EquationLine(code=Code() as code):
            return replace(part, code=replace(code, lines=()))
        case Section(parts=parts):
            return replace(part, parts=tuple(map(without_names, parts)))
    return part


@pytest.mark.parametrize("name", DERIVATIONS)
def test_a_derivation(name: str) -> None:
    document = without_names(DERIVATIONS[name]())
    assert english(text(document))
    assert not english(text(translated(document, Language.ZH)))


@pytest.mark.parametrize("name", ["lm-character", "translate", "tag-crf", "classify-table"])
def test_the_derivation_of_a_run(name: str) -> None:
    document = without_names(explain_run(Path(__file__).parent / "golden" / "runs" / name))
    # The names of the run and of the type of its numbers.
    names = {*WORD.findall(name), "float"}
    assert english(text(document)) - names
    assert not english(text(translated(document, Language.ZH))) - names


@pytest.mark.parametrize("name", ["lstm", "gru-simple"])
def test_the_page_of_a_derivation(name: str) -> None:
    document = without_names(derivation(CATALOGUE[name]))
    shown = page(translated(document, Language.ZH))
    shown = re.sub(r"<(style|script|math|code)\b.*?</\1>", "", shown, flags=re.DOTALL)
    said = re.findall(r'(?:aria-label|title|alt)="([^"]*)"', shown)
    assert not english(html.unescape(" ".join([re.sub(r"<[^>]*>", " ", shown), *said])))


@pytest.mark.parametrize(
    ("cell", "radius"), [("elman-tanh", 0.5), (LINEAR, 1.5), ("gru", 0.5), ("lstm", 1.0)]
)
def test_a_verdict(cell: Any, radius: float) -> None:
    found = verdict(planted(cell, radius))
    assert english(" ".join(each.headline for each in found))
    for each in translated_phrases(found, table_of(Language.ZH)):
        assert not english(f"{each.headline} {each.evidence} {each.advice}")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for job, more in (("lm", {"level": "word", "cell": "gru"}), ("translate", {"cell": "lstm"})):
        words = [word.removeprefix("--").replace("-", "_") for word in SMALL[job]]
        given: dict[str, Any] = {**dict(zip(words[::2], map(int, words[1::2]), strict=True)), **more}
        bptt.train(job, write_file(job, folder), folder / job, **given)
    return folder


@pytest.mark.parametrize("job", ["lm", "translate"])
def test_an_inspection(runs: Path, command: Command, tmp_path: Path, chromium: Browser, job: str) -> None:
    data = [] if job == "lm" else ["--data", runs / write_file(job, tmp_path)]
    shown = tmp_path / "1.html"
    ended = command("inspect", runs / job, *data, "--property", "[aeu]", "--lang", "zh", "-o", shown)
    assert ended.code == 0
    assert not english(ended.out.replace("[aeu]", "").replace(str(shown), ""))
    with opened(chromium, shown, DESKTOP, dark=False) as found:
        assert found.evaluate("document.documentElement.lang") == "zh-CN"
        labels = "[...document.querySelectorAll('[aria-label]')].map(e => e.ariaLabel).join(' ')"
        said = found.inner_text("body"), str(found.evaluate(labels))
    words = {job, "book", "txt", *WORD.findall(CONTENTS[job][1])}
    assert not english(" ".join(said).replace("[aeu]", "")) - words


def test_look_and_next(runs: Path, command: Command) -> None:
    given = ("the cats was full", "--lang", "zh")
    for arguments in (
        ("look", runs / "lm", *given),
        ("look", runs / "lm", *given, "--property", "c.ts", "--limit", 2),
        ("look", runs / "lm", "--word", "cat zebra", "--lang", "zh"),
        ("look", runs / "translate", "go home", "--lang", "zh"),
        ("look", runs / "translate", "go home", "--part", "encoder", "--lang", "zh"),
        ("next", runs / "lm", *given),
    ):
        ended = command(*arguments)
        assert ended.code == 0
        assert ended.err or arguments[1] != runs / "lm"
        assert not english(f"{ended.out.splitlines()[0]} {ended.err.replace('c.ts', '')}"), arguments


def test_columns_have_the_same_names_for_programs(
    runs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = command("next", runs / "lm", "the")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    other = command("next", runs / "lm", "the")
    assert usual.out == other.out
    assert usual.err != other.err
