"""The letters of DNA: the code of IUPAC (Cornish-Bowden 1985), where a letter may mean several bases."""

from __future__ import annotations

from bptt.errors import InputError

# The bases that each letter may mean. U is the T of RNA.
_BASES = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T",
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
LETTERS = "".join(_BASES)

_COMPLEMENT = str.maketrans("ACGTURYSWKMBDHVN", "TGCAAYRSWMKVHDBN")


def bases(letter: str) -> str:
    """Return the bases A, C, G, T that a capital letter may mean, in this order; KeyError if it is none."""
    return _BASES[letter]


def check_letters(sequence: str, place: str) -> str:
    """Return the letters as capitals. Raises InputError with the place for one that is not of the code."""
    capitals = sequence.strip().upper()
    wrong = next((i for i, letter in enumerate(capitals) if letter not in _BASES), None)
    if wrong is not None:
        came = f"{capitals[wrong]!r} at letter {wrong + 1}"
        cure = "Remove gaps; a protein is no DNA"
        raise InputError(place, f"has the letters of IUPAC, {LETTERS}", came, cure)
    return capitals


def reverse_complement(sequence: str) -> str:
    """Return the other strand, read in its own direction. Letters are capitals."""
    return sequence.translate(_COMPLEMENT)[::-1]
