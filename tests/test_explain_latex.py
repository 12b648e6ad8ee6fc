"""The derivation in LaTeX: read by a parser that is not ours; no text of a cell is a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from hostile import HOSTILE
from matplotlib.mathtext import MathTextParser

from bptt.cells import CATALOGUE, Cell, get
from bptt.derive.network import Loss, Network
from bptt.explain.derivation import derivation
from bptt.explain.document import Derivation, Stage
from bptt.explain.formula_tree import MathName
from bptt.explain.latex import escape, formula_latex, latex
from bptt.explain.network.whole_network import derive_cells, network_derivation
from bptt.explain.network_options import NetworkOptions
from bptt.explain.numbers.document import numbers_document
from bptt.explain.numbers.node_document import node_document
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.numbers.worked import work
from bptt.explain.unrolled.document import unrolled

OWN = Cell.define(
    "own",
    """
    xi = relu(W_xi @ x)
    m = mean(xi * cos(h_prev))
    net_h = alpha * h_prev + m * xi
    h = maximum(net_h, -1e-5) / (1 + xi**2) + tanh(-(xi + net_h) * 3) + sqrt(xi / (1 + m**2)) + abs(m)
    """,
    states="h",
    constants={"alpha": 0.9},
)
CELLS = [*CATALOGUE.values(), OWN, HOSTILE]


def formulas(fragment: str) -> list[str]:
    """Everything between \\( and \\), and the cells of the align* environments."""
    blocks = re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", fragment, re.DOTALL)
    cells = [cell for block in blocks for line in block.split("\\\\\n") for cell in line.split("&")]
    return [*re.findall(r"\\\((.*?)\\\)", fragment), *(cell.replace(r"\quad", "") for cell in cells)]


def equations(cell: Cell, stage: Stage) -> list[str]:
    (block, *_) = re.findall(r"\{align\*\}\n(.*?)\n\\end", latex(derivation(cell).only(stage)), re.DOTALL)
    return [line.strip() for line in block.split("\\\\\n")]


@cache
def parse(formula: str) -> None:
    MathTextParser("path").parse(f"${formula}$")


# The parser is slow: these have every form that there is.
@pytest.mark.parametrize("cell", [OWN, get("dense"), get("gru")], ids=lambda cell: cell.name)
def test_every_formula_is_parsed(cell: Cell) -> None:
    found = formulas(latex(derivation(cell)))
    assert len(found) > 20
    for formula in found:
        if formula.strip():
            parse(formula)


@pytest.mark.parametrize("loss", Loss)
def test_every_formula_of_a_network_is_parsed(loss: Loss) -> None:
    network = Network((get("elman-tanh"), get("dense")), loss, embedding=loss is Loss.SOFTMAX)
    found = formulas(latex(network_derivation(network, rows=True)))
    assert len(found) > 60
    for formula in found:
        # The parser knows no environments: written-out matrices are those of other documents, too.
        if formula.strip() and "matrix" not in formula:
            parse(formula)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_braces_and_environments_match(cell: Cell) -> None:
    fragment = re.sub(r"\\[\\{}%]", "", latex(derivation(cell)))
    depth = 0
    for bracket in re.findall(r"[{}]", fragment):
        depth += 1 if bracket == "{" else -1
        assert depth >= 0
    assert depth == 0
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(.*?)\}", fragment):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    assert fragment.count("\\begingroup") == fragment.count("\\endgroup")


def test_the_normal_form_of_an_own_cell() -> None:
    assert [e for e in equations(OWN, Stage.NORMAL)[:9] if "max" not in e] == [
        r"\mathrm{net}_{\mathrm{xi},t} &= W_{\mathrm{xi}}\,x_{t}",
        r"\mathrm{xi}_{t} &= \operatorname{ReLU}(\mathrm{net}_{\mathrm{xi},t})",
        r"\mathrm{cos}_{h,t-1} &= \operatorname{cos}(h_{t-1})",
        r"\mathrm{in}_{m,t} &= \mathrm{xi}_{t}\odot \mathrm{cos}_{h,t-1}",
        r"m_{t} &= \operatorname{mean}(\mathrm{in}_{m,t})",
        r"\mathrm{net}_{h,t} &= \alpha \,h_{t-1}+m_{t}\,\mathrm{xi}_{t}",
        r"\mathrm{net}_{\mathrm{net},h,t} &= -10^{-5}",
        r"{\mathrm{net}'}_{h,t} &= -3\,(\mathrm{xi}_{t}+\mathrm{net}_{h,t})",
    ]


def test_the_jacobian_of_an_elman_network() -> None:
    fragment = latex(derivation(get("elman-tanh")).only(Stage.JACOBIAN))
    assert r"\frac{\partial h_{t}}{\partial h_{t-1}} &= \operatorname{diag}(1-h_{t}^{2})\,R_{h}" in fragment


def test_the_names_of_the_lstm() -> None:
    adjoint = equations(get("lstm"), Stage.ADJOINT)
    assert adjoint[0] == (
        r"\delta h_{t} &= \frac{\partial E_{t}}{\partial h_{t}}+\frac{\partial E_{>t}}{\partial h_{t}}"
    )
    assert adjoint[1] == r"\delta \tau _{c,t} &= \delta h_{t}\odot o_{t}"
    assert adjoint[4] == r"\delta \mathrm{net}_{o,t} &= \delta o_{t}\odot o_{t}\odot (1-o_{t})"


def test_no_text_of_a_cell_is_a_command() -> None:
    fragment = latex(derivation(HOSTILE))
    plain = latex(derivation(get("elman-tanh")))
    assert set(re.findall(r"\\[a-zA-Z]+", fragment)) <= set(re.findall(r"\\[a-zA-Z]+", plain)) | {
        r"\textbackslash",
        r"\textasciicircum",
        r"\textasciitilde",
        r"\textless",
        r"\textgreater",
    }
    assert escape("\\input{x}%$&#_^~") == (
        r"\textbackslash{}input\{x\}\%\$\&\#\_\textasciicircum{}\textasciitilde{}"
    )
    assert formula_latex(MathName("\\input{x}", ("}",))) == r"\text{\textbackslash{}input\{x\}}_{\text{\}}}"


def _written() -> Iterator[Derivation]:
    for name in ("lstm", "gru"):
        yield derivation(get(name))
        yield derive_cells([get(name)], NetworkOptions(loss=Loss.SQUARED))
        yield unrolled(get(name), 2, (2, 2))
        options = NetworkOptions(embedding=True, sizes="4,2,2,2")
        yield numbers_document(work([get(name)], options, NumbersOptions(steps=2)))
    yield node_document(work([get("dense")], NetworkOptions(sizes="3,2,2"), NumbersOptions()))


@pytest.mark.parametrize("document", [*_written()], ids=lambda document: document.title)
def test_every_letter_is_one_that_latex_knows(document: Derivation) -> None:
    # LaTeX's utf8.def and its text companion have Latin-1, dashes and quotation marks; no Greek, arrows, √.
    assert {letter for letter in latex(document) if letter > "\xff"} <= set("–—‘’“”…")


def test_a_percent_sign_does_not_swallow_the_rest_of_a_line() -> None:
    title = Cell.define("own", "y = sigmoid(W_y @ x)", title="50 % of it")
    assert r"\section*{50 \% of it}" in latex(derivation(title))
