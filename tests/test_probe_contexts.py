"""Places in a text, against looking at every step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bptt.errors import InputError
from bptt.probe import extremes, nearest_states

STEPS, UNITS = 60, 4
TEXTS = tuple(f"{letter}{k % 10} " for k, letter in enumerate("abcdefghijkl是" * 5))[:STEPS]


def test_extremes_are_the_highest_and_lowest_places_apart() -> None:
    activity = torch.zeros(STEPS)
    activity[[5, 6, 8, 20, 23, 59]] = torch.tensor([4.0, 5.0, 4.5, 3.0, 2.0, 1.0])
    activity[[30, 40]] = -2.0
    found = extremes(activity, TEXTS, count=4, radius=2)
    highest = [(c.step, c.number) for c in found.highest]
    assert highest == [(6, 5.0), (20, 3.0), (23, 2.0), (59, 1.0)]
    assert [c.step for c in found.lowest] == [30, 40, 0, 3]
    first, last = found.highest[0], found.highest[3]
    assert (first.before, first.token, first.after) == ("e4 f5 ", "g6 ", "h7 i8 ")
    assert (last.before, last.token, last.after) == ("f7 g8 ", "h9 ", "")
    assert len(extremes(activity, TEXTS, count=STEPS, radius=20).highest) <= 3


@pytest.mark.parametrize("block", [1, 2**22])
def test_nearest_states_are_those_of_all_distances(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bptt.probe.contexts.BLOCK", block)
    states = torch.randn(STEPS, UNITS, generator=torch.Generator().manual_seed(0))
    asked, count, radius = (0, 31, 59), 4, 3
    everything = states.double().numpy()
    for step, found in zip(asked, nearest_states(states, TEXTS, asked, count, radius), strict=True):
        distances = np.linalg.norm(everything - everything[step], axis=1)
        truth: list[int] = []
        for other in np.argsort(distances):
            if all(abs(other - taken) > radius for taken in (step, *truth)):
                truth.append(int(other))
        assert [c.step for c in found] == truth[:count]
        # Squares of at most 20 are subtracted, with a rounding for each unit; a distance is at least 0.1.
        assert [c.number for c in found] == pytest.approx(distances[truth[:count]], abs=1e-12)
        assert all(c.token == TEXTS[c.step] for c in found)


def test_shapes_are_checked() -> None:
    with pytest.raises(InputError, match="extremes of a unit"):
        extremes(torch.zeros(STEPS - 1), TEXTS)
    with pytest.raises(InputError, match="nearest states"):
        list(nearest_states(torch.zeros(STEPS + 1, UNITS), TEXTS, [0]))
