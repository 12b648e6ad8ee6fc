"""The scripts of examples/: each runs, is short, stands in the table, and prints what another source says."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from collections.abc import Callable
from itertools import pairwise
from math import isclose, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
# Modules that make data are no examples.
SCRIPTS = [name for name in FILES if not name.endswith("_data")]
LONGEST = 60
sys.path.append(str(EXAMPLES))
import small_data  # noqa: E402

Names = dict[str, Any]
Check = Callable[[str, Names], None]
RULES = set(small_data.sentences(small_data.random.Random(9), 20_000))


def floats(text: str) -> list[float]:
    """The numbers of a text; a minus sign may be the typographic one."""
    return [float(n) for n in re.findall(r"[+-]?\d+\.?\d*(?:e[+-]?\d+)?", text.replace("−", "-"))]


def after(out: str, words: str) -> list[float]:
    """The numbers behind these words on their line."""
    (line,) = (line for line in out.splitlines() if words in line)
    return floats(line.split(words)[1])


def language_model(out: str, names: Names) -> None:
    # Gibbs' inequality: no model needs less than the rule, but for the choice of the 200 sentences.
    assert len(RULES) == 1024
    assert log(len(RULES)) - 0.1 < after(out, "new sentences:")[0] < log(len(RULES)) + 0.5
    # Eight nouns are equally likely; the verb is certain.
    assert np.allclose(after(out, "  The ..."), 1 / 8, atol=0.06)
    assert 0.95 < after(out, "which already fed the dog , ... were")[0] <= 1
    made = out.split("of its own:\n")[1].splitlines()
    assert len(made) == 3 and {line.strip() for line in made} <= RULES


def hypotheses(out: str, _: Names) -> None:
    assert "chosen: The cats , which already saw the bird , were late ." in out
    *rows, total = (floats(line)[-2:] for line in out.splitlines()[1:14])
    for column in (0, 1):
        assert isclose(sum(row[column] for row in rows), total[column], abs_tol=0.005 * 13)
    assert 190 < after(out, "new pairs,")[0] <= 200


def music(out: str, _: Names) -> None:
    """Most printed bars are neighbours in the scale, and about as many as the script counts in 100 tunes."""
    shown = [bar for line in out.splitlines()[:4] for bar in line.split("|")[:-1]]
    steps = [{"CDEFGABc".index(b) - "CDEFGABc".index(a) for a, b in pairwise(bar)} for bar in shown]
    obey = [
        len(bar) == 4 and (found == {1} or found == {-1}) for bar, found in zip(shown, steps, strict=True)
    ]
    right, bars, new, tunes = floats(out.splitlines()[-1])
    assert sum(obey) >= len(obey) - 2 and 350 < bars < 450
    assert 0.95 < right / bars <= 1 and 80 < new <= tunes == 100


def chinese_speech(out: str, names: Names) -> None:
    """The error rate is that of the distance, by the textbook's recursion; new voices and sentences."""

    def distance(a: str, b: str) -> int:
        row = list(range(len(b) + 1))
        for i, x in enumerate(a, 1):
            last, row[0] = row[0], i
            for j, y in enumerate(b, 1):
                last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
        return row[-1]

    said, heard = names["said"], names["heard"]
    rate = sum(map(distance, said, heard)) / sum(map(len, said))
    assert isclose(after(out, "error rate")[0], 100 * rate, abs_tol=0.005) and rate < 0.15
    assert not {*said} & {*names["sentences"][:24]} and not {*names["LEARNED"]} & {*names["NEW"]}
    # Who hears no tone is right in half.
    assert after(out, "right in")[0] > len(said) / 2


def sentiment(out: str, _: Names) -> None:
    good, bad, mixed = (floats(line)[0] for line in out.splitlines()[1:])
    assert 0.9 < good <= 1 and 0 <= bad < 0.1 and bad < mixed < good
    assert "of 20 new reviews 100% are understood" in out


