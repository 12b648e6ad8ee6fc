"""From what a user asks for to the processes that measure it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import torch

from bptt.bench.cases import (
    CELLS,
    QUICK_SHAPES,
    QUICK_VOCABULARIES,
    RAGGED_SHAPES,
    SECTIONS,
    SHAPES,
    TORCH_CELLS,
    VOCABULARIES,
    Case,
    Shape,
    check_cells,
    layer_cases,
    parse_shape,
    ragged_cases,
    small_cases,
    streaming_cases,
    training_cases,
    vocabulary_cases,
)
from bptt.bench.request import Budget, Request
from bptt.errors import InputError
from bptt.runtime.notice import say

_FULL, _QUICK = Budget(rounds=15, seconds=1.0), Budget(rounds=3, seconds=0.2)
# Memory of the five models of a vocabulary for each of V x H numbers: some 37 of weights, of gradients, of
# what Adam keeps of them and of torch's logits, and a fifth more.
_WORD_BYTES = 180
# A number of rounds that the user chose is kept to, whatever it takes.
_WHATEVER_IT_TAKES = 1e9


def choose(
    what: str,
    cells: Sequence[str],
    shapes: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    quick: bool,
) -> list[Request]:
    """Return the processes for a section, or "all"; empty values and 0 are chosen here. Raises InputError for
    an unknown section, cell or number.

    For each number of threads malloc is as it is, then tuned. Streaming is measured with one thread
    too, and not tuned: a step allocates next to nothing. A `quick` look leaves out what takes long.
    """
    wanted = tuple(SECTIONS) if what == "all" else (what,)
    _check(what, cells, shapes, threads, rounds)
    budget = _QUICK if quick else _FULL
    budget = Budget(rounds, _WHATEVER_IT_TAKES) if rounds else budget
    chosen = check_cells(cells or CELLS)
    given = tuple(map(parse_shape, shapes))
    steps = tuple(streaming_cases(chosen)) if "streaming" in wanted else ()
    long = tuple(_long_cases(wanted, chosen, given, quick))
    counts = tuple(dict.fromkeys(threads)) or (torch.get_num_threads(),)
    found = []
    for count in counts:
        found.append(Request(count, False, (*long, *steps), budget, others=True, slow=not quick))
        if not quick:
            found.append(Request(count, True, long, budget, others=False, slow=True))
    if 1 not in counts:
        found.append(Request(1, False, steps, budget, others=True, slow=False))
    if not any(request.cases for request in found):
        raise InputError(
            "cells", f"for {what}, one of {', '.join(TORCH_CELLS)} is among them", ", ".join(cells)
        )
    return [request for request in found if request.cases]


def _long_cases(
    wanted: Sequence[str], cells: Sequence[str], shapes: Sequence[Shape], quick: bool
) -> list[Case]:
    """Return all cases but the single steps."""
    usual = (QUICK_SHAPES, QUICK_SHAPES) if quick else (SHAPES, RAGGED_SHAPES)
    dense, ragged = (shapes, shapes) if shapes else usual
    parts: dict[str, Callable[[], Iterator[Case]]] = {
        "forward": lambda: layer_cases(cells, dense, training=False),
        "layers": lambda: chain(layer_cases(cells, dense, training=True), ragged_cases(cells, ragged)),
        "small": lambda: small_cases(cells[:1] if quick else cells),
        "training": training_cases,
        # Last, as they need the most memory.
        "vocabularies": lambda: vocabulary_cases(QUICK_VOCABULARIES if quick else _fitting_vocabularies()),
    }
    return [case for name, cases in parts.items() if name in wanted for case in cases()]


def _fitting_vocabularies() -> list[str]:
    """Return the vocabularies whose models fit into half of the memory; name the others to the user."""
    most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    needed = {name: model.vocabulary * model.shape[3] * _WORD_BYTES for name, model in VOCABULARIES.items()}
    for name, size in needed.items():
        if size > most:
            say(f"bptt: {name} words are left out: their models take {size / 2**30:.0f} GiB")
    return [name for name, size in needed.items() if size <= most]


def _check(
    what: str, cells: Sequence[str], shapes: Sequence[str], threads: Sequence[int], rounds: int
) -> None:
    if shapes and what not in ("forward", "layers", "all"):
        raise InputError("shapes", "are chosen for forward and layers", f"them for {what}")
    if cells and what in ("training", "vocabularies"):
        raise InputError("cells", "are chosen for layers and steps", f"them for {what}")
    most = os.cpu_count() or 1
    for count in threads:
        if not 1 <= count <= most:
            raise InputError(
                "threads", f"is a whole number from 1 to {most}, the cores of this machine", count
            )
    if rounds < 0:
        raise InputError("rounds", "is a whole number of at least 0", rounds)
