"""Checks that several texts share."""

from __future__ import annotations

import json

import numpy as np

from texts.page import Check, Shown
from texts.reference import Array, Elman, Table


def summands(line: str, steps: int) -> Check:
    """A check of every δ, every summand of every gradient and their sums, by Jacobians written out here."""

    def check(shown: Shown) -> None:
        given = Table(shown.also(f"{line} --csv").out)
        net = Elman(given, steps)
        for k in range(steps):
            step = str(k + 1)
            near(given("forward", "net_h", "1", step), net.net[k])
            near(given("forward", "h", "1", step), net.s[k + 1])
            near(given("loss", "E", "output", step), net.e[k])
            near(given("delta", "net", "output", step), net.o[k] - net.t[k])
            near(given("delta", "net_h", "1", step), net.at(k))
            near(given("delta", "x", "1", step), net.u.T @ net.at(k))
            near(given("summand", "R_h", "1", step), np.outer(net.at(k), net.s[k]))
            near(given("summand", "W_h", "1", step), np.outer(net.at(k), net.x[k]))
            near(given("summand", "V", "output", step), np.outer(net.o[k] - net.t[k], net.s[k + 1]))
        for name in ("W_h", "R_h"):
            parts = [given("summand", name, "1", str(k + 1)) for k in range(steps)]
            near(given("gradient", name, "1"), np.sum(parts, 0))
        # The page shows the same numbers, with four digits.
        assert f"{net.e[-1]:.4g}" in shown.out

    return check


def near(found: Array, wanted: Array | float) -> None:
    """Equal but for the order of summation of a few numbers below 2."""
    assert np.allclose(found, wanted, rtol=1e-12, atol=1e-14)


def learned_all(*names: str) -> Check:
    """A check that a comparison has trained these variants, each with a finite loss."""

    def check(shown: Shown) -> None:
        losses = {fields[0]: float(fields[4]) for fields in shown.table[1:]}
        assert set(names) <= set(losses)
        assert all(np.isfinite(loss) for loss in losses.values())

    return check


def options_of(run: str, **wanted: object) -> Check:
    """A check that a run was made with these options."""

    def check(shown: Shown) -> None:
        config = json.loads((shown.folder / run / "config.json").read_text(encoding="utf-8"))
        found = {
            name: value
            for section in config.values()
            if isinstance(section, dict)
            for name, value in section.items()
        }
        assert {name: found[name] for name in wanted} == wanted

    return check
