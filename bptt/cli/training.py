"""Options of commands that are written out, and their names in errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bptt.errors import InputError

# The options whose name in the package is another one.
TYPED = {
    "hidden_size": "hidden",
    "num_layers": "layers",
    "embedding_size": "embedding",
    "proj_size": "projection",
    "sequence_length": "length",
    "learning_rate": "lr",
    "clip_norm": "clip",
    "max_size": "vocab-size",
    "input_dropout": "input-dropout",
    "width": "beam",
    "character_hidden_size": "character-hidden",
    "frozen": "freeze",
    "form": "input",
}


@contextmanager
def as_typed() -> Iterator[None]:
    """Let an error name an option as the user typed it."""
    try:
        yield
    except InputError as error:
        if not error.where.isidentifier():
            raise
        option = "--" + TYPED.get(error.where, error.where).replace("_", "-")
        raise InputError(option, error.rule, error.got, error.cure) from error
