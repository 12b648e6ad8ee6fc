"""The derivation of a whole network: the printed equations are evaluated and compared with autograd."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from written_formulas import Meaning, lines_of

from bptt.cells import get
from bptt.derive.network import Loss, Network
from bptt.explain.document import Derivation, EquationLine, Stage, Table
from bptt.explain.formula_tree import Fraction, MathName, total
from bptt.explain.network.symbols import Around, NetworkNotation, Pooled, StepPooling
from bptt.explain.network.whole_network import network_derivation, network_sections
from bptt.explain.network.widths import read_widths
from bptt.explain.plain import formula_text
from bptt.explain.text import text

STEPS = 3
SCORE = MathName("a", index="t")
# Some fifty additions of numbers near 1 in float64: far below this, far above their rounding.
CLOSE = {"rtol": 1e-11, "atol": 1e-12}

NETWORKS = [
    (("elman-tanh",), Loss.SOFTMAX, False, (3, 4, 5)),
    (("lstm",), Loss.LOGISTIC, False, (3, 4, 2)),
    (("elman-relu",), Loss.SQUARED, False, (3, 4, 2)),
    (("gru", "lstm-peephole"), Loss.SOFTMAX, True, (5, 3, 4, 2, 5)),
    (("lstm", "dense"), Loss.LOGISTIC, False, (3, 4, 2, 3)),
    (("dense", "elman-sigmoid", "gru-torch"), Loss.SQUARED, True, (5, 3, 4, 2, 3, 2)),
    (("dense", "dense"), Loss.SQUARED, False, (3, 4, 2)),
    (("dense", "dense"), Loss.SOFTMAX, False, (3, 4, 2, 3)),
    (("dense",), Loss.LOGISTIC, False, (3, 2, 2)),
]


def network(names: tuple[str, ...], loss: Loss | None, embedding: bool) -> Network:
    cells = tuple(map(get, names))
    own = loss is Loss.SQUARED and not any(cell.states for cell in cells)
    return Network(cells, loss, output_layer=not own, embedding=embedding)


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def start(notation: NetworkNotation, given: tuple[int, ...], steps: int) -> tuple[Meaning, dict[str, Tensor]]:
    """Random parameters, inputs, targets and states at step 0, and the parameters by name."""
    widths = read_widths(notation, given)
    assert widths is not None
    meaning = Meaning({}, ranges={"t": steps})
    parameters: dict[str, Tensor] = {}
    for layer, sizes in zip(notation.layers, widths.layers, strict=True):
        for family in layer.cell.families:
            sides = [sizes[family.rows], sizes[family.columns] if family.columns else 1]
            for member in family.members:
                parameters[formula_text(layer.names[member])] = random(*sides).requires_grad_()
        for previous, state in zip(layer.form.previous, layer.cell.states, strict=True):
            key = meaning.where(t=1).key(layer.names[previous])
            meaning.values[key] = random(sizes[layer.cell.width(state)], 1)
    last = notation.top.cell.width(notation.top.cell.output)
    outputs = widths.layers[-1][last]
    if notation.has_output:
        assert widths.outputs is not None
        parameters |= {
            "V": random(widths.outputs, outputs).requires_grad_(),
            "b": random(widths.outputs, 1).requires_grad_(),
        }
        outputs = widths.outputs
    meaning.ranges = {"t": steps, "i": outputs, "k": outputs, "j": outputs}
    first = notation.bottom
    size = widths.layers[0][first.cell.width(first.cell.inputs[0])]
    if notation.network.embedding:
        assert widths.tokens is not None
        parameters["M"] = random(widths.tokens, size).requires_grad_()
    for t in range(1, steps + 1):
        here = meaning.where(t=t)
        if notation.network.embedding:
            token = (2 * t) % len(parameters["M"])
            meaning.values[here.key(notation.outer("e"))] = _one_hot(token, len(parameters["M"]))
            meaning.values[here.key(MathName("w", index="t"))] = torch.tensor(float(token + 1))
        else:
            meaning.values[here.key(first.input)] = random(size, 1)
        softmax = notation.network.loss is Loss.SOFTMAX
        target = _one_hot(t % outputs, outputs) if softmax else (random(outputs, 1) > 0).double()
        meaning.values[here.key(notation.outer("y"))] = target
    meaning.values |= parameters
    return meaning, parameters


def _one_hot(place: int, width: int) -> Tensor:
    return functional.one_hot(torch.tensor([place]), width).T.double()


def is_delta(formula: object) -> bool:
    return isinstance(formula, Fraction) or (isinstance(formula, MathName) and formula.mark == "δ")


@pytest.mark.parametrize(("names", "loss", "embedding", "widths"), NETWORKS)
def test_printed_equations_carried_out_give_the_gradients_of_autograd(
    names: tuple[str, ...], loss: Loss, embedding: bool, widths: tuple[int, ...]
) -> None:
    torch.manual_seed(1)
    whole = network(names, loss, embedding)
    document, notation = network_derivation(whole, widths), NetworkNotation(whole)
    steps = STEPS if notation.time else 1
    meaning, parameters = start(notation, widths, steps)
    forward = lines_of(document, Stage.NETWORK)
    layers = lines_of(document, Stage.LAYERS)
    forward += [line for line in layers if not is_delta(line.left)]
    if not notation.has_output:
        forward.append(replace(forward[0], left=notation.outer("o"), right=()))
    losses = []
    for t in range(1, steps + 1):
        here = meaning.where(t=t)
        for line in forward:
            found = here.value(total(line.right)) if line.right else here.name(notation.top.output)
            key = here.key(line.left)
            if key in meaning.values:
                torch.testing.assert_close(found, meaning.values[key], **CLOSE)
            meaning.values.setdefault(key, found)
        losses.append(here.value(total(lines_of(document, Stage.LOSS)[0].right)))
    everything = sum(losses, torch.zeros(()).double())
    _check_loss(meaning, notation, everything, steps)
    truth = torch.autograd.grad(everything, list(parameters.values()))

    top = formula_text(notation.top.from_above)
    output = [
        line
        for line in lines_of(document, Stage.OUTPUT)
        if formula_text(line.left) in (top, formula_text(notation.outer("z", "δ")))
    ]
    with torch.no_grad():
        for t in range(steps, 0, -1):
            here = meaning.where(t=t)
            here.unknown = partial(_nothing_from_later, here)
            for line in [*output, *(line for line in layers if is_delta(line.left))]:
                meaning.values[here.key(line.left)] = here.value(total(line.right))
        sums = {formula_text(line.left): line for line in lines_of(document, Stage.SUMS)}
        for (name, parameter), gradient in zip(parameters.items(), truth, strict=True):
            found = meaning.value(total(sums[f"∇{name}"].right))
            torch.testing.assert_close(found.expand_as(parameter), gradient, **CLOSE)
        if embedding:
            _check_rows_of_embedding(meaning, sums["∇M_w"].right, truth[list(parameters).index("M")])


def _nothing_from_later(meaning: Meaning, delta: MathName) -> Tensor:
    """What the step after the last hands back of a state."""
    return torch.zeros_like(meaning.name(replace(delta, mark="", index=delta.index.split("←")[0])))


def _check_loss(meaning: Meaning, notation: NetworkNotation, found: Tensor, steps: int) -> None:
    """Compare with torch's own losses."""
    total_loss = torch.zeros(()).double()
    for t in range(1, steps + 1):
        here = meaning.where(t=t)
        output, target = here.name(notation.outer("o"))[:, 0], here.name(notation.outer("y"))[:, 0]
        match notation.network.loss:
            case Loss.SOFTMAX:
                net = here.name(notation.outer("z"))[:, 0]
                total_loss += functional.cross_entropy(net, target.argmax())
            case Loss.LOGISTIC:
                net = here.name(notation.outer("z"))[:, 0]
                total_loss += functional.binary_cross_entropy_with_logits(net, target, reduction="sum")
            case _:
                total_loss += functional.mse_loss(output, target, reduction="sum") / 2
    torch.testing.assert_close(found, total_loss, **CLOSE)


