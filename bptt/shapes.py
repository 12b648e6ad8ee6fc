"""The legend of size letters, and the checker of shapes that every public door uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bptt.errors import TensorError

LEGEND: Mapping[str, str] = {
    "T": "time steps",
    "B": "batch",
    "I": "input size",
    "H": "hidden size",
    "P": "projection size",
    "G": "gates",
    "V": "vocabulary",
    "D": "embedding size",
}


def check_shape(
    where: str, shape: Sequence[int], *allowed: str, sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Match `shape` against patterns such as ``"T B I"`` and return the sizes of their letters.

    `sizes` fixes letters that are known already; a letter that occurs twice must have one size. A pattern may
    hold plain numbers and multiples such as ``4*H``. Raises TensorError when no pattern fits.
    """
    known = dict(sizes or {})
    for pattern in allowed:
        bound = _match(pattern.split(), shape, known)
        if bound is not None:
            return bound
    wanted = " or ".join(_show(pattern.split(), known) for pattern in allowed)
    raise TensorError(where, f"expected shape {wanted}", tuple(shape))


def _match(letters: list[str], shape: Sequence[int], known: dict[str, int]) -> dict[str, int] | None:
    if len(letters) != len(shape):
        return None
    bound = dict(known)
    for letter, size in zip(letters, shape, strict=True):
        count, _, base = letter.rpartition("*")
        factor = int(count) if count else 1
        expected = int(base) if base.isdecimal() else bound.setdefault(base, size // factor)
        if expected * factor != size:
            return None
    return bound


def _show(letters: list[str], known: dict[str, int]) -> str:
    parts = [_show_one(letter, known) for letter in letters]
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def _show_one(letter: str, known: dict[str, int]) -> str:
    count, _, base = letter.rpartition("*")
    if base not in known:
        return letter.removeprefix("1*")
    return str((int(count) if count else 1) * known[base])
