"""`bptt derive`: the notations, one stage, a file, a cell of one's own, what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from conftest import Command

from bptt.cells import CATALOGUE
from bptt.cli.derive import OF_A_RUN
from bptt.explain.document import Stage
from bptt.explain.network.whole_network import OF_A_NETWORK
from bptt.explain.unrolled.document import UNROLLED

GOLDEN = Path(__file__).parent / "golden" / "derive_lstm.txt"


def test_plain_text_where_there_is_no_terminal(command: Command) -> None:
    ended = command("derive", "lstm")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("notation", [[], ["--latex"], ["--html"]])
def test_every_cell_of_the_catalogue(command: Command, name: str, notation: list[str]) -> None:
    ended = command("derive", name, *notation)
    assert ended.code == 0
    assert CATALOGUE[name].title in ended.out


OF_ONE_STEP = [stage.value for stage in Stage if stage not in (*OF_A_RUN, *OF_A_NETWORK, *UNROLLED)]


@pytest.mark.parametrize("stage", OF_ONE_STEP)
def test_one_stage(command: Command, stage: str) -> None:
    out = command("derive", "gru", "--stage", stage).out
    headings = [line for line in out.splitlines() if line[:1].isdecimal()]
    assert len(headings) == 1
    assert command("derive", "--help").out.count(stage) >= 1


def test_a_page_in_a_file(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "lstm.html"
    ended = command("derive", "lstm", "--html", "-o", file)
    assert (ended.code, ended.out) == (0, "")
    assert file.read_text(encoding="utf-8") == command("derive", "lstm", "--html").out


def test_a_cell_of_the_users_own(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "mycell.py"
    file.write_text(
        "from bptt import Cell\n"
        "Leaky = Cell.define('leaky', 'n = tanh(W_n @ x + R_n @ h_prev)\\nh = a * h_prev + n',\n"
        "                    states='h', constants={'a': 0.5})\n",
        encoding="utf-8",
    )
    out = command("derive", f"{file}:Leaky").out
    assert "    ∂hₜ/∂hₜ₋₁ = a + diag(1 − nₜ²) R_n\n" in out


def test_colours_on_a_terminal_as_wide_as_it_is(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    out = command("derive", "lstm", "--stage", "adjoint").out
    assert "\x1b[32m    δoₜ             = δhₜ ⊙ τ_cₜ\x1b[0m\n" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-cell"], "Known cells: elman-tanh"),
        (["lstm", "--latex", "--html"], "one of --latex and --html"),
        (["lstm", "--stage", "nothing"], "adjoint"),
        (["missing.py:Cell"], "the file must exist"),
        (["lstm,", "--loss", "softmax"], "Known cells: elman-tanh"),
        (["lstm", "--stage", "loss"], "Sections of a network need --loss, or several cells"),
        (["lstm,gru", "--stage", "adjoint"], "is one of network, layers, sums"),
        (["lstm", "--loss", "softmax", "--sizes", "3,4"], "needs 3 widths for this network"),
        (["lstm", "--loss", "softmax", "--sizes", "3,4,1"], "the softmax needs two outputs at least, got 1"),
        (["lstm", "--no-bias"], "--no-bias goes with --numbers, got it alone. Add --numbers"),
        (["lstm", "--unit", "2"], "--unit is for a run, got lstm. Name the folder of a run"),
        (["lstm", "--sizes", "2,2,1"], "got 3. Expected input, layer 1; --loss adds an output layer"),
        (["crf", "--unroll", "2"], "crf has no layers, sizes or numbers, got --unroll. Leave it out"),
        (["crf", "--draw", "cell"], "crf has no layers, sizes or numbers, got --draw. Leave it out"),
        (["crf", "--figures", "f"], "crf has no layers, sizes or numbers, got --figures. Leave it out"),
        (["crf", "--notation", "texts"], "got --notation. Leave it out"),
        (["lstm", "--sizes", "3,x"], "needs positive whole numbers separated by commas"),
    ],
)
def test_what_is_refused(command: Command, arguments: list[str], words: str) -> None:
    ended = command("derive", *arguments)
    assert ended.code == 2
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_a_folder_that_is_not_there(command: Command, tmp_path: Path) -> None:
    ended = command("derive", "lstm", "-o", tmp_path / "missing" / "lstm.txt")
    assert "lstm.txt: must be writable, got No such file" in ended.err
    assert ended.code == 2
    assert "missing" in ended.err


def test_the_kernel_beside_the_equations(command: Command) -> None:
    ended = command("derive", "lstm", "--stage", "kernel")
    assert ended.code == 0
    beside = (
        "    cₜ     = fₜ ⊙ cₜ₋₁ + iₜ ⊙ gₜ\n *\\d+  const Vector v_c = v_f \\* v_c_prev \\+ v_i \\* v_g;\n"
    )
    assert re.search(beside.replace("+ iₜ", "\\+ iₜ"), ended.out)
    assert "One product for net_iₜ, net_fₜ, net_gₜ, net_oₜ." in ended.out
    assert "No line of its own: inlined into that of δnet_fₜ." in ended.out
    assert "\\begin{verbatim}" in command("derive", "gru", "--stage", "kernel", "--latex").out


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--text", "a"), "--text is for a run, got lstm"),
        (("--step", 1), "--step is for a run, got lstm"),
        (("--unit", 2), "--unit is for a run, got lstm"),
        (("--stage", "shapes"), "shapes and numbers are those of a run"),
    ],
)
def test_a_cell_has_no_numbers(command: Command, option: tuple[object, ...], words: str) -> None:
    ended = command("derive", "lstm", *option)
    assert ended.code == 2 and words in ended.err


@pytest.mark.parametrize("stage", OF_A_NETWORK)
@pytest.mark.parametrize("notation", [[], ["--latex"], ["--html"]])
def test_one_stage_of_a_network(command: Command, stage: Stage, notation: list[str]) -> None:
    ended = command("derive", "dense,dense", "--loss", "softmax", "--stage", stage.value, *notation)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("dense, dense, softmax") >= 1
    headings = [line for line in ended.out.splitlines() if line[:1].isdecimal()]
    assert notation or len(headings) == 1


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_cell_with_an_output_layer_and_a_loss(command: Command, name: str) -> None:
    options = ("--loss", "softmax", "--embedding", "--rows", "--sizes", "9,4,4,9")
    ended = command("derive", name, *options)
    assert (ended.code, ended.err) == (0, "")
    assert "softmax(V " in ended.out and "∇M = Σₜ eₜ δx⁽¹⁾ₜᵀ" in ended.out.replace("δxₜ", "δx⁽¹⁾ₜ")


def test_the_page_of_a_network_is_well_formed_and_its_links_lead_somewhere(command: Command) -> None:
    page = command("derive", "lstm,gru", "--loss", "softmax", "--embedding", "--rows", "--html").out
    root = ET.fromstring(page.split("\n", 1)[1])
    targets = {each.get("id") for each in root.iter() if each.get("id")}
    links = [each.get("href", "")[1:] for each in root.iter("a")]
    assert len(links) == len(set(links)) > 5 and set(links) <= targets


def test_a_network_imports_no_torch() -> None:
    code = (
        "import sys\nfrom bptt.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules"
    )
    arguments = ["derive", "lstm,gru", "--loss", "softmax", "--embedding", "--rows", "--latex"]
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_unrolled_steps_and_their_sections(command: Command, tmp_path: Path) -> None:
    out = command("derive", "elman-tanh", "--unroll", 3, "--loss", "softmax").out
    assert "    h₂ = tanh(W_h x₂ + R_h tanh(W_h x₁ + R_h h₀ + b_h) + b_h)\n" in out
    assert "    o₁ = softmax(V tanh(W_h x₁ + R_h h₀ + b_h) + b)\n" in out
    for stage in UNROLLED:
        one = command("derive", "gru", "--unroll", 2, "--stage", stage.value, "--sizes", "2,2").out
        assert len([line for line in one.splitlines() if line[:1].isdecimal()]) == 1
    file = tmp_path / "mycell.py"
    file.write_text(
        "from bptt import Cell\nTwo = Cell.define('two', 's = a * s_prev + W_s @ x\\nh = tanh(s + h_prev)',"
        " states='h s', constants={'a': 0.5})\n",
        encoding="utf-8",
    )
    assert "    s₂  = a a s₀ + a (W_s x₁) + W_s x₂\n" in command("derive", f"{file}:Two", "--unroll", 2).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lstm", "--unroll", "9"], "at most 8"),
        (["lstm", "--unroll", "0"], "at least 1"),
        (["dense", "--unroll", "2"], "carries a state"),
        (["lstm", "--stage", "pairs"], "--unroll 3"),
        (["lstm", "--unroll", "2", "--stage", "kernel"], "elements"),
        (["lstm", "--unroll", "2", "--rows"], "--loss, --sizes, --notation"),
        (["lstm", "--unroll", "2", "--sizes", "7,2"], "at most 5"),
        (["lstm,gru", "--unroll", "2"], "one cell"),
        ([".", "--unroll", "2"], "unrolls a cell"),
    ],
)
def test_what_cannot_be_unrolled_is_refused(command: Command, arguments: list[str], said: str) -> None:
    ended = command("derive", *arguments)
    assert ended.code == 2 and said in ended.err


def test_the_help_shows_defaults_as_they_are_typed(command: Command) -> None:
    assert "[default: cell]" in command("derive", "--help").out
