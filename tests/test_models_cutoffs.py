"""Cut-offs against the best of all choices, by the costs as their description has them."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from bptt.models.heads import cutoffs
from bptt.models.heads.cutoffs import best_cutoffs, cluster_width, usual_cutoffs

WIDTH, OUTPUTS = 64, 1000


def cost(counts: list[float], first: tuple[int, ...]) -> float:
    """The cost of an update: a softmax costs 3.2e6 + N V (D + 35) + V D 40 products."""

    def softmax(outputs: float, classes: int, width: int, touched: float = 1.0) -> float:
        return touched * (3.2e6 + classes * width * 40) + outputs * classes * (width + 35)

    total = softmax(OUTPUTS, first[0] + len(first), WIDTH)
    for number, (begin, end) in enumerate(pairwise((*first, len(counts)))):
        share, width = sum(counts[begin:end]) / sum(counts), cluster_width(WIDTH, number)
        touched = 1 - (1 - share) ** OUTPUTS
        total += softmax(OUTPUTS * share, end - begin, width, touched)
        total += WIDTH * width * (OUTPUTS * share + 40 * touched)
    return total


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5])
def test_no_others_cost_less(power: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutoffs, "_APART", 2.0)
    size = 60_000
    counts = [1 / rank**power for rank in range(1, size + 1)]
    places = [1000 * 2**k for k in range(6)]
    every = [first for number in range(1, 6) for first in combinations(places, number)]
    best = min(every, key=lambda first: cost(counts, first))
    assert best_cutoffs(counts, WIDTH) == best
    assert len(best) > 1


@pytest.mark.parametrize("size", [2, 3, 11, 500, 4_001, 30_000])
def test_there_is_a_cut_off_for_every_size(size: int) -> None:
    found = usual_cutoffs(size, WIDTH)
    assert found == tuple(sorted(set(found)))
    assert min(1000, max(1, size // 4)) <= found[0] <= found[-1] < size


def test_words_that_never_occur_are_clusters_that_cost_nothing() -> None:
    assert best_cutoffs([5.0] * 2000 + [0.0] * 30_000, WIDTH)[-1] <= 2200
