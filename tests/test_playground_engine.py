"""Cells that the page of the playground reads, derives and emits itself, against Python's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from javascript import LIBRARY, Evaluate, evaluate
from playground_engine import OPENED, each, record
from playwright.sync_api import Browser
from test_codegen_javascript import BODY, NAMES, SIZES, STEPS, Drawn, check, draw
from test_explain_diagrams import random_cell
from user_cells import CELLS as ODD

from bptt.cells import CATALOGUE, Cell
from bptt.cells.carried import forget_gates
from bptt.cells.expression import to_text
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import EquationStep, normal_form
from bptt.errors import InputError
from bptt.explain.formula_tree import total
from bptt.explain.gradients import gradient_terms
from bptt.explain.mathml import mathml
from bptt.explain.notation import Notation

__all__ = ["evaluate"]
SAMPLE = {**CATALOGUE, "names": NAMES, **ODD, **{f"random {seed}": random_cell(seed) for seed in range(12)}}

# The steps of a cell forward and backward, its parameters and gradients, and the equations as they are shown.
DERIVED = """
  const form = engine.normalForm(cell);
  const found = engine.adjointOf(form);
  const step = ({ target, width, products, rest }) =>
    [target, width, products.map(({ matrix, vector }) => [matrix, vector]), engine.toText(rest)];
  const lines = new engine.Notation(form).lines(found);
  const shown = (pairs) => pairs.map((pair) => pair.map((each) => engine.mathText(engine.mathOf(each))));
  return {
    forward: form.steps.map(step),
    backward: found.steps.map(step),
    matrices: [...found.matrices],
    vectors: [...found.vectors].map(([name, expression]) => [name, engine.toText(expression)]),
    families: cell.families.map(({ name, members, rows, columns }) => [name, members, rows, columns]),
    gates: cell.forgetGates(),
    shown: [shown(lines.forward), shown(lines.backward), shown(lines.gradients)],
  };
