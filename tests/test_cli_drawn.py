"""`bptt derive` draws: a diagram by its name, a page of all, files of figures; of a cell, a stack, a run."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Command
from diagram_texts import kept

from bptt.cells import CATALOGUE
from bptt.explain.diagrams.architectures import named
from bptt.explain.diagrams.diagram import Diagram
from bptt.explain.diagrams.diagram_names import DiagramName
from bptt.explain.document import Derivation, Sentence
from bptt.explain.drawn import fitting, with_diagrams
from bptt.explain.plain import columns
from bptt.explain.text import text_lines
from bptt.explain.translation import translated
from bptt.files import MARK
from bptt.languages.available import Language

NAMES = tuple(named(""))

RUNS = Path(__file__).parent / "golden" / "runs"


@pytest.mark.parametrize("name", [name.value for name in DiagramName])
def test_one_diagram_by_its_name(command: Command, name: str) -> None:
    own = name not in NAMES
    drawn = kept("lstm").split(f"lstm-{name}\n\n" if own else f"\n{name}\n\n", 1)[1]
    expected = [line.strip() for line in drawn.splitlines()[:5]]
    out = command("derive", "lstm", "--draw", name).out
    assert [line.strip() for line in out.splitlines()[5:10]] == expected


def test_every_architecture_has_a_name() -> None:
    assert {*NAMES} < {name.value for name in DiagramName}


def test_figures_are_files_of_their_own(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    ended = command("derive", "gru", "--figures", folder)
    assert (ended.code, ended.out, ended.err) == (0, "", f"diagrams: {folder}\n")
    names = {"cell", "folded", "unrolled", "through-time", "graph"}
    assert {path.name for path in folder.iterdir()} == {f"gru-{name}.svg" for name in names}
    for path in folder.iterdir():
        text = path.read_text("utf-8")
        assert MARK in text
        assert ElementTree.fromstring(text.encode()).tag.endswith("}svg")
    assert command("derive", "gru", "--figures", folder).code == 0
    (folder / "gru-cell.svg").write_text("mine", "utf-8")
    assert command("derive", "gru", "--figures", folder).code == 2
    assert (folder / "gru-cell.svg").read_text("utf-8") == "mine"


def test_figures_of_one_diagram(command: Command, tmp_path: Path) -> None:
    assert command("derive", "gru", "--draw", "deep", "--figures", tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["deep.svg"]


def test_the_picture_in_the_walkthrough_is_the_one_that_is_drawn(command: Command, tmp_path: Path) -> None:
    assert command("derive", "lstm", "--draw", "graph", "--figures", tmp_path).code == 0
    kept_there = Path(__file__).parents[1] / "docs" / "images" / "lstm-graph.svg"
    assert (tmp_path / kept_there.name).read_bytes() == kept_there.read_bytes()


def test_the_page_has_all_diagrams_and_is_well_formed(command: Command) -> None:
    page = command("derive", "gru", "--html").out
    assert page.count("<svg ") == 5
    assert not re.search(r"<(script|link)|https?://(?!www\.w3\.org)", page)
    ElementTree.fromstring(page.split("\n", 1)[1])


def test_latex_has_a_picture_with_formulas(command: Command) -> None:
    out = command("derive", "gru", "--draw", "graph", "--latex").out
    assert "tikz" in out.splitlines()[1]
    assert out.count(r"\begin{tikzpicture}") == out.count(r"\end{tikzpicture}") == 1
    nodes = re.findall(r"\\node\[.*?\] at \(.*?\) \{(.*)\};", out)
    assert len(nodes) == out.count(r"\node") > 40
    assert all(node.count("{") == node.count("}") and node.isascii() for node in nodes)


def test_a_stack_of_cells_shows_its_architecture(command: Command) -> None:
    out = command("derive", "elman-tanh,gru", "--loss", "softmax", "--stage", "diagrams").out
    top = out.split("at the top:")[1].split("The cell:")[0]
    assert [top.count(word) for word in ("softmax", "gru", "elman-tanh")] == [3, 3, 3]
    layers = command("derive", "dense,dense", "--loss", "squared", "--stage", "diagrams").out
    assert layers.split("The layer:")[0].count("feed-forward") == 2


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("tag", {"CRF": 1, "embedding": 3, "output layer": 3, "◀": 2}),
        ("classify-text", {"maximum": 1, "output layer": 1}),
        ("translate", {"attention": 1, "bridge": 1}),
        ("lm-word", {"embedding": 3, "output layer": 3, "▶": 2}),
    ],
)
def test_the_diagram_of_a_run_is_that_of_its_model(command: Command, run: str, words: dict[str, int]) -> None:
    out = command("derive", RUNS / run, "--stage", "diagrams").out
    model = out.split("The model,")[1].split("The cell:")[0]
    assert {word: model.count(word) for word in words} == words


def test_words_in_diagrams_are_translated(command: Command) -> None:
    out = command("derive", RUNS / "translate", "--stage", "diagrams", "--lang", "zh").out
    assert "注意力" in out
    assert not re.search("attention|bridge|embedding|delay", out)


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["dense", "--draw", "folded"], "Choose cell or graph"),
        ([RUNS / "tag", "--draw", "cell"], "choose --stage diagrams"),
        (["gru", "--draw", "cell", "--stage", "normal"], "without --stage"),
        (["gru", "--figures", "x", "--stage", "normal"], "got --stage. Leave it out"),
        (["gru", "--figures", "x", "--unroll", "2"], "got --unroll. Leave it out"),
        (["gru", "--figures", "x", "--numbers"], "got --numbers. Leave it out"),
        (
            ["gru", "--draw", "cell", "--numbers"],
            "--draw shows one diagram alone, got --numbers",
        ),
        (["gru", "--draw", "cell", "--sizes", "2,2"], "got --sizes. Leave it out"),
        (["gru", "--draw", "cell", "--unroll", "2"], "got --unroll. Leave it out"),
        (["gru", "--draw", "cell", "--loss", "softmax"], "got --loss. Leave it out"),
        (["gru", "--draw", "cell", "--unit", "2"], "got --unit. Leave it out"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    command: Command, arguments: list[object], cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command("derive", *arguments)
    assert ended.code == 2
    assert cure in ended.err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("language", Language)
def test_a_terminal_gets_no_line_that_it_must_break(language: Language) -> None:
    document = with_diagrams(Derivation("LSTM", (), ()), (CATALOGUE["lstm"],))
    for width, wider in ((80, 4), (120, 2), (240, 0)):
        shown = translated(fitting(document, width, "--files", "--page"), language)
        assert all(columns(line.text) <= width for line in text_lines(shown, width))
        pairs = zip(document.sections[0].parts, shown.sections[0].parts, strict=True)
        replaced = [new for old, new in pairs if isinstance(old, Diagram) and isinstance(new, Sentence)]
        assert len(replaced) == wider
        assert {part.insertions[1] for part in replaced} <= {str(width)}
