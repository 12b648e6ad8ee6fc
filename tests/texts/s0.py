"""S0, from recurrent networks to LSTM and GRU: what is printed, against values of another source."""

from __future__ import annotations

import json
import re
from math import exp, fsum, isclose

import numpy as np

from texts.checks import learned_all, options_of, summands
from texts.page import Check, Shown, both, says
from texts.reference import Words, weights
from texts.unrolled import expanded

# Printed with six decimals, computed in float32 by sums of 16 terms.
PRINTED = 2e-6


def near_steps_count(shown: Shown) -> None:
    """The gradient is down to a tenth within a few steps: the network remembers little of far steps."""
    (lag,) = re.findall(r"a tenth of ‖δ‖ is left at lag (\d+)", shown.out)
    assert 0 < int(lag) < 10


def bound_holds(shown: Shown) -> None:
    """β_W is the largest singular value of W, β_f that of tanh', 1; the gradient shrinks at least as fast."""
    ((measured, beta, slope, bound),) = re.findall(
        r"×([\d.]+) a step; bound β_W β_f = ([\d.]+) · (\d) = ([\d.]+)", shown.out
    )
    largest = np.linalg.norm(weights(shown.folder / "characters")["recurrent.R_l0"], 2)
    assert isclose(float(beta), largest, abs_tol=5e-4)
    assert float(slope) == 1
    assert float(measured) <= float(bound)


def a_tag_for_each_word(shown: Shown) -> None:
    assert [line.split()[0] for line in shown.lines if line] == "Ada went to Oslo today".split()


def likelihood(shown: Shown) -> None:
    """The mean cross-entropy is -ln of the likelihood, per token, and its exponential the perplexity."""
    words, values = Words(shown.folder), dict(field for field in shown.table if len(field) == 2)
    text = (shown.folder / "sentences.txt").read_text(encoding="utf-8").splitlines()
    found = [p for line in text for p in words.log_probabilities(line.split())]
    assert int(values["tokens"]) == len(found)
    assert isclose(float(values["loss"]), -fsum(found) / len(found), rel_tol=1e-5)
    assert isclose(float(values["perplexity"]), exp(float(values["loss"])), rel_tol=1e-6)


def conditionals(shown: Shown) -> None:
    """Each ln P is that of the GRU computed in numpy, and a sentence's is their sum."""
    first = (shown.folder / "sentences.txt").read_text(encoding="utf-8").splitlines()[0].split()
    wanted = Words(shown.folder).log_probabilities(first)
    printed = [fields for fields in shown.table if fields[0] == "1"]
    assert [fields[1] for fields in printed] == [*first, "<eos>"]
    assert np.allclose([float(fields[2]) for fields in printed], wanted, atol=PRINTED * 10, rtol=1e-5)
    whole = shown.also("bptt score words sentences.txt").table[0]
    assert isclose(float(whole[0]), fsum(float(fields[2]) for fields in printed), abs_tol=1e-5)


def one_sentence_an_update(shown: Shown) -> None:
    """As many updates as sentences that were not held out."""
    folder = shown.folder / "one-by-one"
    updates = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()][-1]
    held_out = (folder / "held_out.txt").read_text(encoding="utf-8").splitlines()
    assert updates == len((shown.folder / "sentences.txt").read_text().splitlines()) - len(held_out)


def truncated(shown: Shown) -> None:
    """As many updates as the text has pieces of eight characters in each stream."""
    folder = shown.folder / "truncated"
    config = json.loads((folder / "config.json").read_text())["data"]
    assert config["sequence_length"] == 8
    updates = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()][-1]
    characters = 21206 - len((folder / "held_out.txt").read_text(encoding="utf-8"))
    assert abs(updates - characters / config["batch_size"] / 8) <= 1


