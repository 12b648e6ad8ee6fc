"""Unrolled derivations of the catalogue and of users' cells, in text, LaTeX and as a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from user_cells import CELLS as OTHERS

from bptt.cells import CATALOGUE, get
from bptt.derive.network import Loss
from bptt.errors import InputError
from bptt.explain.document import Derivation, Stage
from bptt.explain.latex import latex
from bptt.explain.page import page
from bptt.explain.plain import columns
from bptt.explain.text import WIDTH, text
from bptt.explain.unrolled.document import BEFORE, UNROLLED, unrolled
from bptt.explain.unrolled.options import MOST_STEPS

GOLDEN = Path(__file__).parent / "golden"
RECURRENT = {name: cell for name, cell in {**CATALOGUE, **OTHERS}.items() if cell.states}


@pytest.mark.parametrize("name", RECURRENT)
def test_every_recurrent_cell_in_all_notations(name: str) -> None:
    document = unrolled(RECURRENT[name], 2, loss=Loss.LOGISTIC)
    assert [section.stage for section in document.sections] == [*BEFORE, *UNROLLED]
    assert text(document).count("E₂") >= 2
    ET.fromstring(page(document).removeprefix("<!DOCTYPE html>\n"))
    written = latex(document)
    for name in ("align*", "bmatrix", "tabular"):
        assert written.count(rf"\begin{{{name}}}") == written.count(rf"\end{{{name}}}")


@pytest.mark.parametrize(("name", "steps"), [("elman-tanh", 3), ("lstm", 2)])
def test_text_is_that_of_the_golden_file(name: str, steps: int) -> None:
    document = unrolled(get(name), steps, loss=Loss.SOFTMAX).only(*UNROLLED)
    assert text(document) == (GOLDEN / f"unrolled_{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("steps", "every"), [(1, "E₁"), (2, "E₁ + E₂"), (3, "E₁ + E₂ + E₃"), (4, "E₁ + ⋯ + E₄")]
)
def test_the_losses_are_added_over_the_steps_that_there_are(steps: int, every: str) -> None:
    lines = text(unrolled(get("elman-tanh"), steps).only(Stage.PAIRS)).splitlines()
    head = next(line for line in lines if line.lstrip().startswith("step "))
    assert re.split("  +", head.strip()) == ["step", *(f"E{'₁₂₃₄'[k]}" for k in range(steps)), every]


@pytest.mark.parametrize("name", ["elman-relu", "lstm"])
def test_no_line_is_wider_than_the_terminal(name: str) -> None:
    lines = text(unrolled(get(name), MOST_STEPS)).splitlines()
    assert max(map(columns, lines)) <= WIDTH


def test_elements_have_the_sizes_that_were_asked_for() -> None:
    document = unrolled(get("elman-tanh"), 1, (4, 2)).only(UNROLLED[-1])
    assert "w₂₄" in text(document) and "r₂₂" in text(document) and "w₃₁" not in text(document)
    with pytest.raises(InputError, match="at most 5"):
        unrolled(get("lstm"), 1, (6, 2))


def test_only_a_recurrent_cell_is_unrolled() -> None:
    with pytest.raises(InputError, match="carries a state"):
        unrolled(get("dense"), 2)


def test_steps_count_in_chains_summands_and_pairs() -> None:
    def lines(steps: int) -> Derivation:
        return unrolled(get("elman-tanh"), steps)

    for steps in (1, 2, 5):
        printed = text(lines(steps))
        assert f"∂E{'₀₁₂₃₄₅'[steps]}/∂R_h₁ = " in printed
        assert printed.count(" ∂⁺h₁/∂R_h\n") == 1
        last = " ".join(f"∂h{'₀₁₂₃₄₅'[k]}/∂h{'₀₁₂₃₄₅'[k - 1]}" for k in range(steps, 1, -1))
        assert f"{last} ∂⁺h₁/∂R_h\n".lstrip() in printed
