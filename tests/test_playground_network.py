"""The training loop of the playground, on 64-bit numbers, against torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from javascript import Evaluate, evaluate
from playground_engine import OPENED, record
from torch import Tensor, nn
from torch.nn import functional

from bptt import playground
from bptt.cells import CATALOGUE
from bptt.nn.recurrent import Recurrent
from bptt.report.standalone import SHARED

__all__ = ["evaluate"]
PARTS = Path(playground.__file__).parent / "page_parts"
LOOP = (SHARED / "random.js").read_text() + "".join(
    (PARTS / f"{name}.js").read_text() for name in ("problems", "network")
)
SETTINGS = {"hidden": 5, "seed": 3, "forgetBias": 1, "rate": 0.01, "steps": 9, "letters": 2}
UPDATES, BATCH = 3, 4
# A norm that is cut at every update, at some, at none.
CLIPS = {"adding": 0.05, "copying": 0.4, "text": 100.0}

# Weights before and after some updates, the examples and losses of each, and the gradients of one more loss.
BODY = """
const settings = %s;
const problem = PROBLEMS[settings.problem](settings);
const network = new Network(opened(%s), problem, settings, Float64Array);
const random = generator(7);
const entries = () => Object.entries(network.parameters);
const weights = () => Object.fromEntries(entries().map(([name, all]) => [name, [...all]]));
const before = weights();
const updates = Array.from({ length: %s }, () => {
  const batch = Array.from({ length: %s }, () => problem.draw(random));
  const { loss, norm } = network.update(batch, settings);
  return { loss, norm, x: batch.map(({ x }) => [...x]), targets: batch.map(({ targets }) => targets) };
});
const example = problem.draw(random);
network.forward(example);
const row = [...network.row(example, problem.steps - 1)];
return { before, updates, after: weights(), held: network.lossOf(example), row, baseline: problem.baseline,
  example: { x: [...example.x], targets: example.targets } };
"""


@pytest.fixture(scope="module")
def learned(evaluate: Evaluate) -> dict[str, Any]:
    """Return what BODY does, by problem."""
    bodies = []
    for problem in CLIPS:
        settings = json.dumps(
            {**SETTINGS, "clip": CLIPS[problem], "problem": problem, "text": "abc abd, " * 9}
        )
        body = BODY % (settings, record(CATALOGUE["lstm"]), UPDATES, BATCH)
        bodies.append(f"{problem}: (() => {{ {body} }})()")
    found: dict[str, Any] = evaluate(f"{OPENED}{LOOP}return {{ {', '.join(bodies)} }};")
    return found


class Model(nn.Module):
    """A layer of bptt with a linear output, with the weights that the page began with."""

    def __init__(self, weights: dict[str, list[float]], inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = int(SETTINGS["hidden"])
        self.layer = Recurrent("lstm", inputs, hidden).double()
        self.output = nn.Linear(hidden, outputs).double()
        ours = [weights[family.name] for family in CATALOGUE["lstm"].families]
        ours += [weights["output W"], weights["output b"]]
        for parameter, numbers in zip(self.parameters(), ours, strict=True):
            parameter.data = torch.tensor(numbers, dtype=torch.float64).reshape(parameter.shape)

    def loss(self, problem: str, xs: list[list[float]], targets: list[list[float]]) -> Tensor:
        x = torch.tensor(xs, dtype=torch.float64).reshape(len(xs), int(SETTINGS["steps"]), -1)
        answers = self.output(self.layer(x.transpose(0, 1))[0])  # (T, B, outputs)
        if problem == "adding":
            return functional.mse_loss(answers[-1], torch.tensor(targets, dtype=torch.float64))
        return functional.cross_entropy(answers.flatten(0, 1), torch.tensor(targets).T.flatten())


@pytest.mark.parametrize("problem", CLIPS)
def test_losses_and_updates_are_those_of_torch(problem: str, learned: dict[str, Any]) -> None:
    found = learned[problem]
    outputs = len(found["before"]["output b"])
    inputs = len(found["example"]["x"]) // int(SETTINGS["steps"])
    model = Model(found["before"], inputs, outputs)
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["rate"])
    for update in found["updates"]:
        optimiser.zero_grad()
        loss = model.loss(problem, update["x"], update["targets"])
        loss.backward()
        slopes = [each.grad for each in model.parameters() if each.grad is not None]
        norm = torch.cat([slope.flatten() for slope in slopes]).norm()
        for slope in slopes:
            slope *= min(1.0, CLIPS[problem] / float(norm))
        optimiser.step()
        assert update["loss"] == pytest.approx(loss.item(), rel=1e-12)
        assert update["norm"] == pytest.approx(float(norm), rel=1e-12)
    after = [*found["after"].values()]
    for parameter, numbers in zip(model.parameters(), after, strict=True):
        # A step is at most 0.01, whatever the size of a gradient: of the smallest ones rounding takes a part.
        np.testing.assert_allclose(parameter.detach().flatten().numpy(), numbers, rtol=0, atol=1e-10)
    held = model.loss(problem, [found["example"]["x"]], [found["example"]["targets"]])
    assert found["held"] == pytest.approx(held.item(), rel=1e-9)


@pytest.mark.parametrize("problem", CLIPS)
def test_the_picture_has_the_norms_of_torch(problem: str, learned: dict[str, Any]) -> None:
    """The row of the last loss: ‖∂E_m/∂net_n‖ over the sums of the four gates, by a bias for each step."""
    found = learned[problem]
    steps = int(SETTINGS["steps"])
    weights = {name: torch.tensor(all, dtype=torch.float64) for name, all in found["after"].items()}
    hidden = int(SETTINGS["hidden"])
    x = torch.tensor(found["example"]["x"], dtype=torch.float64).reshape(steps, -1)
    matrix, recurrent = weights["W"].reshape(4 * hidden, -1), weights["R"].reshape(4 * hidden, hidden)
    extra = torch.zeros(steps, 4 * hidden, dtype=torch.float64, requires_grad=True)
    h, c = torch.zeros(2, hidden, dtype=torch.float64)
    for t in range(steps):
        i, f, g, o = (matrix @ x[t] + recurrent @ h + weights["b"] + extra[t]).chunk(4)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    answer = weights["output W"].reshape(-1, hidden) @ h + weights["output b"]
    target = found["example"]["targets"][-1]
    loss = (
        (answer[0] - target) ** 2
        if problem == "adding"
        else functional.cross_entropy(answer, torch.tensor(target))
    )
    loss.backward()
    assert extra.grad is not None
    np.testing.assert_allclose(found["row"], extra.grad.norm(dim=1).numpy(), rtol=1e-10)


def test_baselines(learned: dict[str, Any]) -> None:
    assert learned["adding"]["baseline"] == pytest.approx(2 / 12)
    # Two of nine answers are one of four letters.
    assert learned["copying"]["baseline"] == pytest.approx(2 * np.log(4) / 9)
    shares = np.array([2, 2, 1, 1, 1, 2]) / 9
    assert learned["text"]["baseline"] == pytest.approx(-(shares * np.log(shares)).sum())
