"""A cell as a value: what follows from reading its equations, its plain data, and where cells come from."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn import SIZES, Drawn, draw

from bptt.cells import CATALOGUE, Cell, get, load
from bptt.codegen.plan import plan
from bptt.errors import InputError

LSTM = CATALOGUE["lstm"]

# ---- families, widths, counts: typed from the papers and from torch, not from the cells

FAMILIES = {
    "elman-tanh": {"W": ("H", "I"), "R": ("H", "H"), "b": ("H",)},
    "elman-relu": {"W": ("H", "I"), "R": ("H", "H"), "b": ("H",)},
    "elman-sigmoid": {"W": ("H", "I"), "R": ("H", "H"), "b": ("H",)},
    "indrnn": {"W": ("H", "I"), "u": ("H",), "b": ("H",)},
    "lstm": {"W": ("4H", "I"), "R": ("4H", "H"), "b": ("4H",)},
    "lstm-peephole": {"W": ("4H", "I"), "R": ("4H", "H"), "p": ("3H",), "b": ("4H",)},
    "lstm-peephole-previous": {"W": ("4H", "I"), "R": ("4H", "H"), "p": ("3H",), "b": ("4H",)},
    "lstm-projection": {"W": ("4H", "I"), "R": ("4H", "P"), "b": ("4H",), "V": ("P", "H")},
    "lstm-coupled": {"W": ("3H", "I"), "R": ("3H", "H"), "b": ("3H",)},
    "lstm-layernorm": {"W": ("4H", "I"), "R": ("4H", "H"), "gain": ("5H",), "b": ("5H",)},
    "gru": {"W": ("3H", "I"), "R": ("3H", "H"), "b": ("3H",)},
    "gru-torch": {"W": ("3H", "I"), "b": ("3H",), "R": ("3H", "H"), "d": ("3H",)},
    "gru-simple": {"W": ("2H", "I"), "R": ("2H", "H"), "b": ("2H",)},
    "mgu": {"W": ("2H", "I"), "R": ("2H", "H"), "b": ("2H",)},
    "mingru": {"W": ("2H", "I"), "b": ("2H",)},
    "minlstm": {"W": ("3H", "I"), "b": ("3H",)},
    "sru": {"W": ("4H", "I"), "b": ("2H",)},
    "dense": {"W": ("H", "I"), "b": ("H",)},
}


def size(term: str) -> int:
    return int(term[:-1] or 1) * SIZES[term[-1]]


@pytest.mark.parametrize("name", CATALOGUE)
def test_families_and_counts_of_the_catalogue(name: str) -> None:
    cell = CATALOGUE[name]
    shapes = {family.name: family.shape(SIZES) for family in cell.families}
    expected = {family: tuple(map(size, terms)) for family, terms in FAMILIES[name].items()}
    assert shapes == expected
    assert cell.count(SIZES) == sum(torch.Size(shape).numel() for shape in expected.values())


def test_formulas_of_families() -> None:
    assert [f.formula for f in CATALOGUE["lstm-projection"].families] == ["4·H·I", "4·H·P", "4·H", "P·H"]


@pytest.mark.parametrize(
    ("name", "gates"),
    [
        ("lstm", "i f g o"),
        ("gru", "r z n"),
        ("gru-torch", "r z n"),
        ("mgu", "f n"),
        ("lstm-coupled", "f g o"),
    ],
)
def test_rows_are_stacked_in_the_order_of_the_equations(name: str, gates: str) -> None:
    for family in CATALOGUE[name].families:
        assert family.members == tuple(f"{family.name}_{gate}" for gate in gates.split())


def test_peepholes_follow_the_gates_not_their_first_use() -> None:
    peepholes = next(f for f in CATALOGUE["lstm-peephole"].families if f.name == "p")
    assert peepholes.members == ("p_i", "p_f", "p_o")


def test_widths_and_letters() -> None:
    cell = CATALOGUE["lstm-projection"]
    widths = {name: cell.width(name) for name in ("x", "h", "h_prev", "c", "c_prev", "m", "i")}
    assert widths == {"x": "I", "h": "P", "h_prev": "P", "c": "H", "c_prev": "H", "m": "H", "i": "H"}
    assert cell.letters == ("H", "I", "P")
    assert CATALOGUE["lstm-layernorm"].width("s_i") == "1"


def test_values_over_a_row_are_found() -> None:
    cell = Cell.define(
        "own",
        """
        a = W_a @ x
        m = mean(a)
        v = mean((a - m)**2) + small
        e = a - mean(a)
        s = 2 * rsqrt(v)
        k = exp(small)
        h = s * e * k
        """,
        states="h",
        constants={"small": 1e-5},
    )
    assert cell.scalars == {"m", "v", "s", "k"}


@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=CATALOGUE)
def test_names_titles_and_sources_are_there(cell: Cell) -> None:
    assert CATALOGUE[cell.name] is get(cell.name) is load(cell.name)
    assert cell.title and cell.source and cell.output in cell.targets


# ---- plain data

OWN = Cell.define(
    "自",
    "k = sigmoid(W_k @ x + R_k @ h_prev)  # how much is kept\nm = 0.5 * k\nh = k * h_prev - (limit - m)",
    states="h",
    output="m",
    title="A cell of my own",
    source="nobody",
    widths={"x": "P"},
    constants={"limit": 0.25},
    init={"W": 0.125},
)


@pytest.mark.parametrize("cell", [*CATALOGUE.values(), OWN], ids=[*CATALOGUE, "own"])
def test_plain_data_is_read_back_equal(cell: Cell) -> None:
    data = json.loads(json.dumps(cell.to_dict(), ensure_ascii=False))
    found = Cell.from_dict(data)
    assert found == cell and hash(found) == hash(cell)
    assert plan(found) == plan(cell)
    assert found.to_dict() == data


DAMAGE: dict[str, Any] = {
    "no equations": {"equations": None},
    "equations as text": {"equations": "h = x"},
    "numbers as equations": {"equations": [1, 2]},
    "states as a number": {"states": 1},
    "inputs as objects": {"inputs": [{}]},
    "widths as a list": {"widths": ["h"]},
    "constants as text": {"constants": {"limit": "much"}},
    "constants too large": {"constants": {"limit": 10**400}},
    "constants without limit": {"constants": {"limit": float("nan")}},
    "init as nothing": {"init": None},
    "code": {"equations": ["h = __import__('os').getcwd()"]},
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_data_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cell"):
        Cell.from_dict({**OWN.to_dict(), **DAMAGE[name]})


@pytest.mark.parametrize("field", OWN.to_dict())
def test_missing_data_is_refused(field: str) -> None:
    data = OWN.to_dict()
    del data[field]
    with pytest.raises(
        InputError, match=f"the fields that Cell.to_dict writes, got none of the name '{field}'"
    ):
        Cell.from_dict(data)


def test_a_stranger_cannot_make_a_cell_that_never_ends() -> None:
    """Shared values double the paths through a cell at every line; the work must not double with them."""
    lines = ["a0 = W_a0 @ x", "b0 = R_b0 @ h_prev"]
    for k in range(150):
        lines += [f"a{k + 1} = a{k} * b{k}", f"b{k + 1} = tanh(a{k} + b{k})"]
    start = time.process_time()
    plan(Cell.define("doubling", "\n".join([*lines, "h = a150 + b150"]), states="h"))
    plan(Cell.define("deep", f"h = {'tanh(' * 90}W_h @ x{')' * 90}", states="h"))
    # A tenth of a second; a doubling would not end at all.
    assert time.process_time() - start < 20


# ---- the same cell without biases


@pytest.mark.parametrize("name", CATALOGUE)
def test_without_a_family_is_with_zeros(name: str) -> None:
    cell = CATALOGUE[name]
    vectors = [f.name for f in cell.families if f.columns is None and f.name in ("b", "d", "p", "u")]
    bare = cell.without(*vectors)
    assert [f.name for f in bare.families] == [f.name for f in cell.families if f.name not in vectors]
    drawn = draw(cell)
    named = drawn.named()
    zeros = [torch.zeros_like(t) if n in vectors else t for n, t in named.items()]
    less = [t for n, t in named.items() if n not in vectors]
    for found, truth in zip(Drawn(bare, tuple(less)).run(), drawn.run(*zeros), strict=True):
        torch.testing.assert_close(found, truth, rtol=0, atol=1e-14)


def test_without_keeps_signs_when_it_is_written_and_read() -> None:
    """The text of the changed equations is what a run folder keeps."""
    cell = Cell.define("own", "h = c0 - (W_h @ x - (h_prev + b_h))", states="h", constants={"c0": 1.0})
    bare = cell.without("b")
    assert str(bare) == "h = c0 - (W_h @ x - h_prev)"
    assert Cell.from_dict(bare.to_dict()) == bare


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ("h = tanh(W_h @ x + h_prev / b_h)", "a division by zero"),
        ("h = tanh(W_h @ x + h_prev / (b_h * h_prev))", "a division by zero"),
        ("h = tanh(W_h @ x) * log(b_h)", r"equation 1: .* finite value, got log\(0\)"),
        ("h = tanh(W_h @ x) * rsqrt(b_h)", r"got rsqrt\(0\)"),
        ("h = tanh(W_h @ x) / sqrt(b_h)", r"got 1 / sqrt\(0\)"),
        ("a = b_a; h = (W_h @ x) / a", "equation 2: .* got 1 / a"),
        ("h = R_h @ b_h", "not values over a row, got 'h'"),
    ],
)
def test_without_what_it_cannot_do_without(equations: str, message: str) -> None:
    cell = Cell.define("own", equations.replace("; ", "\n"), states="h")
    with pytest.raises(
        InputError, match=f"'own' with bias=False: .* b_[ha] is zero, got .*{message}.*bias=True"
    ):
        cell.without("b")


def test_without_a_vector_that_a_matrix_multiplies() -> None:
    """A matrix times zero is zero: the matrix goes too."""
    cell = Cell.define(
        "own",
        "h = tanh(W_h @ x + R_h @ b_h + Q_h @ (P_h @ b_h))",
        states="h",
        init={"b": 1.0, "R": 0.5, "W": 0.1},
    )
    bare = cell.without("b")
    assert str(bare) == "h = tanh(W_h @ x)" and bare.init == {"W": 0.1}
    assert [family.name for family in bare.families] == ["W"]


@pytest.mark.parametrize(
    "equation", ["h = x + log(zero)", "h = x / zero", "h = x * rsqrt(1 - 1)", "h = x * sqrt(-2)"]
)
def test_numbers_without_a_value(equation: str) -> None:
    with pytest.raises(InputError, match="equation 1: an expression of numbers has a finite value, got"):
        Cell.define("own", equation, states="h", widths={"x": "H"}, constants={"zero": 0.0})


# ---- where cells come from


def write(folder: Path, text: str) -> str:
    path = folder / "mycell.py"
    path.write_text(f"from bptt import Cell\n{text}\n", encoding="utf-8")
    return str(path)


def test_a_cell_of_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, "Mine = Cell.define('mine', 'h = tanh(W_h @ x + R_h @ h_prev)', states='h')")
    assert load(f"{path}:Mine") == Cell.define("mine", "h = tanh(W_h @ x + R_h @ h_prev)", states="h")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (
            "Mine = Cell.define('mine', 'h = W_h @ x')",
            "Other",
            "must define a Cell of that name, got 'Other'",
        ),
        ("Mine = Cell.define('mine', 'h = W_h @ x')", "Other", "Cells in it: Mine"),
        ("Mine = 3", "Mine", r"Write Name = Cell.define\(...\)"),
        ("", "", "must define a Cell of that name, got ''"),
        ("1 / 0", "Mine", "the file of a cell must run, got ZeroDivisionError: division by zero"),
        ("Mine =", "Mine", "the file of a cell must run, got SyntaxError: "),
        ("import nothing_of_that_name", "Mine", "the file of a cell must run, got ModuleNotFoundError: "),
        ("raise SystemExit(3)", "Mine", "the file of a cell must run, got SystemExit: 3"),
        (
            "Mine = Cell.define('mine', 'h = tan(x)')",
            "Mine",
            "mycell.py: cell 'mine', line 1: unknown function",
        ),
    ],
)
def test_a_file_that_does_not_do(tmp_path: Path, text: str, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(f"{write(tmp_path, text)}:{name}")


@pytest.mark.parametrize("spec", ["lstn", "", ":", "mycell.py", "LSTM", "lstm:LSTM"])
def test_a_name_of_no_cell(spec: str) -> None:
    with pytest.raises(InputError, match=r"expected a name of the catalogue, .* Known cells: elman-tanh, "):
        load(spec)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the file must exist"):
        load(f"{tmp_path}/none.py:Mine")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError, match="the file must exist"):
        load(f"{tmp_path}/folder.py:Mine")


# ---- values


def test_equal_cells_are_one_key_and_different_cells_are_two() -> None:
    same = Cell.from_dict(LSTM.to_dict())
    assert {LSTM: 1}[same] == 1
    gru = CATALOGUE["gru"]
    other = Cell.from_dict({**gru.to_dict(), "widths": dict.fromkeys((*gru.targets, "x"), "P")})
    assert other != gru and plan(other) != plan(gru)


def test_a_cell_prints_its_equations() -> None:
    assert str(CATALOGUE["mgu"]).splitlines() == [
        "f = sigmoid(W_f @ x + R_f @ h_prev + b_f)",
        "n = tanh(W_n @ x + R_n @ (f * h_prev) + b_n)",
        "h = (1 - f) * h_prev + f * n",
    ]


@pytest.mark.parametrize(
    ("key", "value"), [("title", 5), ("states", "h"), ("equations", [1]), ("name", None)]
)
def test_data_of_the_wrong_kind_is_no_cell(key: str, value: object) -> None:
    data = CATALOGUE["gru"].to_dict() | {key: value}
    with pytest.raises(InputError, match=r"the fields that Cell\.to_dict writes"):
        Cell.from_dict(data)


def test_a_cell_has_a_bounded_number_of_equations() -> None:
    lines = "\n".join(f"v{n} = x" for n in range(501))
    with pytest.raises(InputError, match="at most 500 equations, got 501"):
        Cell.define("long", lines)


@pytest.mark.parametrize("states", ["h c", "h, c", ("h", "c"), ["h", "c"]])
def test_states_are_words_or_a_sequence(states: str | list[str] | tuple[str, ...]) -> None:
    cell = Cell.define("two", "c = c_prev + x\nh = tanh(W_h @ c) * h_prev", states=states, widths={"c": "I"})
    assert cell.states == ("h", "c")


def test_a_pickled_cell_has_the_hash_of_its_equal_in_another_process() -> None:
    """The hash is kept once computed; that of a text depends on the process."""
    assert hash(LSTM) == hash(pickle.loads(pickle.dumps(LSTM)))
    code = (
        "import pickle, sys; from bptt.cells import get\n"
        "cell = pickle.load(sys.stdin.buffer)\n"
        "print(cell == get('lstm'), hash(cell) == hash(get('lstm')))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(LSTM),
        env=environment,
        capture_output=True,
        check=True,
    )
    assert ended.stdout.split() == [b"True", b"True"]