"""


def derived(cell: Cell) -> dict[str, Any]:
    """Return what DERIVED does, by Python."""
    form, found = normal_form(cell), adjoint(cell)
    notation = Notation(form, "t" if cell.states else "")

    def step(each: EquationStep) -> list[Any]:
        products = [[p.matrix, p.vector] for p in each.products]
        return [each.target, each.width, products, to_text(each.rest)]

    def line(each: EquationStep) -> list[str]:
        return [mathml(notation.name(each.target)), mathml(total(notation.right_side(each)))]

    gradients = gradient_terms(form, notation, bool(cell.states))
    return {
        "forward": list(map(step, form.steps)),
        "backward": list(map(step, found.steps)),
        "matrices": [[g.matrix, list(map(list, g.terms))] for g in found.matrices],
        "vectors": [[g.vector, to_text(g.expression)] for g in found.vectors],
        "families": [[f.name, list(f.members), f.rows, f.columns] for f in cell.families],
        "gates": dict(forget_gates(cell)),
        "shown": [
            list(map(line, form.steps)),
            list(map(line, found.steps)),
            [[mathml(notation.marked("∇", name)), mathml(total(terms))] for name, terms in gradients.items()],
        ],
    }


@pytest.fixture(scope="module")
def derivations(evaluate: Evaluate) -> dict[str, Any]:
    return dict(zip(SAMPLE, each(evaluate, SAMPLE.values(), DERIVED), strict=True))


@pytest.mark.parametrize("name", SAMPLE)
def test_the_derivation_is_that_of_python(name: str, derivations: dict[str, Any]) -> None:
    assert derivations[name] == derived(SAMPLE[name])


def answers(drawn: list[Drawn]) -> str:
    """Return the script whose result test_codegen_javascript.py checks, for cells that the page emits."""
    entries = []
    for one in drawn:
        _, _, numbers = one.entry().rpartition("...")
        entries.append(f"{{ cell: opened({record(one.cell)}), ...{numbers}")
    sizes = json.dumps({**SIZES, "B": 1, "T": STEPS})
    return OPENED + BODY % (sizes, STEPS, ",\n".join(entries))


@pytest.fixture(scope="module")
def drawn() -> list[Drawn]:
    return list(map(draw, SAMPLE.values()))


@pytest.fixture(scope="module")
def computed(drawn: list[Drawn], evaluate: Evaluate) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = evaluate(answers(drawn))
    return found


@pytest.mark.parametrize("number", range(len(SAMPLE)))
def test_gradients_are_those_of_python(
    number: int, drawn: list[Drawn], computed: list[dict[str, Any]]
) -> None:
    check(drawn[number], computed[number])


def test_a_browser_computes_the_same(
    drawn: list[Drawn], computed: list[dict[str, Any]], chromium: Browser
) -> None:
    chosen = [k for k, name in enumerate(SAMPLE) if name not in ODD]
    body = answers([drawn[k] for k in chosen])
    found = chromium.new_page().evaluate(f"(() => {{ {LIBRARY}\n{body} }})()")
    for one, k in zip(found, chosen, strict=True):
        for here, there in zip(one["gradients"], computed[k]["gradients"], strict=True):
            assert here == pytest.approx(there, rel=0, abs=1e-12)


ONE = "h = tanh(W_h @ x + R_h @ h_prev + b_h)"
LSTM = "\n".join(each.text for each in CATALOGUE["lstm"].equations)
# Equations, what else the cell has, and the line and the column at which the page points.
WRONG: list[tuple[str, dict[str, Any], tuple[int, int] | None]] = [
    ("", {}, None),
    ("h", {}, (1, 2)),
    ("h == x", {}, (1, 3)),
    ("h = ", {}, (1, 4)),
    ("\n  h = tanh(W_h @ x", {}, (2, 19)),
    ("h = x $ 2", {}, (1, 7)),
    ("h = x x", {}, (1, 7)),
    ("lambda = x", {}, (1, 1)),
    ("h = 07 * x", {}, (1, 5)),
    ("h = 2x", {}, (1, 5)),
    (f"a = x\n{ONE.replace('+ b_h', '+ b_q')}", {}, (2, 35)),
    (f"{ONE} # fine\nh = x", {}, (2, 1)),
    (ONE.replace("tanh", "tan"), {}, (1, 5)),
    (ONE.replace("tanh", "maximum"), {}, (1, 5)),
    (ONE.replace("h_prev", "c_prev"), {}, (1, 26)),
    (f"{ONE}\nc = h + c_prev", {}, (2, 9)),
    ("h = tanh(W_h @ x + R_h @ h)", {}, (1, 26)),
    ("h = 2 * W_h @ x", {}, (1, 5)),
    ("h = -W_h @ x", {}, (1, 5)),
    ("h = (W_h + U_h) @ x", {}, (1, 6)),
    ("h = x % 2", {}, (1, 5)),
    ("h = x // (2 + x)", {}, (1, 5)),
    ("h = x < 2 or not x", {}, (1, 5)),
    ("h = tanh(*x)", {}, (1, 10)),
    ("h = tanh(x) * ()", {}, (1, 15)),
    ("h = tanh(x, x)(x)", {}, (1, 5)),
    ("h = +x", {}, (1, 5)),
    ("h = x[0]", {}, (1, 5)),
    ("h = tanh(W_h @ x[1:, 2])", {}, (1, 16)),
    ("h = W_h.T @ x", {}, (1, 5)),
    ("h = x + torch.tanh(x)", {}, (1, 9)),
    ("h = tanh(x, dim=-1)", {}, (1, 5)),
    ("h = x if x > 0 else 0", {}, (1, 5)),
    ("h = (x if x else 0) % 2", {}, (1, 6)),
    ("h = 2 * [x, h_prev]", {}, (1, 9)),
    ("h = x, h_prev", {}, (1, 5)),
    ("h = tanh((x,))", {}, (1, 10)),
    ("h = x * 'a'", {}, (1, 9)),
    ("h = x['a'].b(x)[::2]", {}, (1, 5)),
    ("h = x[]", {}, (1, 7)),
    ("h = x[0", {}, (1, 8)),
    ("h = x.", {}, (1, 7)),
    ("h = x if x", {}, (1, 11)),
    ("h[0] = x", {}, (1, 2)),
    ("h, c = x", {}, (1, 2)),
    ("h += x", {}, (1, 3)),
    ("h = x ** x", {}, (1, 5)),
    ("h = x ** 2.0", {}, (1, 5)),
    ("h = x ** -(2)**x", {}, (1, 5)),
    ("h = x ** 101 + tanh(x)", {}, (1, 5)),
    ("h = tanh(x) / 0", {}, (1, 5)),
    ("h = x + 1e999", {}, (1, 5)),
    ("h = x + log(0)", {"widths": {"x": "H"}}, (1, 1)),
    (f"{ONE}\nT = h", {}, (2, 1)),
    (f"{ONE}\nδa = h", {}, (2, 1)),
    (f"{ONE}\nq_rows = h", {}, (2, 1)),
    ("h = tanh(x)", {}, (1, 1)),
    ("m = mean(x)\nh = x @ m", {}, (2, 5)),
    ("m = mean(x)\nh = W_h @ m", {}, (2, 5)),
    ("m = mean(x + W_h @ x)\nh = W_h @ x", {}, (1, 5)),
    ("m = mean(x)\nh = W_h @ x + b_m", {}, (2, 15)),
    ("a = tanh(W_h @ x)\nh = W_h @ a", {}, (2, 5)),
    ("h = W_h @ x + W_h", {}, (1, 5)),
    ("a = W_a @ x\nh = W_h @ a", {}, (2, 5)),
    ("m = mean(x)", {"states": ["m"]}, (1, 1)),
    (ONE, {"states": ["h", "h"]}, None),
    (ONE, {"states": ["c"]}, (1, 26)),
    (ONE, {"states": ["1h"]}, None),
    (ONE, {"output": "y"}, None),
    (ONE, {"widths": {"y": "P"}}, None),
    (ONE, {"widths": {"h": "T"}}, None),
    (ONE, {"constants": {"x": 1.0}}, None),
    (ONE, {"constants": {"sum": 1.0}}, None),
    (ONE, {"init": {"gain": 1.0}}, None),
    (f"{'a' * 101} = x\n{ONE}", {}, (1, 1)),
    (f"h = {'(' * 120}x{')' * 120} + {'tanh(' * 99}x{')' * 99}", {}, (1, 1)),
    (f"h = {'x + ' * 600}x", {}, (1, 1)),
    (f"h = {'(' * 1990}", {}, (1, 205)),
    (f"h = {'(' * 201}x{')' * 201}", {}, (1, 205)),
    # What cannot be seen, as it comes with a copy from a page: it is shown as a number.
    ("h =\xa0tanh(W_h @ x)", {}, (1, 4)),
    ("\ufeffh = tanh(W_h @ x)", {}, (1, 1)),
    ("h\u200b = tanh(W_h @ \x00 x)", {}, (1, 2)),
    ("h = x \U000e0001", {}, (1, 7)),
    ("\u3000h = x +\x1f", {}, (1, 9)),
    ("h = constructor(x)", {}, (1, 5)),
    ("h = tanh(W_h @ x) + toString", {}, (1, 21)),
    ("\n".join(f"a{k} = x" for k in range(501)), {}, None),
    ("\n".join(f"a{k} = {'x + ' * 100}x" for k in range(60)), {}, None),
]
USUAL = {"name": "own", "states": ["h"], "output": "", "widths": {}, "constants": {}, "init": {}}


def said(equations: str, options: dict[str, Any]) -> str:
    """Return the message of Python's parser."""
    with pytest.raises(InputError) as caught:
        Cell.define(**{**USUAL, "equations": equations, **options})
    return str(caught.value)


@pytest.fixture(scope="module")
def faults(evaluate: Evaluate) -> list[Any]:
    records = [{**USUAL, "equations": equations, **options} for equations, options, _ in WRONG]
    body = "try { new engine.Cell(one); } catch (error) { return [error.message, error.line, error.column]; }"
    found: list[Any] = evaluate(f"{OPENED}return {json.dumps(records)}.map((one) => {{ {body} }});")
    return found


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_cell_is_explained_where_it_stands(number: int, faults: list[Any]) -> None:
    equations, options, place = WRONG[number]
    message, line, column = faults[number]
    # Messages are cut in Python beyond 1000 characters.
    assert message[:900] == said(equations, options)[:900]
    assert (line, column) == (place or (None, None))