def _check_rows_of_embedding(meaning: Meaning, right: object, truth: Tensor) -> None:
    for token in range(len(truth)):
        meaning.values["w"] = torch.tensor(float(token + 1))
        found = meaning.value(total(right))  # type: ignore[arg-type]
        torch.testing.assert_close(found.expand(1, truth.shape[1])[0], truth[token], **CLOSE)


@pytest.mark.parametrize("loss", Loss)
def test_every_line_of_the_derivation_of_the_output_is_true(loss: Loss) -> None:
    torch.manual_seed(2)
    document = network_derivation(network(("elman-tanh",), loss, False))
    weights, hidden, bias = random(4, 3), random(3, 1), random(4, 1)
    leaves = [each.requires_grad_() for each in (weights, hidden, bias)]
    net = weights @ hidden + bias
    shape = {Loss.SOFTMAX: lambda z: torch.softmax(z, 0), Loss.LOGISTIC: torch.sigmoid}.get(loss, lambda z: z)
    output = shape(net)
    target = _one_hot(2, 4) if loss is Loss.SOFTMAX else (random(4, 1) > 0).double()
    meaning = Meaning({"z": net, "o": output, "y": target, "V": weights, "b": bias, "s": hidden})
    meaning.values["S"] = net.exp().sum()
    meaning.ranges = {"i": 4, "k": 4, "j": 3}
    step_loss = next(line for line in lines_of(document, Stage.LOSS)).right
    of_output = output.detach().requires_grad_()
    error = replace(meaning, values={**meaning.values, "o": of_output}).value(total(step_loss))
    (by_output,) = torch.autograd.grad(error, of_output)
    by_all = torch.autograd.grad(meaning.value(total(step_loss)), [net, *leaves], retain_graph=True)
    slopes = torch.autograd.functional.jacobian(shape, net.detach())[:, 0, :, 0]
    known = meaning.values, meaning.ranges, {}, None
    meaning = _Derivatives(*known, slopes, by_output, by_all[0])
    truth = {
        "∂o_i/∂z_j": lambda i, j: slopes[i, j],
        "∂o_i/∂z_i": lambda i, j: slopes[i, i],
        "∂E/∂o_i": lambda i, j: by_output[i, 0],
        "∂E/∂z_j": lambda i, j: by_all[0][j, 0],
        "∂E/∂z_i": lambda i, j: by_all[0][i, 0],
        "δz_i": lambda i, j: by_all[0][i, 0],
        "∂E/∂V_{ij}": lambda i, j: by_all[1][i, j],
        "∂E/∂s_j": lambda i, j: by_all[2][j, 0],
        "∂E/∂b_i": lambda i, j: by_all[3][i, 0],
        "z_i": lambda i, j: net[i, 0],
        "o_i": lambda i, j: output[i, 0],
        "S": lambda i, j: net.exp().sum(),
    }
    checked = 0
    for line in lines_of(document, Stage.OUTPUT):
        left, written = formula_text(line.left), formula_text(total(line.right))
        if left not in truth:
            assert "ₜ" in left or left.startswith("∇"), left
            continue
        for i in range(4):
            for j in range(3):
                if left == "∂o_i/∂z_j" and i == j and "[" not in written:
                    continue
                here = meaning.where(i=i + 1, j=j + 1)
                torch.testing.assert_close(here.value(total(line.right)), truth[left](i, j), **CLOSE)
                checked += 1
    assert checked > 50


