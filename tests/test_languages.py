"""Derivations in Chinese: nothing but names is left in English."""

from __future__ import annotations

import ast
import pkgutil
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from derivations import DERIVATIONS
from typer.testing import CliRunner

from bptt.cells import CATALOGUE, Cell
from bptt.cli.main import app
from bptt.explain import derivation, latex, page, text
from bptt.explain.document import Stage
from bptt.explain.plain import columns
from bptt.explain.text import text_lines
from bptt.explain.translation import templates, translated
from bptt.explain.wrapping import wrapped
from bptt.languages import zh
from bptt.languages.available import Language, language_of
from bptt.languages.phrase import filled, in_order, phrase, table_of, translate
from bptt.languages.zh import CHINESE
from bptt.languages.zh.live_words import LIVE
from bptt.languages.zh.page_words import PAGES

ROOT = Path(__file__).parent.parent
ZH = table_of(Language.ZH)
OF_PAGES = PAGES.keys() | LIVE.keys()
WORD = re.compile(r"[A-Za-z]{2,}")
# Names of cells, functions, programs and people; they are the same in Chinese.
_PEOPLE = frozenset({"Elman", "Huber", "Mitchell"})
NAMES = _PEOPLE | frozenset(
    "tanh ReLU sigmoid softmax IndRNN LSTM peephole GRU MGU torch cuDNN Vector Downstream "
    "minGRU minLSTM SRU softplus "
    "elman relu lstm gru net max orthogonal identity Lyapunov Spearman JavaScript NaN MB worker "
    "ln DNA".split()
)
# Commands, fields and tokens are spelt as they are.
SPELLED = re.compile(r"`[^`]*`|<[a-z]+>")


@pytest.mark.parametrize("name", DERIVATIONS)
def test_every_template_is_translated(name: str) -> None:
    """Run alone, this test lists the templates that the tables lack."""
    found = dict.fromkeys(templates(DERIVATIONS[name]()))
    lacking = [template for template in found if ZH(template) is None and WORD.search(template)]
    sources = {cell.source for cell in CATALOGUE.values()}
    assert not set(lacking) - sources, "\n".join(map(repr, lacking))


def test_every_template_in_the_code_is_translated() -> None:
    """Templates of sentences that none of the documents above has."""
    lacking = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.args[0].value!r}"
        for path in sorted((ROOT / "bptt").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("say", "phrase")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and WORD.search(node.args[0].value)
        and ZH(node.args[0].value) is None
    ]
    assert not lacking, "\n".join(lacking)