def proof(shown: Shown) -> None:
    """Every gradient agrees: 50 digits with the exact one, rounding with autograd."""
    found = re.findall(r"^(\w+) +\(.*?\) +(\S+) +(\S+) +(\S+)$", shown.out, re.MULTILINE)
    assert {row[0] for row in found} == {"x", "h_prev", "c_prev", "W", "R", "b"}
    assert all(float(exact) < 1e-40 and float(auto) < 1e-11 for _, exact, auto, _ in found)


def fewer_weights(shown: Shown) -> None:
    """Three gates instead of four: with equal budgets the GRU has more units; both learn from each share."""
    names = [f"{cell} {share}%" for cell in ("lstm", "gru") for share in (30, 100)]
    learned_all(*names)(shown)
    units = {fields[0]: int(fields[2]) for fields in shown.table[1:]}
    assert units["gru 100%"] > units["lstm 100%"]
    found = (
        r"gru (needs (0\.3|1) of the data to reach|does not reach) the loss that lstm has on all of the data"
    )
    assert re.search(found, shown.out)


def drawn(cell: str, count: int, *inputs: str) -> Check:
    """A check that a row of boxes has the cell once for each of the steps, and its inputs below."""

    def check(shown: Shown) -> None:
        rows = [line.split() for line in shown.lines]
        boxes = next(row for row in rows if row.count(f"{cell}") + sum(cell in each for each in row) >= count)
        assert boxes[0] == "h₀"
        assert boxes[-1] == "h_T"
        assert list(inputs) in rows

    return check


CHECKS: dict[int, Check] = {
    3: both(drawn("elman-tanh", 3, "x₁", "x₂", "x_T"), says("delay ╎ hₜ₋₁")),
    4: expanded("h", 3),
    10: says(
        "Take E₃ alone",
        "∂h₃/∂W = ∂⁺h₃/∂W + ∂h₃/∂h₂ ∂⁺h₂/∂W + ∂h₃/∂h₂ ∂h₂/∂h₁ ∂⁺h₁/∂W",
        "∂E₃/∂R_h = ∂E₃/∂R_h₁ + ∂E₃/∂R_h₂ + ∂E₃/∂R_h₃",
    ),
    12: says(
        "δₙᵐ = ∂Eₘ/∂net_hₙ is the error term",
        "δₙᵐ = diag(1 − hₙ²) R_hᵀ δₙ₊₁ᵐ",
        "δ₁³ = diag(1 − h₁²) R_hᵀ diag(1 − h₂²) R_hᵀ diag(1 − h₃²) ∂E₃/∂h₃",
    ),
    14: says("∇U = Σₜ δnetₜ xₜᵀ", "∇W = Σₜ δnetₜ sₜ₋₁ᵀ"),
    19: options_of("random", initial="random"),
    21: says("σ ╎ rₜ", "σ ╎ zₜ", "tanh ╎ nₜ", "1 − ·", "+ ╎ hₜ"),
    11: says(
        "∂o_i/∂z_j = o_i (1[i = j] − o_j)", "∂E/∂o_i = −y_i/o_i", "δzₜ = oₜ − yₜ", "∇V = Σₜ (oₜ − yₜ) hₜᵀ"
    ),
    13: summands("bptt derive elman-tanh --numbers --sizes 2,3,2 --steps 3", 3),
    1: near_steps_count,
    5: a_tag_for_each_word,
    6: likelihood,
    7: conditionals,
    8: one_sentence_an_update,
    9: says("∇W = ∂E/∂W = Σₜ (∂⁺netₜ/∂W)ᵀ δnetₜ", "∇R_h = Σₜ δnet_hₜ hₜ₋₁ᵀ"),
    15: bound_holds,
    16: truncated,
    17: learned_all("rnn", "rnn+relu+identity", "rnn+lstm", "rnn+gru"),
    18: says("cₜ = fₜ ⊙ cₜ₋₁ + iₜ ⊙ gₜ", "hₜ = oₜ ⊙ τ_cₜ", "∂E_{>t−1}/∂cₜ₋₁ = δcₜ ⊙ fₜ", "∇W = ∂E/∂W = Σₜ"),
    20: fewer_weights,
    22: proof,
}