@dataclass
class _Derivatives(Meaning):
    """A meaning in which derivatives by elements have the values of autograd."""

    slopes: Tensor = field(default_factory=Tensor)
    by_output: Tensor = field(default_factory=Tensor)
    by_net: Tensor = field(default_factory=Tensor)

    def value(self, formula: object) -> Tensor:  # type: ignore[override]
        if isinstance(formula, Fraction) and isinstance(formula.above, MathName) and formula.above.mark:
            assert isinstance(formula.below, MathName)
            below = self.at[formula.below.index] - 1
            if formula.above.base == "o":
                return self.slopes[self.at[formula.above.index] - 1, below]
            return (self.by_output if formula.below.base == "o" else self.by_net)[below, 0]
        if isinstance(formula, MathName) and formula.mark == "δ":
            return self.by_net[self.at[formula.index] - 1, 0]
        return super().value(formula)  # type: ignore[arg-type]


def test_the_squared_error_with_each_function_of_the_table() -> None:
    document = network_derivation(network(("elman-tanh",), Loss.SQUARED, False))
    (table,) = (
        part
        for s in document.sections
        if s.stage is Stage.OUTPUT
        for part in s.parts
        if isinstance(part, Table)
    )
    torch.manual_seed(3)
    target = random(5, 1)
    functions = [lambda z: z, torch.sigmoid, torch.tanh, torch.relu]
    for row, function in zip(table.rows, functions, strict=True):
        net = random(5, 1).requires_grad_()
        output = function(net)
        (truth,) = torch.autograd.grad(((output - target) ** 2).sum() / 2, net)
        (delta,) = row[2].parts
        meaning = Meaning({"o": output.detach(), "y": target, "z": net.detach()})
        torch.testing.assert_close(meaning.value(delta), truth, **CLOSE)  # type: ignore[arg-type]


def test_sizes_add_up_to_the_weights_of_the_parts() -> None:
    written = text(
        network_derivation(network(("elman-tanh", "gru"), Loss.SOFTMAX, True), (90, 5, 10, 20, 90))
    )
    count = 90 * 5 + 10 * (5 + 10 + 1) + 3 * 20 * (10 + 20 + 1) + 90 * (20 + 1)
    assert re.search(rf"together +{count:,}\n", written)
    assert re.search(r"W_r⁽²⁾, W_z⁽²⁾, W_n⁽²⁾ +\(3·H₂, H₁\) +\(60, 10\) +600\n", written)


