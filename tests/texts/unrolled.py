"""Checks of unrolled derivations: what is printed is evaluated, and compared with the recursion itself."""

from __future__ import annotations

import re

import numpy as np

from texts.page import Check, Shown
from texts.reference import Array, softmax

_SMALL = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def expanded(name: str, steps: int) -> Check:
    """A check of `name`₁ … `name`_T, each written over all inputs before it: no other value is left in it.

    On drawn weights it is what the recursion gives, h = tanh(W x + R h + b) and o = softmax(V h + b).
    """

    def check(shown: Shown) -> None:
        draw = np.random.default_rng(0)
        given: dict[str, Array] = {f"x{t}": draw.normal(size=2) for t in range(1, steps + 1)}
        given |= {
            "W_h": draw.normal(size=(3, 2)),
            "R_h": draw.normal(size=(3, 3)),
            "b_h": draw.normal(size=3),
        }
        given |= {"V": draw.normal(size=(2, 3)), "b": draw.normal(size=2), "h0": np.zeros(3)}
        h = given["h0"]
        for t in range(1, steps + 1):
            h = np.tanh(given["W_h"] @ given[f"x{t}"] + given["R_h"] @ h + given["b_h"])
            wanted = h if name == "h" else softmax(given["V"] @ h + given["b"])
            found = eval(_python(shown.out, name, t), {"tanh": np.tanh, "softmax": softmax}, given)
            # The same operations in the same order but for the sums of three terms.
            assert np.allclose(found, wanted, rtol=1e-14, atol=1e-15)

    return check


def _python(printed: str, name: str, step: int) -> str:
    """The first equation of a value at a step, in Python: a matrix beside what it multiplies gets its @."""
    plain = printed.translate(_SMALL)
    (line,) = re.findall(rf"^ +{name}{step} += (.*(?:\n +\+ .*)*)", plain, re.MULTILINE)[-1:]
    return re.sub(r"\b(W_h|R_h|V) (?=\w)", r"\1 @ ", " ".join(line.split()))


def jacobian_of_entries(shown: Shown) -> None:
    """∂net_j/∂net_i as printed for each pair of three units, against differences of the network itself."""
    draw = np.random.default_rng(1)
    r, u, net, width = draw.normal(size=(3, 3)), draw.normal(size=3), draw.normal(size=3), 1e-6
    entries = re.findall(r"r(\d)(\d) \(1 − h(\d),ₜ₋1²\)", shown.out.translate(_SMALL))
    assert len(entries) == 9
    printed = np.zeros((3, 3))
    for row, column, unit in (map(int, entry) for entry in entries):
        printed[row - 1, column - 1] = r[row - 1, column - 1] * (1 - np.tanh(net[unit - 1]) ** 2)
    moved = np.diag(np.full(3, width))
    slopes = [(r @ np.tanh(net + step) + u - r @ np.tanh(net - step) - u) / (2 * width) for step in moved]
    # A central difference errs by width², and by rounding, 1e-16 / width.
    assert np.allclose(printed, np.transpose(slopes), atol=1e-9)
