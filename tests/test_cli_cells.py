"""`bptt cells`: the catalogue, one cell, the counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command

from bptt.cells import CATALOGUE


def test_the_catalogue_shows_every_cell_with_its_equations_and_source(command: Command) -> None:
    ended = command("cells")
    assert ended.code == 0
    for cell in CATALOGUE.values():
        assert f"{cell.name}: {cell.title}\n" in ended.out
        assert all(f"    {equation.text}\n" in ended.out for equation in cell.equations)
        assert cell.source in ended.out


def test_one_cell_in_full(command: Command) -> None:
    out = command("cells", "lstm-projection").out
    assert "  states   h, c (output h)\n" in out
    assert "  weights  4·H·I + 4·H·P + 4·H + P·H\n" in out
    assert "    V (P, H): V_h; starts uniform within ±1/√H\n" in out


def test_a_cell_of_the_users_own(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "mycell.py"
    file.write_text(
        "from bptt import Cell\n"
        "Leaky = Cell.define('leaky', 'n = tanh(W_n @ x + R_n @ h_prev)\\nh = a * h_prev + n',\n"
        "                    states='h', constants={'a': 0.5})\n",
        encoding="utf-8",
    )
    out = command("cells", f"{file}:Leaky").out
    assert "    h = a * h_prev + n\n" in out
    assert "    a = 0.5\n" in out
    assert "  weights  H·I + H·H\n" in out


def test_counts_at_equal_size_and_at_an_equal_budget(command: Command) -> None:
    lines = command("cells", "--input", 64, "--hidden", 256).out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert rows["lstm"] == ["328704", "100.0%", "256", "328704"]
    assert rows["gru"] == ["246528", "75.0%", "300", "328500"]
    assert rows.keys() == CATALOGUE.keys()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input", 3], "bptt cells: a count needs both --input and --hidden\n"),
        (["--hidden", 3], "bptt cells: a count needs both --input and --hidden\n"),
        (
            ["--input", 3, "--hidden", 0],
            "bptt: --hidden: is a whole number of at least 1, got 0\n",
        ),
    ],
)
def test_half_a_size_is_refused(command: Command, options: list[object], said: str) -> None:
    ended = command("cells", *options)
    assert ended.code == 2
    assert ended.err == said
