"""`bptt playground`: a page opened, or a file written, and what it refuses."""

from __future__ import annotations

import re
import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bptt.cells import CATALOGUE, Cell
from bptt.cells.own_function import define_function
from bptt.cli.main import app
from bptt.errors import InputError
from bptt.files import CACHE
from bptt.playground.playground_page import playground_page, write_playground

DOCUMENTATION = Path(__file__).parent.parent / "docs"


def call(*arguments: str) -> list[str]:
    result = CliRunner().invoke(app, ["playground", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout.splitlines()


@pytest.mark.parametrize("opens", [True, False])
def test_the_page_is_opened(opens: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or opens)
    page = tmp_path / "cache" / "playground.html"
    said = call()
    assert asked == [page.as_uri()]
    assert said == [f"page: {page}", *([] if opens else ["no browser opened: open the page yourself"])]
    assert page.read_text(encoding="utf-8") == playground_page()


def test_a_file_is_written_and_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: pytest.fail(address))
    page = tmp_path / "playground.html"
    assert call("mgu", "-o", str(page)) == [f"page: {page}"]
    # Its own earlier output may be replaced.
    call("mgu", "-o", str(page))
    assert page.read_text(encoding="utf-8") == playground_page(CATALOGUE["mgu"])
    assert playground_page(CATALOGUE["mgu"]) != playground_page()


def test_nothing_of_others_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "mine.html"
    page.write_text("mine")
    with pytest.raises(InputError, match="must be free, or an earlier output of bptt"):
        write_playground(page)
    assert page.read_text() == "mine"


def test_the_sign_of_standard_output_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^-: must be the name of a file"):
        call("-o", "-")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["playground.md", "playground.zh-CN.md"])
def test_the_page_is_as_large_as_the_documentation_says(name: str) -> None:
    (said,) = re.findall(r"(\d+) kB", (DOCUMENTATION / name).read_text(encoding="utf-8"))
    assert int(said) == pytest.approx(len(playground_page().encode()) / 1000, rel=0.05)


def test_functions_of_packages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    softsign = define_function("softsign", "x / (1 + abs(x))", "(1 - abs(y))**2")
    monkeypatch.setattr("bptt.cells.functions.plugins.find", lambda *_: softsign)
    cell = Cell.define("mine", "h = softsign(W_h @ x + R_h @ h_prev)", states="h")
    with pytest.raises(InputError, match="the page knows the functions of bptt alone, got 'softsign'"):
        playground_page(cell)
