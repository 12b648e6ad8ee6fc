"""The same equations in other forms: stacked matrices, rows for batches, a network as one function."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from written_formulas import Meaning, lines_of

from bptt.cells import CATALOGUE, get
from bptt.derive.adjoint import DELTA
from bptt.derive.network import Loss, Network
from bptt.derive.normal_form import normal_form
from bptt.explain.document import Equations, Stage
from bptt.explain.formula_tree import total
from bptt.explain.gradients import GRADIENT
from bptt.explain.network.whole_network import derive_cells, network_derivation
from bptt.explain.network_options import NetworkOptions
from bptt.explain.notation import Notation
from bptt.explain.plain import formula_text
from bptt.explain.text import text

# Some twenty additions of numbers near 1 in float64.
CLOSE = {"rtol": 1e-11, "atol": 1e-12}
SIZES = {"I": 3, "H": 4, "P": 2, "1": 1}
BATCH = 5


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_table_of_parameters_has_the_names_of_the_equations(name: str) -> None:
    cell = get(name)
    document = network_derivation(Network((cell,), Loss.SOFTMAX))
    equations = text(document)
    rows = equations.split("  shape\n")[1].split("\n\n")[0].splitlines()
    listed = [each for row in rows for each in row.split("  (")[0].strip().split(", ")]
    # The output layer has the matrix V and the bias b, which no other parameter is called.
    assert len(set(listed)) == len(listed) == len(cell.matrices) + len(cell.vectors) + 2
    assert all(f"∇{each}" in equations for each in listed)


@pytest.mark.parametrize("loss", Loss)
def test_the_loss_of_an_example_is_told_from_that_of_a_step(loss: Loss) -> None:
    printed = " ".join(text(network_derivation(Network((get("gru"),), loss))).split())
    assert "Over m examples the loss is the mean" in printed
    assert "where Eₖ is the loss of example k" in printed


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def columns(name: str, width: int = 1) -> dict[str, Tensor]:
    """The values of all names of a cell at one step, for an example as a column, or a batch of them."""
    form = normal_form(get(name))
    cell = form.cell
    notation = Notation(form, "t" if cell.states else "")
    meaning = Meaning({}, at={"t": 1})
    values = {}
    for each in (*cell.inputs, *form.previous, *(step.target for step in form.steps)):
        values[meaning.key(notation.name(each))] = random(SIZES[form.width(each)], width)
        values[meaning.key(notation.name(DELTA + each))] = random(SIZES[form.width(each)], width)
    for matrix, (rows, across) in cell.matrices.items():
        values[formula_text(notation.names[matrix])] = random(SIZES[rows], SIZES[across])
    for vector, letter in cell.vectors.items():
        values[formula_text(notation.names[vector])] = random(SIZES[letter], 1)
    return values


@pytest.mark.parametrize("name", ["elman-tanh", "lstm", "gru", "lstm-peephole", "lstm-projection", "mgu"])
def test_stacked_matrices_multiplied_out_are_the_sum(name: str) -> None:
    torch.manual_seed(1)
    document, meaning = derive_cells((get(name),), NetworkOptions(), Stage.STACKED), Meaning(columns(name))
    meaning.at, meaning.ranges = {"t": 1}, {"t": 1}
    written = {formula_text(line.left): line for line in lines_of(document, Stage.NORMAL)}
    gradients = {formula_text(line.left): line for line in lines_of(document, Stage.GRADIENTS)}
    checked = 0
    for line in lines_of(document, Stage.STACKED)[5:]:
        found, left = meaning.value(total(line.right)), formula_text(line.left)
        if left.startswith(f"[{GRADIENT}"):
            parts = [meaning.value(total(gradients[each].right)) for each in left[1:-1].split(", ")]
            expected = torch.cat(parts, 1)
        else:
            parts = [meaning.value(total(written[each].right)) for each in left.strip("[]").split("; ")]
            expected = torch.cat(parts)
        torch.testing.assert_close(found, expected, **CLOSE)
        checked += 1
    assert checked >= 2


def test_the_proof_that_stacking_adds() -> None:
    torch.manual_seed(2)
    document = derive_cells((get("elman-tanh"),), NetworkOptions(), Stage.STACKED)
    first, second, upper, lower = random(3, 4), random(3, 2), random(4, 1), random(2, 1)
    meaning = Meaning({"A": first, "B": second, "a": upper, "x": lower}, ranges={"H": 4})
    meaning.values |= {"C": torch.cat([first, second], 1), "v": torch.cat([upper, lower])}
    proof, last = lines_of(document, Stage.STACKED)[:4], lines_of(document, Stage.STACKED)[4]
    truth = first @ upper + second @ lower
    for i in range(3):
        here = meaning.where(i=i + 1)
        whole, divided, apart, together = (total(line.right) for line in proof)
        here.ranges = {"j": 6, "H": 4}
        for formula in (whole, divided, together):
            torch.testing.assert_close(here.value(formula), truth[i, 0], **CLOSE)
        first_sum, second_sum = proof[2].right
        sums = [
            Meaning(here.values, {"j": n}, here.at).value(term.body)
            for term, n in ((first_sum, 4), (second_sum, 2))
        ]
        torch.testing.assert_close(sums[0] + sums[1], truth[i, 0], **CLOSE)
        assert formula_text(apart).count("Σ_j") == 2
    torch.testing.assert_close(meaning.value(last.left), truth, **CLOSE)
    torch.testing.assert_close(meaning.value(total(last.right)), truth, **CLOSE)


def test_the_sizes_of_the_text() -> None:
    written = text(derive_cells((get("elman-tanh"),), NetworkOptions(sizes="10000,100")))
    assert "Side by side, (100, 100), (100, 10000) become (100, 10100)." in written
    gates = text(derive_cells((get("lstm"),), NetworkOptions(sizes="10000,100")))
    assert "(4·H, H + I)  (400, 10100)\n" in gates


@pytest.mark.parametrize(
    "name", ["dense", "elman-tanh", "lstm", "gru", "gru-torch", "lstm-peephole", "indrnn"]
)
def test_the_row_form_is_the_column_form_of_every_example(name: str) -> None:
    torch.manual_seed(3)
    document = derive_cells((get(name),), NetworkOptions(rows=True))
    (section,) = (each for each in document.sections if each.stage is Stage.ROWS)
    blocks = [part.lines for part in section.parts if isinstance(part, Equations)]
    pairs = [
        (column, row)
        for columns_of, rows_of in pairwise(blocks[3:])
        for column, row in zip(columns_of, rows_of, strict=False)
        if column.left == row.left and "ₗ" not in formula_text(column.left)
    ]
    whole = columns(name, BATCH)
    parameters = {key for key, value in whole.items() if value.shape[1] != BATCH}
    rows = Meaning({key: value.T for key, value in whole.items()}, ranges={"t": 1}, at={"t": 1})
    for column, row in pairs:
        found = rows.value(total(row.right))
        each = []
        for k in range(BATCH):
            values = {n: v if n in parameters else v[:, k : k + 1] for n, v in whole.items()}
            each.append(Meaning(values, {"t": 1}, {"t": 1}).value(total(column.right)))
        if formula_text(column.left).startswith(GRADIENT):
            expected = torch.stack(each).sum(0).T
        else:
            expected = torch.cat([one.expand(one.shape[0], 1) for one in each], 1).T
        torch.testing.assert_close(found, expected, **CLOSE)
    matrices, vectors = len(get(name).matrices), len(get(name).vectors)
    assert len(pairs) >= matrices + vectors + 2


def test_rows_from_layer_to_layer() -> None:
    written = text(derive_cells((get("dense"),), NetworkOptions(rows=True)))
    assert "δuₗ = W_uₗ₊₁ᵀ δuₗ₊₁ ⊙ (yₗ ⊙ (1 − yₗ))" in written
    assert "δuₗ = δuₗ₊₁ W_uₗ₊₁ᵀ ⊙ (yₗ ⊙ (1 − yₗ))" in written
    assert "(B, H) = (B, I) (I, H) + (H)" in written and "(I, H) = (I, B) (B, H)" in written


@pytest.mark.parametrize("loss", [Loss.SQUARED, Loss.SOFTMAX])
def test_a_feed_forward_network_as_one_function(loss: Loss) -> None:
    torch.manual_seed(4)
    own = loss is Loss.SQUARED
    whole = Network((get("dense"), get("dense")), loss, output_layer=not own)
    document = network_derivation(whole, (3, 4, 2) if own else (3, 4, 2, 3))
    lines = lines_of(document, Stage.COMPOSITION)
    names = {"W_u⁽¹⁾": (4, 3), "b_u⁽¹⁾": (4, 1), "W_u⁽²⁾": (2, 4), "b_u⁽²⁾": (2, 1), "x⁽¹⁾": (3, 1)}
    values = {name: random(*shape) for name, shape in names.items()}
    values |= {"V": random(3, 2), "b": random(3, 1), "y": random(2, 1)}
    x = values["x⁽¹⁾"].requires_grad_()
    values["u⁽¹⁾"] = values["W_u⁽¹⁾"] @ x + values["b_u⁽¹⁾"]
    values["y⁽¹⁾"] = values["x⁽²⁾"] = torch.sigmoid(values["u⁽¹⁾"])
    values["u⁽²⁾"] = values["W_u⁽²⁾"] @ values["y⁽¹⁾"] + values["b_u⁽²⁾"]
    output = values["y⁽²⁾"] = torch.sigmoid(values["u⁽²⁾"])
    if own:
        values["o"] = output
        error = ((output - values["y"]) ** 2).sum() / 2
    else:
        values["y"] = torch.tensor([[0.0], [1.0], [0.0]]).double()
        values["z"] = values["V"] @ output + values["b"]
        values["o"] = torch.softmax(values["z"], 0)
        error = -(values["y"] * values["o"].log()).sum()
    wanted = [values[name] for name in ("u⁽¹⁾", "u⁽²⁾", "y⁽²⁾", "x⁽¹⁾")]
    found = torch.autograd.grad(error, wanted, retain_graph=True)
    values |= dict(zip(("δu⁽¹⁾", "δu⁽²⁾", "∂E/∂y⁽²⁾", "δx⁽¹⁾"), found, strict=True))
    if not own:
        (values["δz"],) = torch.autograd.grad(error, values["z"], retain_graph=True)
    slope = [torch.diag((values[f"y⁽{k}⁾"] * (1 - values[f"y⁽{k}⁾"]))[:, 0]) for k in "¹²"]
    values["∂y⁽¹⁾/∂x⁽¹⁾"] = slope[0] @ values["W_u⁽¹⁾"]
    values["∂y⁽²⁾/∂x⁽²⁾"] = slope[1] @ values["W_u⁽²⁾"]
    values["∂y⁽²⁾/∂x⁽¹⁾"] = torch.autograd.functional.jacobian(
        lambda x: torch.sigmoid(
            values["W_u⁽²⁾"] @ torch.sigmoid(values["W_u⁽¹⁾"] @ x + values["b_u⁽¹⁾"]) + values["b_u⁽²⁾"]
        ),
        x.detach(),
    )[:, 0, :, 0]
    meaning = Meaning(values)
    for line in lines:
        left = meaning.value(line.left)
        torch.testing.assert_close(meaning.value(total(line.right)), left.reshape_as(left), **CLOSE)
    # One nested formula, a line for every unit of four steps, one of matrices, Jacobians and δ.
    assert len(lines) == 1 + (4 + 4 + 2 + 2) + 1 + 3 + 1 + (2 if own else 3)
