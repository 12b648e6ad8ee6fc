"""The elements of an ABC tune in the order in which they are played: parts, repeats, endings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bptt.data.midi.abc_notation import BarLine, Element, Ending, PartName

# More elements than any tune has when it is played.
_MOST_PLAYED = 100_000


def order_of_parts(text: str) -> list[str]:
    """Return the parts as they are played: A2B as A, A, B, and (AB)2 as A, B, A, B."""
    text = re.sub(r"[^A-Za-z0-9()]", "", text)
    while "(" in text and ")" in text:
        grown = re.sub(r"\(([^()]*)\)(\d*)", lambda found: found[1] * int(found[2] or 1), text)
        if grown == text or len(grown) > _MOST_PLAYED:
            break
        text = grown
    return [name for name, many in re.findall(r"([A-Za-z])(\d*)", text) for _ in range(int(many or 1))]


def unfold(elements: Sequence[Element], order: Sequence[str]) -> list[Element]:
    """Return the elements as they are played."""
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
    if not named:
        return [each for part in parts.values() for each in _repeat(part)]
    return [*_repeat(parts[""]), *(each for part in named for each in _repeat(parts[part]))]


def _repeat(elements: Sequence[Element]) -> list[Element]:
    """Return elements with repeats and endings played."""
    played: list[Element] = []
    place = start = 0
    time, opened, last = 1, False, False
    while place < len(elements) and len(played) < _MOST_PLAYED:
        element = elements[place]
        place += 1
        if isinstance(element, Ending):
            if time in element.numbers:
                last = time >= _times(elements, start)
            else:
                place = _behind_ending(elements, place)
            continue
        played.append(element)
        if not isinstance(element, BarLine):
            continue
        if element.ends_repeat and not last and time < _times(elements, start):
            time, place = time + 1, start
        elif element.ends_repeat or element.begins_repeat or (element.double and (last or not opened)):
            time, start, opened, last = 1, place, element.begins_repeat, False
    return played


def _times(elements: Sequence[Element], start: int) -> int:
    """Return how often a section is played: twice, or as often as its endings say."""
    most = 2
    for place in range(start, len(elements)):
        element = elements[place]
        if isinstance(element, Ending):
            most = max(most, *element.numbers)
        repeats = isinstance(element, BarLine) and (element.begins_repeat or element.ends_repeat)
        if repeats and place > start and not isinstance(elements[min(place + 1, len(elements) - 1)], Ending):
            break
    return most


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