def several_labels(out: str, _: Names) -> None:
    """Each printed probability is on the side of ½ that the adjective of its aspect says."""
    (head, *rows) = out.splitlines()[2:]
    assert 45 < after(out, "new reviews,")[0] <= 50
    for row in rows:
        said = dict(re.findall(r"the (\w+) is (\w+)", row))
        for aspect, probability in zip(head.split()[2:], floats(row)[:3], strict=True):
            assert (probability > 0.5) == (said[aspect] in small_data.PRAISE)


def entities(out: str, _: Names) -> None:
    """Up to "Teddy" the two sentences are one and the same."""
    first, second, person, thing = (floats(line)[0] for line in out.splitlines() if "P(" in line)
    assert first == second and 0.2 < first < 0.8
    assert 0.9 < person <= 1 and 0 <= thing < 0.1


def translation(out: str, _: Names) -> None:
    """The syllable is spelled as the Unicode Standard computes it, section 3.12."""
    assert 180 < after(out, "has never read,")[0] <= 200
    syllable, spelled = re.findall(r"^(.) is ([A-Z ]+);", out, re.MULTILINE)[0]
    number = ord(syllable) - 0xAC00
    first = "G GG N D DD R M B BB S SS  J JJ C K T P H".split(" ")[number // 588]
    middle = "A AE YA YAE EO E YEO YE O WA WAE OE YO U WEO WE WI YU EU YI I".split()[number % 588 // 28]
    ends = " G GG GS N NJ NH D L LG LM LB LS LT LP LH M B BS S SS NG J C K T P H".split(" ")
    assert spelled.replace(" ", "") == first + middle + ends[number % 28]
    weights = [floats(line) for line in out.splitlines()[-len(spelled.split()) - 1 :]]
    assert all(isclose(sum(row), 1, abs_tol=0.02) for row in weights)
    looked = [row.index(max(row)) for row in weights]
    assert looked == sorted(looked)


def dna(out: str, _: Names) -> None:
    lines = [line for line in out.splitlines() if re.fullmatch(r"[ACGT]{30}|[+-]{30}", line)]
    for bases, marks in zip(lines[::2], lines[1::2], strict=True):
        found = [match.start() for match in re.finditer("TATAAT", bases)]
        assert [match.span() for match in re.finditer(r"\++", marks)] == [(k, k + 6) for k in found]
    assert len(lines) == 6 and 45 <= after(out, "new sequences,")[0] <= 50


def series(out: str, _: Names) -> None:
    assert 93 < after(out, "new images,")[0] <= 100
    digits = load_digits()
    shown = [line[2:] for line in out.splitlines()[3:11]]
    right = {
        int(digit)
        for image, digit in zip(digits.images, digits.target, strict=True)
        if ["".join(" .:-=+*#@"[int(v / 2)] * 2 for v in row) for row in image] == shown
    }
    assert right == {int(after(out, "an image of")[0])} == {int(floats(out.splitlines()[11])[0])}


def forecast(out: str, _: Names) -> None:
    """The forecast is close to the rule without its chance, of standard deviation 2."""
    rows = [floats(line[7:]) for line in out.splitlines()[1:13]]
    for month, (sold, value, low, high) in enumerate(rows, 120):
        rule = 100 + month + 20 * np.sin(2 * np.pi * month / 12)
        assert abs(value - rule) < 8 and abs(sold - rule) < 8 and low < value < high
    inside = sum(low <= sold <= high for sold, _, low, high in rows)
    assert inside == floats(out.splitlines()[14])[0] > 8
    error, before = after(out, "mean error")
    assert isclose(error, np.mean([abs(row[1] - row[0]) for row in rows]), abs_tol=0.1)
    assert error < 3 < before


def regression(out: str, _: Names) -> None:
    worth = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    for numeral, said, found, low, high in re.findall(
        r"([IVXLC]+) = +(\d+), found +(\S+), from +(\S+) to +(\S+)", out
    ):
        values = [worth[letter] for letter in numeral] + [0]
        value = sum(a if a >= b else -a for a, b in pairwise(values))
        assert value == int(said) and abs(float(found) - value) < 10
        assert float(low) < float(found) < float(high)
    assert after(out, "half of the errors are below")[0] < 3
    assert floats(out.splitlines()[1])[0] > 80


def own_cell(out: str, _: Names) -> None:
    assert "δnet_fₜ         = δfₜ ⊙ fₜ ⊙ (1 − fₜ)" in out
    # Sums of 5 · 3 · 8 products in float32, of order ten.
    assert after(out, "largest difference from autograd:")[0] < 1e-5
    assert floats(out.splitlines()[-1])[-1] == 100


def in_place_of_torch(out: str, _: Names) -> None:
    assert "torch.nn.modules.rnn -> bptt.nn" in out
    assert after(out, "outputs differ by at most")[0] < 1e-6
    assert after(out, "gradients differ by at most")[0] < 1e-5
    assert floats(out.splitlines()[3])[-1] < 1e-6 > floats(out.splitlines()[4])[-1]


def vanishing_gradient(out: str, names: Names) -> None:
    left = {line[:15].strip(): floats(line[15:]) for line in out.splitlines()[2:7]}
    norm = np.linalg.norm(names["elman"].R_l0.detach().numpy(), 2)
    for lag, share, bound in zip(names["LAGS"], left["Elman, tanh"], left["bound of Elman"], strict=True):
        assert isclose(bound, norm ** (lag - 1), rel_tol=0.05) and share <= bound
    assert left["LSTM"] == sorted(left["LSTM"], reverse=True) and left["LSTM"][-1] < 1e-6
    assert left["LSTM, b_f = 3"][-1] > 0.1


def gates_of_a_sentence(out: str, _: Names) -> None:
    """c = Γ_u c̃ + (1 − Γ_u) c, by the printed numbers; the gate keeps c up to the verb."""
    rows = [(line.split()[0], *floats(line[9:])) for line in out.splitlines()[3:]]
    for (_, *_, c, _), (_, gate, candidate, new, _) in pairwise(rows):
        assert isclose(new, gate * candidate + (1 - gate) * c, abs_tol=0.03)
    verb = [word for word, *_ in rows].index("were")
    kept = rows[4:verb]
    assert all(gate < 0.1 for _, gate, *_ in kept)
    assert rows[verb - 1][3] * rows[verb - 1][4] < 0 and abs(rows[verb - 1][3]) > 0.5


def back_propagation(out: str, names: Names) -> None:
    """The network in torch: every output and δ, the gradient, and the error after a step of descent."""
    given = names["weights"](0.6)
    weights = [given[layer][name] for layer in "12" for name in ("W_u", "b_u")]
    weights = [torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in weights]
    x, y = (torch.tensor(v, dtype=torch.float64) for v in ([1.0, 0.5, -1.0], [0.9, 0.1]))

    def error(w1: Any, b1: Any, w2: Any, b2: Any) -> tuple[Any, Any, Any]:
        inner = w1 @ x + b1
        outer = w2 @ inner.sigmoid() + b2
        return (outer.sigmoid() - y).square().sum() / 2, inner, outer

    before, *nets = error(*weights)
    *by_nets, d1, d2, d3, d4 = torch.autograd.grad(before, [*nets, *weights])
    outputs, deltas = torch.cat(nets).detach().sigmoid(), -torch.cat(by_nets)
    rows = [floats(line) for line in out.splitlines()[1:7]]
    assert np.allclose(rows, list(zip(range(4, 10), outputs, deltas, strict=True)), rtol=0, atol=6e-5)
    assert np.allclose([row[2] for row in rows], deltas, rtol=0, atol=6e-6)
    assert isclose(after(out, "(t8 − a8) =")[0], deltas[4], abs_tol=6e-6)
    assert isclose(after(out, "w94 δ9) =")[0], deltas[0], abs_tol=6e-6)
    for line in ("−δ8 a4 =", "a little:"):
        assert isclose(after(out, line)[0], d3[0, 0], abs_tol=6e-8)
    new, *_ = error(*(w - d for w, d in zip(weights, (d1, d2, d3, d4), strict=True)))
    assert np.allclose(after(out, "falls from"), [before.item(), new.item()], rtol=0, atol=6e-6)


def gradient_as_chains(out: str, names: Names) -> None:
    """With a copy of R at each step, autograd gives each term."""
    point = names["point"]
    copies = [torch.tensor(point.matrices["R_h"], dtype=torch.float64, requires_grad=True) for _ in range(4)]
    W, b, h = (
        torch.tensor(v, dtype=torch.float64)
        for v in (point.matrices["W_h"], point.vectors["b_h"], point.initial["h"])
    )
    for copy, inputs in zip(copies, point.sequence, strict=True):
        h = torch.tanh(W @ torch.tensor(inputs["x"], dtype=torch.float64) + copy @ h + b)
    terms = torch.autograd.grad(h.square().sum() / 2, copies)
    printed = [floats(line)[0] for line in out.splitlines()[1:5]]
    assert np.allclose(printed, [term.norm().item() for term in reversed(terms)], atol=1e-6)
    for line in ("norm of their sum:", "gradient by autograd:"):
        assert isclose(after(out, line)[0], sum(terms).norm().item(), abs_tol=1e-12)


def feed_forward(out: str, names: Names) -> None:
    """Mini-batches, and all examples at a time, by torch."""
    assert after(out, "by rows and by columns:")[0] < 1e-15
    x, y = (torch.tensor(names[name]) for name in "xy")
    for size in (10, 60):
        weights = [torch.tensor(w, requires_grad=True) for w in names["start"]()]
        descent, losses = torch.optim.SGD(weights, lr=1.0), []

        def loss(rows: torch.Tensor) -> Any:
            W1, b1, W2, b2 = weights  # noqa: B023
            found = torch.sigmoid(torch.sigmoid(x[rows] @ W1 + b1) @ W2 + b2)
            return (found - y[rows]).square().sum() / (2 * len(rows))

        for seen in range(size, 6001, size):
            descent.zero_grad()
            loss(torch.arange(seen - size, seen) % 60).backward()
            descent.step()
            if seen in (60, 600, 6000):
                losses.append(loss(torch.arange(60)).item())
        assert np.allclose(after(out, f"{size} at a time:"), losses, atol=6e-5)


def newton(out: str, names: Names) -> None:
    """The loss after the last step, and the error on new rows, from the weights."""
    table = {line[:17].strip(): floats(line[17:]) for line in out.splitlines()[1:5]}
    assert len({row[0] for row in table.values()}) == 1
    assert table["Newton"][3] < min(table["gradient descent"]) / 10
    w = {name: value.double().numpy() for name, value in names["model"].model.state_dict().items()}

    def errors(seed: int) -> Any:
        rows = list(small_data.rows(small_data.random.Random(seed), 60))[1:]
        *x, y = np.array([floats(row) for row in rows]).T
        u = (np.transpose(x) - w["body.part.mean"]) / w["body.part.deviation"]
        a = np.tanh(u @ w["body.feed_forward.1.weight"].T + w["body.feed_forward.1.bias"])
        found = a @ w["output.linear.weight"].T + w["output.linear.bias"]
        return (w["output.mean"] + w["output.deviation"] * found)[:, 0] - y

    loss = np.mean((errors(6) / w["output.deviation"]) ** 2)
    assert table["Newton"][5] / 2 < loss <= table["Newton"][5]
    assert isclose(after(out, "mean error")[0], abs(errors(7)).mean(), abs_tol=6e-4)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_what_is_true(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if name == "chinese_speech" and not shutil.which("espeak-ng"):
        pytest.skip("no espeak-ng")
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    check: Check = globals()[name]
    check(capsys.readouterr().out, names)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_short_and_says_what_it_shows(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert text.startswith('"""') and len(text.splitlines()) <= LONGEST
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert f"[{name}.py]({name}.py)" in table


def test_the_table_has_no_other_script() -> None:
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\((\w+)\.py\)", table)) == FILES
