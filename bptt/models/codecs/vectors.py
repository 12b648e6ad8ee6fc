"""Vectors of words that were trained elsewhere, for the tokens of a vocabulary."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bptt.data.readers.vectors import Vectors, read_vectors
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import OF_WORDS, SPECIAL
from bptt.errors import InputError


def wanted_words(vocabulary: Vocabulary) -> set[str]:
    """Return what the tokens are looked up by: each without the space that it brings, and in small letters.

    Raises InputError for a level whose tokens are no words.
    """
    level = vocabulary.options.level
    if level not in OF_WORDS:
        cure = f"Leave out `vectors`, or choose `level` {' or '.join(OF_WORDS)}"
        raise InputError("vectors", "are of words", level, cure)
    forms = set(map(str.strip, vocabulary.tokens[len(SPECIAL) :]))
    return forms | {form.lower() for form in forms}


def read_token_vectors(vocabulary: Vocabulary, path: Path) -> Vectors:
    """Read the vectors of the tokens, and no others. Raises as `wanted_words` and `read_vectors` do."""
    return read_vectors(path, wanted_words(vocabulary))


def match_vectors(vocabulary: Vocabulary, vectors: Vectors) -> tuple[Tensor, Tensor]:
    """Return the tokens (N,) int64 that have a vector, as written or in small letters, and these (N, D)."""
    rows = {word: row for row, word in enumerate(vectors.words)}
    forms = enumerate(map(str.strip, vocabulary.tokens))
    found = [(n, rows.get(form, rows.get(form.lower()))) for n, form in forms]
    tokens, places = zip(*((n, row) for n, row in found if row is not None), strict=True)
    return torch.tensor(tokens), torch.from_numpy(vectors.values[list(places)])
