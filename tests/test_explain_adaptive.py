"""The adaptive softmax, derived: its equations carried out, beside the layer and autograd in float64."""

from __future__ import annotations

import pytest
import torch
from conftest import Command
from torch import Tensor
from written_formulas import Meaning, lines_of

from bptt.explain.criteria.word_clusters import adaptive_derivation
from bptt.explain.document import Stage
from bptt.explain.formula_tree import total
from bptt.explain.plain import formula_text
from bptt.models.heads.adaptive import AdaptiveSoftmax
from bptt.models.heads.output_layer import OutputShape

# Five words in the shortlist, two clusters; the second has four words, of the width of the outputs.
SIZE, WIDTH, CUTOFFS, CLUSTER = 12, 6, (5, 8), 1
CLASS, WORD = CUTOFFS[0] + CLUSTER, 2
DOUBLE = torch.float64
# Some dozens of products and sums of numbers of size 1.
CLOSE = {"rtol": 1e-13, "atol": 1e-13}


def given() -> tuple[AdaptiveSoftmax, Tensor, Meaning]:
    torch.manual_seed(0)
    layer = AdaptiveSoftmax(OutputShape(SIZE, WIDTH, cutoffs=CUTOFFS)).double()
    layer.reset_parameters()
    torch.nn.init.normal_(layer.head.bias)
    output = torch.randn(1, WIDTH, dtype=DOUBLE, requires_grad=True)
    names = {"V": "head.weight", "b": "head.bias"}
    names |= {"P⁽ᶜ¹⁾": "projection", "M⁽ᶜ¹⁾": "weight", "d⁽ᶜ¹⁾": "bias"}
    values = {"χ⁽ᶜ¹⁾": torch.ones((), dtype=DOUBLE)}
    for name, path in names.items():
        tensor = layer.get_parameter(path if "." in path else f"tails.{CLUSTER}.{path}").detach()
        values[name] = tensor[:, None] if tensor.dim() == 1 else tensor
    values["s"] = output.detach().T
    for name, size, place in (("y", CUTOFFS[0] + 2, CLASS), ("y⁽ᶜ¹⁾", SIZE - CUTOFFS[1], WORD)):
        values[name] = torch.eye(size, dtype=DOUBLE)[:, place, None]
    # The sum over the clusters has one term, that of the cluster which the target lies in.
    ranges = {"c": 1, "i": CUTOFFS[0] + 2, "j": SIZE - CUTOFFS[1], "t": 1}
    return layer, output, Meaning(values, ranges, {"c": 1})


def test_every_equation_holds_of_the_layer() -> None:
    layer, output, meaning = given()
    target = torch.tensor([CUTOFFS[CLUSTER] + WORD])
    loss = layer.loss(output, target)
    loss.backward()
    document = adaptive_derivation()
    for line in lines_of(document, Stage.EQUATIONS)[:5]:
        meaning.values[meaning.key(line.left)] = meaning.value(total(line.right))
    found = layer.log_probabilities(output.detach())[0].exp()
    head, words = meaning.values["o"], meaning.values["q⁽ᶜ¹⁾"]
    torch.testing.assert_close(found[: CUTOFFS[0]], head[: CUTOFFS[0], 0], **CLOSE)
    torch.testing.assert_close(found[CUTOFFS[CLUSTER] :], head[CLASS, 0] * words[:, 0], **CLOSE)
    (minimised,) = lines_of(document, Stage.LOSS)
    torch.testing.assert_close(meaning.value(total(minimised.right)), loss.detach(), **CLOSE)
    for line in lines_of(document, Stage.ADJOINT):
        meaning.values[meaning.key(line.left)] = meaning.value(total(line.right))
    assert output.grad is not None
    torch.testing.assert_close(meaning.values["∂E/∂s"].T, output.grad, **CLOSE)
    wanted = {"V": "head.weight", "b": "head.bias"} | {
        f"{name}⁽ᶜ⁾": f"tails.{CLUSTER}.{path}"
        for name, path in (("M", "weight"), ("d", "bias"), ("P", "projection"))
    }
    lines = lines_of(document, Stage.GRADIENTS)
    assert [formula_text(line.left) for line in lines] == [f"∇{name}" for name in wanted]
    for line in lines:
        right = layer.get_parameter(wanted[formula_text(line.left)[1:]]).grad
        assert right is not None
        value = meaning.value(total(line.right))
        torch.testing.assert_close(value.view_as(right), right, **CLOSE)


@pytest.mark.parametrize(
    "notation", [[], ["--latex"], ["--html"], ["--stage", "gradients"], ["--lang", "zh"]]
)
def test_the_command(command: Command, notation: list[str]) -> None:
    ended = command("derive", "adaptive", *notation)
    assert (ended.code, ended.err) == (0, "")
    assert "softmax" in ended.out or "∇" in ended.out