@pytest.mark.parametrize("name", StepPooling)
@pytest.mark.parametrize("names", [("elman-tanh",), ("gru", "dense")])
def test_pooling_over_steps(name: StepPooling, names: tuple[str, ...]) -> None:
    torch.manual_seed(6)
    whole = network(names, Loss.SOFTMAX, embedding=False)
    notation = NetworkNotation(whole, Around(Pooled(name, after=1)))
    document = Derivation("", (), tuple(network_sections(notation, None)))
    meaning, parameters = start(notation, (3, 4, 2, 3)[: 2 + len(names)], STEPS)
    units = 4
    if name is StepPooling.ATTENTION:
        shapes = {"A": (units, units), "c": (units, 1), "q": (units, 1)}
        parameters |= {key: random(*shape).requires_grad_() for key, shape in shapes.items()}
        meaning.values |= parameters
    forward = [line for line in lines_of(document, Stage.NETWORK, Stage.LAYERS) if not is_delta(line.left)]
    layer = {key for key in map(formula_text, (line.left for line in forward)) if "ₜ" in key}
    each = notation.layers[0].output

    def run(lines: list[EquationLine], steps: Iterable[int]) -> None:
        for t in steps:
            for line in lines:
                here = meaning.where(t=t)
                here.unknown = partial(_nothing_from_later, here)
                meaning.values[here.key(line.left)] = here.value(total(line.right))

    split = next(k for k, line in enumerate(forward) if "ₜ" not in formula_text(line.left))
    stepwise = [line for line in forward if formula_text(line.left) in layer]
    run([line for line in stepwise if formula_text(line.left) != "αₜ"], range(1, STEPS + 1))
    outputs = meaning.ranges["k"]
    if name is StepPooling.ATTENTION:
        meaning.ranges = {**meaning.ranges, "r": STEPS}
        meaning.values["a"] = torch.cat([meaning.where(t=t).name(SCORE) for t in range(1, STEPS + 1)])
    run([line for line in stepwise if formula_text(line.left) == "αₜ"], range(1, STEPS + 1))
    meaning.ranges = {**meaning.ranges, "k": outputs}
    pooled = notation.hidden if len(names) == 1 else notation.layers[1].input
    values = torch.stack([meaning.where(t=t).name(each) for t in range(1, STEPS + 1)])
    truth = {"last": values[-1], "mean": values.mean(0), "max": values.amax(0)}.get(name.value)
    if truth is None:
        a, c, q = (parameters[key] for key in "Acq")
        weights = torch.softmax(torch.stack([q.T @ torch.tanh(a @ v + c) for v in values]), 0)
        truth = (weights * values).sum(0)
    written = {formula_text(line.left): line for line in forward}
    if name is not StepPooling.MAX:
        found = meaning.where(t=STEPS).value(total(written[formula_text(pooled)].right))
        torch.testing.assert_close(found, truth, **CLOSE)
    meaning.values[formula_text(pooled)] = truth
    rest = [line for line in forward[split:] if "ₜ" not in formula_text(line.left)]
    run([line for line in rest if line.left != pooled and "_i" not in formula_text(line.left)], [1])
    output, target = meaning.values["o"], meaning.values["y"]
    error = -(target * output.log()).sum()
    gradients = torch.autograd.grad(error, list(parameters.values()))
    with torch.no_grad():
        top = formula_text(notation.hidden_error)
        back = lines_of(document, Stage.OUTPUT)
        run([line for line in back if formula_text(line.left) in ("δz", top)], [1])
        layers = [line for line in lines_of(document, Stage.LAYERS) if is_delta(line.left)]
        after = [line for line in layers if "⁽²⁾" in formula_text(line.left)]
        run(after, [1])
        below = [line for line in layers if line not in after]
        for t in range(STEPS, 0, -1):
            here = meaning.where(t=t)
            down = here.key(notation.layers[0].from_above)
            if name is StepPooling.LAST:
                error_of = meaning.values.get(top if len(names) == 1 else "δx⁽²⁾")
                assert error_of is not None
                meaning.values[down] = error_of if t == STEPS else torch.zeros_like(error_of)
            if name is StepPooling.MAX:
                meaning.values[here.key(_of_unit(each))] = here.name(each)
                meaning.values[formula_text(_of_unit(pooled))] = truth
            run([line for line in below if name is not StepPooling.LAST or "∂" not in str(line.left)], [t])
        sums = {formula_text(line.left): line for line in lines_of(document, Stage.SUMS)}
        for (key, parameter), gradient in zip(parameters.items(), gradients, strict=True):
            found = meaning.value(total(sums[f"∇{key}"].right))
            torch.testing.assert_close(found.expand_as(parameter), gradient, **CLOSE)


def _of_unit(name: MathName) -> MathName:
    return replace(name, subscripts=(*name.subscripts, "i"))
