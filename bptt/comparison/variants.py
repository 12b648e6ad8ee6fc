"""The variants of a comparison: cells, each as it is and with one remedy, or several joined, that a user
names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bptt.cells.carried import forget_gates, recurrent_matrices
from bptt.cells.dense import DENSE
from bptt.cells.load import Cells, as_cells, load, names_of, per_layer
from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.subject import Variant as Variant
from bptt.nn.initialisation import RecurrentInit

# Short names, beside those of the catalogue.
_SHORT = {"rnn": "elman-tanh"}
_FORGET_BIAS = 1.0
_LONGER = 4
_CLIP = "clip"
_AND = "+"


def plan_variants(
    cells: Sequence[str],
    remedies: Sequence[str],
    levels: Sequence[LevelName] = (),
    shares: Sequence[float] = (),
) -> tuple[Variant, ...]:
    """Return the cells, and each with every remedy that it can have, `rnn+relu+identity` with two at once;
    all of these on every level of tokens and on every share of the examples, `lstm word 30%`.

    The gradient of all is clipped, unless clipping is among the remedies: then that of those with it. Raises
    InputError for a cell or a remedy that is unknown, or one that no cell can have.
    """
    if not cells:
        raise InputError("cells", "names one cell or more", "none")
    clipped = not any(_CLIP in remedy.split(_AND) for remedy in remedies)
    plain = [Variant(name, _load(name), clipped=clipped) for name in cells]
    found = {variant.name: variant for variant in plain}
    for remedy in remedies:
        remedied = [_apply(variant, remedy) for variant in plain]
        if not any(remedied):
            raise InputError("remedies", f"{remedy} suits one of the cells", ", ".join(cells), "Leave it out")
        found |= {variant.name: variant for variant in remedied if variant}
    return tuple(
        replace(
            variant,
            name=" ".join((variant.name, *([level] if level else ()), *([f"{share:.4g}%"] if share else ()))),
            level=level,
            share=share / 100 if share else 1.0,
        )
        for variant in found.values()
        for level in (levels or (None,))
        for share in ([100 * share for share in shares] or [0.0])
    )


def _load(name: str) -> Cells:
    """Return the cell of a name, or those of `lstm+gru`, the lowest layer's first."""
    cells = as_cells([load(_SHORT.get(each, each)) for each in name.split(_AND)])
    for cell in per_layer(cells, 1):
        alone = cell == DENSE and cells == DENSE
        if not (cell.states or alone) or "P" in cell.letters:
            rule = "carry a state, or are dense, a standard network; and have no projection"
            raise InputError("cells", rule, name, "Leave it out")
    return cells


def _apply(variant: Variant, remedy: str) -> Variant | None:
    """Return the variant with the remedies that are joined in `remedy`; None if it cannot have one of
    them.
    """
    found: Variant | None = variant
    for name in remedy.split(_AND):
        if name not in _REMEDIES:
            raise InputError("remedies", f"are among {', '.join(_REMEDIES)}", repr(name))
        found = found and _REMEDIES[name](found)
    return found and replace(found, name=f"{variant.name}{_AND}{remedy}")


def _begin(kind: RecurrentInit) -> Callable[[Variant], Variant | None]:
    def apply(variant: Variant) -> Variant | None:
        suits = any(map(recurrent_matrices, per_layer(variant.cell, 1)))
        return replace(variant, recurrent_init=kind) if suits else None

    return apply


def _remember(variant: Variant) -> Variant | None:
    layers = [(cell, forget_gates(cell)) for cell in per_layer(variant.cell, 1)]
    biased = all(f"b_{gate}" in cell.vectors for cell, gates in layers for gate in gates)
    suits = biased and any(gates for _, gates in layers)
    return replace(variant, forget_bias=_FORGET_BIAS) if suits else None


def _instead(name: str, of: str) -> Callable[[Variant], Variant | None]:
    """Return a remedy: another cell in the place of one whose name begins with `of`."""

    def apply(variant: Variant) -> Variant | None:
        named = names_of(variant.cell)
        suits = not isinstance(variant.cell, tuple) and named.startswith(of) and named != name
        return replace(variant, cell=load(name)) if suits else None

    return apply


_REMEDIES: Mapping[str, Callable[[Variant], Variant | None]] = {
    _CLIP: lambda variant: replace(variant, clipped=True),
    "orthogonal": _begin("orthogonal"),
    "identity": _begin("identity"),
    "forget-bias": _remember,
    "relu": _instead("elman-relu", "elman"),
    "lstm": _instead("lstm", "elman"),
    "gru": _instead("gru", "elman"),
    "length": lambda variant: replace(variant, longer=_LONGER),
}


def hidden_for(cell: Cells, input_size: int, num_layers: int, budget: int) -> int:
    """Return the largest hidden size at which the layers have no more than `budget` weights, at least 1."""

    def weights(hidden: int) -> int:
        return stack_weights(cell, input_size, hidden, num_layers)

    return max(1, bisect_right(range(budget + 1), budget, key=weights) - 1)


def stack_weights(cell: Cells, input_size: int, hidden: int, num_layers: int) -> int:
    """Return the number of weights of layers, each of which reads the output of the one below."""
    widths = (input_size, *[hidden] * (num_layers - 1))
    layers = zip(per_layer(cell, num_layers), widths, strict=True)
    return sum(each.count({"I": width, "H": hidden, "P": 0}) for each, width in layers)
