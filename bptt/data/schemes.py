"""How tags spell entities: IOB1, BIO, BIOES, BMES and their kin; found, read as spans, converted.

Sources: Ramshaw and Marcus 1995 (IOB1); Tjong Kim Sang and Veenstra 1999 (IOB2, here BIO); the rules
of `conlleval`, the script of the CoNLL-2000 shared task, for tags that follow no scheme.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from bptt.errors import InputError

OUTSIDE = "O"

# The role of a letter in any scheme: begin, inside, end, single; M is middle, L last, U unit, W whole.
_ROLES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
# A tag of no scheme counts as a slip if there are at least this number of right tags for it.
_MOST_STRAYS = 10


class Span(NamedTuple):
    """The words `start` to `end` - 1 are an entity of `type`."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Scheme:
    """The letters for the first, inner and last word of an entity, and for one of a single word."""

    name: str
    begin: str
    inside: str
    end: str
    single: str


# In IOB1, B is for an entity that touches one of its type, and all else is I.
IOB1 = Scheme("IOB1", "I", "I", "I", "I")
BIO = Scheme("BIO", "B", "I", "I", "B")
SCHEMES = {
    scheme.name: scheme
    for scheme in (
        IOB1,
        BIO,
        Scheme("BIOES", "B", "I", "E", "S"),
        Scheme("BMES", "B", "M", "E", "S"),
        Scheme("BMEWO", "B", "M", "E", "W"),
        Scheme("BILOU", "B", "I", "L", "U"),
    )
}


class Allowed(NamedTuple):
    """Return which of K tags may begin and which may end a sentence, and in row j of `pairs` which may follow
    tag j.
    """

    starts: tuple[bool, ...]
    pairs: tuple[tuple[bool, ...], ...]
    ends: tuple[bool, ...]


@dataclass(frozen=True)
class FoundScheme:
    """The scheme of tags, None for tags that spell no entities, such as parts of speech; and why."""

    scheme: Scheme | None
    reason: str


def detect_scheme(sentences: Sequence[Sequence[str]]) -> FoundScheme:
    """Return the scheme of the tags of sentences.

    Letters that only one scheme has decide. Between BIO and IOB1, which share B and I, it is the one
    whose rule is broken less often: in BIO an entity begins with B, in IOB1 only one that touches an
    entity of its type.
    """
    tags = {tag for sentence in sentences for tag in sentence} - {OUTSIDE}
    stranger = next((tag for tag in sorted(tags) if _parse(tag) is None), None)
    if stranger is not None:
        return FoundScheme(None, f"the tag {stranger} has no letter of a scheme before a hyphen")
    letters = {tag[0] for tag in tags}
    said = ", ".join(sorted(letters))
    if letters <= {"B", "I"}:
        return _bio_or_iob1(sentences)
    for scheme in SCHEMES.values():
        if letters <= {scheme.begin, scheme.inside, scheme.end, scheme.single}:
            return FoundScheme(scheme, f"{scheme.name}: its tags begin with {said}")
    return FoundScheme(None, f"no scheme has the letters {said}")


def stray_tags(sentences: Iterable[Sequence[str]]) -> dict[str, int]:
    """Count tags of no scheme among tags that spell entities; none if they are no exception: as many as the
    tags of entities, or more than one for each `_MOST_STRAYS` tags that are right.
    """
    counts = Counter(tag for tags in sentences for tag in tags)
    strays = Counter({tag: count for tag, count in counts.items() if _parse(tag) is None})
    right = counts.total() - strays.total()
    few = right >= _MOST_STRAYS * strays.total() and right - counts[OUTSIDE] >= strays.total()
    return dict(strays) if few else {}


def _bio_or_iob1(sentences: Sequence[Sequence[str]]) -> FoundScheme:
    against_bio = against_iob1 = 0
    for before, tag in (pair for tags in sentences for pair in pairwise([OUTSIDE, *tags])):
        touches = before != OUTSIDE and before[1:] == tag[1:]
        against_bio += tag[0] == "I" and not touches
        against_iob1 += tag[0] == "B" and not touches
    if against_bio == 0:
        return FoundScheme(BIO, "BIO: every entity begins with B")
    if against_iob1 == 0:
        return FoundScheme(IOB1, "IOB1: entities begin with I, unless one of their type touches them")
    scheme, breaks = (BIO, against_bio) if against_bio <= against_iob1 else (IOB1, against_iob1)
    return FoundScheme(scheme, f"{scheme.name}, which {breaks:,} tags break: they are read as conlleval does")


