"""The tags that a tagger distinguishes, by index, and their conversion between schemes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from bptt.data.examples import Examples, Words, column
from bptt.data.schemes import OUTSIDE, Allowed, Scheme, allowed, convert, spans, tags_of
from bptt.errors import InputError
from bptt.runs.labels import check_line

Tagged = Examples[Words, Words]


class Numbered(NamedTuple):
    """The tags of a sentence as `numbers` (T,) int64; `strange` are tags not in the set, encoded as 0."""

    numbers: Tensor
    strange: Words


class TagSet:
    """The set of tags, in the order of the network's outputs, spelled in `scheme` if that is not None."""

    def __init__(self, tags: Words, scheme: Scheme | None) -> None:
        self.tags, self.scheme = tags, scheme
        self._numbers = {tag: number for number, tag in enumerate(tags)}

    @classmethod
    def build(cls, examples: Tagged, scheme: Scheme | None) -> TagSet:
        """Return the set of the tags of examples; with a scheme, all tags of the entity types that occur.

        Raises InputError with the line if a tag is not of the scheme, or if there are fewer than two tags.
        """
        spelled = {tag for tags, place in _given(examples) for tag in spell(tags, place, scheme)}
        if scheme is not None:
            types = {span.type for span in spans(sorted(spelled))}
            spelled = (spelled & {OUTSIDE}) | set(tags_of(types, scheme))
        if len(spelled) < 2:
            cure = "Add sentences with other tags; is the tag in the last column?"
            rule = "need at least two distinct tags"
            raise InputError(examples.places[0], rule, f"only {', '.join(spelled)}", cure)
        return cls(tuple(sorted(spelled)), scheme)

    @property
    def allowed(self) -> Allowed | None:
        """The transitions between tags that the scheme allows; None if there is no scheme."""
        return None if self.scheme is None else allowed(self.tags, self.scheme)

    def encode(self, given: Words | None, place: str) -> Numbered:
        """Return the tags of an example, encoded. Raises InputError with its place if they fit no scheme."""
        tags = spell(given, place, self.scheme)
        numbers = torch.tensor([self._numbers.get(tag, 0) for tag in tags]).long()
        return Numbered(numbers, tuple(tag for tag in tags if tag not in self._numbers))

    def encode_known(self, given: Words | None, place: str) -> Tensor:
        """Return the indices of the tags of an example. Raises InputError with its place for one unknown."""
        numbers, strange = self.encode(given, place)
        if strange:
            rule = f"a tag is one of those learned, {', '.join(self.tags)}"
            raise InputError(place, rule, repr(strange[0]), "Correct it, or leave the sentence out")
        return numbers

    def decode(self, numbers: Iterable[int]) -> Words:
        """Return the tags with these indices."""
        return tuple(self.tags[number] for number in numbers)


def _given(examples: Tagged) -> Iterator[tuple[Words | None, str]]:
    """Yield the tags of each example, as far as it has some, and its place."""
    return zip(column(examples.rows, "target"), examples.places, strict=True)


def note_rewritten(examples: Tagged, scheme: Scheme | None) -> tuple[str, ...]:
    """Return a note about sentences whose tags break the scheme, if there are any."""
    count, first = 0, ""
    for tags, place in _given(examples):
        if spell(tags, place, scheme) != tags:
            count, first = count + 1, first or place
    if scheme is None or not count:
        return ()
    where = f"{count:,} sentences, the first at {first}"
    return (f"rewrote tags that break {scheme.name}, with the same entities ({where})",)


def spell(tags: Words | None, place: str, scheme: Scheme | None) -> Words:
    """Convert the tags of an example, of any scheme, to a scheme; the entities stay the same.

    Raises InputError with the place of the example if there are no tags, or they fit no scheme.
    """
    if tags is None:
        raise InputError(place, "must have a tag for each word", "none", "Is there a column of tags?")
    for tag in tags:
        check_line(tag, place)
    if scheme is None:
        return tags
    try:
        return convert(tags, scheme)
    except InputError as error:
        raise InputError(f"{place}: {error.where}", error.rule, error.got, error.cure) from error
