"""Generated text, line by line, each line with the equations that it computes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Provenance:
    """The equations that a line computes, or its part `excerpt`.

    `equations` are named as statements name them; there are several where one matrix product takes the
    sums of all. `folded` are equations without a statement, whose formula is a part of this one. `stacked`
    are the matrices that a product takes as one. `later`: the line runs when the loop over a chunk of
    steps is over. `repeated`: it computes again what an earlier line has computed.
    """

    equations: tuple[str, ...]
    folded: tuple[str, ...] = ()
    stacked: tuple[str, ...] = ()
    later: bool = False
    repeated: bool = False
    excerpt: str = ""


@dataclass(frozen=True)
class SourceLine:
    """A line of a generated file, without its end."""

    text: str
    provenance: tuple[Provenance, ...] = ()


Lines = tuple[SourceLine, ...]


def plain(text: str) -> Lines:
    """Divide a text that computes no equation into lines."""
    return tuple(map(SourceLine, text.split("\n")))


def indented(lines: Iterable[SourceLine], by: int = 1) -> Lines:
    """Shift lines to the right by a number of levels of four spaces."""
    return tuple(replace(line, text=f"{' ' * 4 * by}{line.text}") for line in lines)


def joined(lines: Iterable[SourceLine]) -> str:
    """Join lines to the text of a file."""
    return "\n".join(line.text for line in lines)