def spans(tags: Sequence[str]) -> tuple[Span, ...]:
    """Return the entities of a sentence, from tags of any scheme.

    Tags that follow none are read as `conlleval` reads them: an I or E with nothing before it, or after
    another type, begins an entity. Raises InputError for a tag without a letter of a scheme.
    """
    found: list[Span] = []
    start, before, type_before = 0, OUTSIDE, ""
    for i, tag in enumerate([*tags, OUTSIDE]):
        letter, kind = _role(tag)
        open_before = before not in (OUTSIDE, "E", "S")
        goes_on = open_before and letter in ("I", "E") and kind == type_before
        if not goes_on:
            if before != OUTSIDE:
                found.append(Span(start, i, type_before))
            start = i
        before, type_before = letter, kind
    return tuple(found)


def to_tags(entities: Iterable[Span], length: int, scheme: Scheme) -> tuple[str, ...]:
    """Return the tags of a sentence of `length` words. Raises InputError if entities overlap or do not
    fit.
    """
    tags = [OUTSIDE] * length
    before = Span(0, 0, "")
    for entity in sorted(entities):
        if not before.end <= entity.start < entity.end <= length:
            raise InputError("entities", f"must lie apart within {length} words", (before, entity))
        touches = entity.start == before.end and entity.type == before.type and before.end > 0
        for i, letter in zip(range(entity.start, entity.end), _letters(entity, scheme, touches), strict=True):
            tags[i] = _spell(letter, entity.type)
        before = entity
    return tuple(tags)


def convert(tags: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """Return the same entities in the tags of `scheme`."""
    return to_tags(spans(tags), len(tags), scheme)


def tags_of(types: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """Return every tag that a word in an entity of these types may have, in sorted order."""
    letters = {"B", scheme.begin, scheme.inside, scheme.end, scheme.single}
    return tuple(sorted(_spell(letter, kind) for letter in letters for kind in types))


def in_roles(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the same tags with the letters B, I, E and S, whatever those of their scheme are."""
    return tuple(_spell(*_role(tag)) for tag in tags)


def allowed(tags: Sequence[str], scheme: Scheme) -> Allowed:
    """Return which of these tags may begin, follow each other and end, by the `scheme` that spells them."""
    # Beyond the ends of a sentence there is no entity.
    starts = tuple(_may_follow(OUTSIDE, tag, scheme) for tag in tags)
    pairs = tuple(tuple(_may_follow(before, tag, scheme) for tag in tags) for before in tags)
    return Allowed(starts, pairs, tuple(_may_follow(tag, OUTSIDE, scheme) for tag in tags))


def _may_follow(before: str, tag: str, scheme: Scheme) -> bool:
    of_one_type = OUTSIDE not in (before, tag) and before[1:] == tag[1:]
    if scheme is IOB1:
        return tag[0] != "B" or of_one_type
    goes_on = before[0] in (scheme.begin, scheme.inside) and tag[0] in (scheme.inside, scheme.end)
    ended = before[0] in (OUTSIDE, scheme.end, scheme.single)
    return (of_one_type and goes_on) or (ended and tag[0] in (OUTSIDE, scheme.begin, scheme.single))


def _spell(letter: str, kind: str) -> str:
    return f"{letter}-{kind}" if kind else letter


def _letters(entity: Span, scheme: Scheme, touches: bool) -> Iterator[str]:
    length = entity.end - entity.start
    begin = "B" if scheme is IOB1 and touches else scheme.begin
    if length == 1:
        yield begin if scheme is IOB1 else scheme.single
        return
    yield begin
    yield from scheme.inside * (length - 2)
    yield scheme.end


def _parse(tag: str) -> tuple[str, str] | None:
    """Return the role and the type of a tag; None if it is of no scheme."""
    letter, _, kind = tag.partition("-")
    if tag == OUTSIDE:
        return OUTSIDE, ""
    return (_ROLES[letter], kind) if letter in _ROLES else None


def _role(tag: str) -> tuple[str, str]:
    parsed = _parse(tag)
    if parsed is None:
        raise InputError(f"tag {tag}", f"is {OUTSIDE}, or one of {', '.join(_ROLES)}, a hyphen and a type")
    return parsed