# A call of `say` in a script, with a text in one or more pieces.
SAID = re.compile(r"""\bsay\(\s*((?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(?:\s*\+\s*)?)+)""")
PIECE = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""")


@pytest.mark.parametrize(
    ("folder", "table", "known"),
    [("report/page_files", PAGES, PAGES), ("live/page_parts", LIVE, {**PAGES, **LIVE})],
    ids=["inspect", "live"],
)
def test_every_word_of_a_page_is_translated(
    folder: str, table: dict[str, str], known: dict[str, str]
) -> None:
    files = ROOT / "bptt" / folder
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in sorted(files.glob("*.js")))
    said = {"".join(a or b for a, b in PIECE.findall(found)) for found in SAID.findall(scripts)}
    for frame in files.glob("*.html"):
        said |= set(re.findall(r"\[\[(.+?)\]\]", frame.read_text(encoding="utf-8")))
    assert len(said) > 80
    assert sorted(said - set(known)) == []
    # Words that are chosen first and said then are strings of the scripts, too.
    joined = re.sub(r"""["']\s*\+\s*["']""", "", scripts)
    assert [text for text in set(table) - said if text not in joined] == []


def test_each_template_stands_in_one_table() -> None:
    """That of pages repeats some, for a page is given it alone."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(zh.__path__):
        contents = vars(import_module(f"{zh.__name__}.{module.name}")).items()
        (table,) = (value for name, value in contents if name.isupper())
        twice = {english for english in found.keys() & table.keys() if found[english] != table[english]}
        is_of_pages = table is PAGES or table is LIVE
        assert not (twice if is_of_pages else found.keys() & table.keys() - OF_PAGES), module.name
        found |= table
    assert found == CHINESE


def test_each_template_is_one_of_the_code() -> None:
    texts = {cell.title for cell in CATALOGUE.values()}
    # Titles of layers that are made of a function.
    texts |= {f"Feed-forward layer, {name}" for name in ("ReLU", "tanh")}
    for path in (ROOT / "bptt").rglob("*.py"):
        if path.parent.name != "zh":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            texts |= {
                n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
    assert sorted(CHINESE.keys() - OF_PAGES - texts) == []


@pytest.mark.parametrize("english", CHINESE)
def test_a_translation_has_the_same_insertions_and_no_english(english: str) -> None:
    count = english.count("{}")
    template, places = in_order(english, count, ZH)
    assert template.count("{}") == len(places)
    assert set(places) == set(range(count))
    if english in {cell.source for cell in CATALOGUE.values()}:
        return
    template = SPELLED.sub("", template)
    assert set(WORD.findall(template)) <= NAMES, template
    assert not re.search(r"[,;!?:](?: |$)|[^\d ]\. |[^\d]\.$", template), "Chinese has its own punctuation"


def test_insertions_change_places() -> None:
    assert in_order("{} of unit {}", 2, ZH) == ("单元 {} 的 {}", [1, 0])
    assert translate(phrase("{}: {} of {}", "x", "y", "z"), ZH) == "x：z 的y"
    assert in_order("{}, {}, {}", 3, ZH) == ("{}、{}、{}", [0, 1, 2])


def test_a_text_with_braces_is_no_template() -> None:
    assert filled("{} {0}", ()) == "{} {0}"
    cell = Cell.define("own", "h = tanh(W_h @ x)", title="{} {0} {1}")
    assert text(translated(derivation(cell), Language.ZH)).startswith("{} {0} {1}\n")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_environment_chooses(environment: dict[str, str], language: str) -> None:
    assert language_of(environment).value == language


def test_the_command_line_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner()
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "输入" in run.invoke(app, ["derive", "gru"]).stdout
    assert "input" in run.invoke(app, ["derive", "gru", "--lang", "en"]).stdout
    monkeypatch.setenv("LC_ALL", "C")
    assert "input" in run.invoke(app, ["derive", "gru"]).stdout
    assert "输入" in run.invoke(app, ["derive", "gru", "--lang", "zh"]).stdout


@pytest.mark.parametrize("name", CATALOGUE)
def test_formulas_are_the_same(name: str) -> None:
    document = derivation(CATALOGUE[name])
    chinese = translated(document, Language.ZH)
    for english, other in zip(document.sections, chinese.sections, strict=True):
        written = (text(replace(chinese, facts=(), sections=(each,))) for each in (english, other))
        first, second = ([line for line in one.splitlines() if line[:4] == "    "] for one in written)
        assert first == second


def test_page_and_latex_name_the_language() -> None:
    english = derivation(CATALOGUE["gru"])
    chinese = translated(english, Language.ZH)
    assert '<html lang="zh-CN">' in page(chinese)
    assert '<html lang="en">' in page(english)
    assert "ctex" in latex(chinese).splitlines()[0]
    assert "ctex" not in latex(english).splitlines()[0]


@pytest.mark.parametrize("width", [40, 61, 96])
def test_lines_fit_and_begin_with_no_closing_sign(width: int) -> None:
    document = translated(derivation(CATALOGUE["lstm"]), Language.ZH)
    lines = [line.text for line in text_lines(document.only(Stage.STORAGE), width)]
    for prose in ("中文，" * 100, "（见下）和 word，" * 30, "“引号”。" * 30):
        lines += wrapped(prose, width, "  ", "  ")
        assert "".join(wrapped(prose, width, "", "")).replace(" ", "") == prose.replace(" ", "")
    for line in lines:
        assert columns(line) <= width or "·" in line
        assert line.lstrip()[:1] not in tuple("，。；：、）”")
        assert line[-1:] not in tuple("（“")
