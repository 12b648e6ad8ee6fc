"""The tags that a tagger tells apart, by number, and what their scheme makes of the tags of a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from bptt.data.examples import Example, Examples, Words
from bptt.data.schemes import OUTSIDE, Allowed, Scheme, allowed, convert, spans, tags_of
from bptt.errors import InputError
from bptt.runs.labels import check_line

Tagged = Examples[Words, Words]


class Numbered(NamedTuple):
    """The tags of a sentence as `numbers` (T,) int64. Tags that are not in the set are `strange`; 0 stands
    for them.
    """

    numbers: Tensor
    strange: Words


class TagSet:
    """`tags` in the order of the network's outputs, spelled in `scheme` if that is not None."""

    def __init__(self, tags: Words, scheme: Scheme | None) -> None:
        self.tags, self.scheme = tags, scheme
        self._numbers = {tag: number for number, tag in enumerate(tags)}

    @classmethod
    def build(cls, examples: Tagged, scheme: Scheme | None) -> TagSet:
        """The tags of examples; of a scheme, all that the types of their entities may need.

        Raises InputError with the line if a tag is of no scheme, and if there is nothing to tell apart.
        """
        spelled = {tag for row in examples.rows for tag in spell(row, scheme)}
        if scheme is not None:
            types = {span.type for span in spans(sorted(spelled))}
            spelled = (spelled & {OUTSIDE}) | set(tags_of(types, scheme))
        if len(spelled) < 2:
            cure = "Give sentences with others; is the tag in the last column?"
            rule = "there must be two different tags to tell apart"
            raise InputError(examples.rows[0].place, rule, ", ".join(spelled), cure)
        return cls(tuple(sorted(spelled)), scheme)

    @property
    def allowed(self) -> Allowed | None:
        """Which tag may follow which; None if any may."""
        return None if self.scheme is None else allowed(self.tags, self.scheme)

    def encode(self, row: Example[Words, Words]) -> Numbered:
        """The tags of an example, in the scheme. Raises InputError with the line if they are of none."""
        tags = spell(row, self.scheme)
        numbers = torch.tensor([self._numbers.get(tag, 0) for tag in tags]).long()
        return Numbered(numbers, tuple(tag for tag in tags if tag not in self._numbers))

    def encode_known(self, row: Example[Words, Words]) -> Tensor:
        """The numbers of the tags of an example. Raises InputError with the line if one is not known."""
        numbers, strange = self.encode(row)
        if strange:
            rule = f"a tag is one of those learned, {', '.join(self.tags)}"
            raise InputError(row.place, rule, repr(strange[0]), "Correct it, or leave the sentence out")
        return numbers

    def decode(self, numbers: Iterable[int]) -> Words:
        """The tags of these numbers."""
        return tuple(self.tags[number] for number in numbers)


def note_rewritten(examples: Tagged, scheme: Scheme | None) -> tuple[str, ...]:
    """A note on the sentences whose tags break the scheme; none if there are none."""
    broken = [row for row in examples.rows if spell(row, scheme) != row.target]
    if scheme is None or not broken:
        return ()
    where = f"{len(broken):,} sentences, the first at {broken[0].place}"
    return (f"tags that break {scheme.name} are written anew, the entities being the same ({where})",)


def spell(row: Example[Words, Words], scheme: Scheme | None) -> Words:
    """The tags of an example in a scheme, whichever they are spelled in: the entities are the same.

    Raises InputError with the line if they are of none.
    """
    if row.target is None:
        raise InputError(row.place, "must have a tag for each word", "none", "Is there a column of tags?")
    tags = row.target
    for tag in tags:
        check_line(tag, row.place)
    if scheme is None:
        return tags
    try:
        return convert(tags, scheme)
    except InputError as error:
        raise InputError(f"{row.place}: {error.where}", error.rule, error.got, error.cure) from error
