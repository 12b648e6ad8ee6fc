"""The elements of an ABC tune in the order in which they are played: parts, repeats, endings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bptt.data.midi.abc_notation import BarLine, Element, Ending, PartName
from bptt.errors import InputError

# More elements than any tune has when it is played.
_MOST_PLAYED = 100_000
# As often as this a tune is played that is written once; of few elements more often.
_FOLD, _FEW = 20, 50
# Signs of an order of parts, and the parts of one.
_LONGEST_ORDER, _MOST_PARTS = 1000, 10_000


def order_of_parts(text: str, where: str) -> list[str]:
    """Return the parts as they are played: A2B as A, A, B, and (AB)2 as A, B, A, B.

    Raises InputError for more than any tune has.
    """
    text = re.sub(r"[^A-Za-z0-9()]", "", text)
    if len(text) > _LONGEST_ORDER or re.search(r"\d{3}", text):
        rule = f"must order parts in {_LONGEST_ORDER:,} signs, each at most 99 times"
        raise InputError(where, rule, f"{text[:40]}…")
    while "(" in text and ")" in text:
        grown = re.sub(r"\(([^()]*)\)(\d*)", lambda found: found[1] * int(found[2] or 1), text)
        if grown == text:
            break
        text = grown
        if len(text) > _MOST_PARTS:
            raise _too_long(where)
    found = [(name, int(many or 1)) for name, many in re.findall(r"([A-Za-z])(\d*)", text)]
    if sum(many for _, many in found) > _MOST_PARTS:
        raise _too_long(where)
    return [name for name, many in found for _ in range(many)]


def unfold(elements: Sequence[Element], order: Sequence[str], where: str) -> list[Element]:
    """Return the elements as they are played. Raises InputError if they are many times those written."""
    most = min(_MOST_PLAYED, _FOLD * (len(elements) + _FEW))
    parts: dict[str, list[Element]] = {"": []}
    name = ""
    for element in elements:
        if isinstance(element, PartName):
            name = element.name
            # Accidentals of a part that is named twice go on.
            parts.setdefault(name, [])
        else:
            parts[name].append(element)
    named = [part for part in order if part in parts]
    repeated = {part: _repeat(found, most) for part, found in parts.items()}
    played = ["", *named] if named else list(parts)
    if sum(len(repeated[part]) for part in played) > most:
        raise _too_long(where)
    return [each for part in played for each in repeated[part]]


def _too_long(where: str) -> InputError:
    rule = f"must be at most {_MOST_PLAYED:,} notes and bars as it is played, {_FOLD} times those written"
    return InputError(where, rule, "more", "Correct its repeats and its order of parts (P:)")


def _repeat(elements: Sequence[Element], most: int) -> list[Element]:
    """Return elements with repeats and endings played, some more than `most` if they are more."""
    played: list[Element] = []
    times = _times(elements)
    place = start = 0
    time, opened, last = 1, False, False
    while place < len(elements) and len(played) <= most:
        element = elements[place]
        place += 1
        if isinstance(element, Ending):
            if time in element.numbers:
                last = time >= times[start]
            else:
                place = _behind_ending(elements, place)
            continue
        played.append(element)
        if not isinstance(element, BarLine):
            continue
        if element.ends_repeat and not last and time < times[start]:
            time, place = time + 1, start
        elif element.ends_repeat or element.begins_repeat or (element.double and (last or not opened)):
            time, start, opened, last = 1, place, element.begins_repeat, False
    return played


def _times(elements: Sequence[Element]) -> list[int]:
    """Return how often the section from each element on is played: twice, or as often as its endings say.

    It ends at a repeat sign behind its first element that has no ending behind it.
    """
    found = [2] * (len(elements) + 1)
    behind = 2  # of the section from the element that follows
    for place in range(len(elements) - 1, -1, -1):
        element = elements[place]
        own = max(element.numbers, default=2) if isinstance(element, Ending) else 2
        found[place] = max(own, behind)
        repeats = isinstance(element, BarLine) and (element.begins_repeat or element.ends_repeat)
        if repeats and not isinstance(elements[min(place + 1, len(elements) - 1)], Ending):
            behind = 2
        else:
            behind = found[place]
    return found


def _behind_ending(elements: Sequence[Element], place: int) -> int:
    """Return the place behind an ending that is not played."""
    while place < len(elements):
        element = elements[place]
        if isinstance(element, Ending):
            return place
        place += 1
        if isinstance(element, BarLine) and (element.ends_repeat or element.double or element.begins_repeat):
            return place
    return place
