"""Byte pair encoding learned from counted words (Sennrich et al. 2016): the pairs that the tokenizers library
joins, which takes a text alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

Pair = tuple[int, int]


def join_pairs(
    words: Mapping[str, int], letters: Sequence[str], size: int, least_count: int
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the tokens, `letters` first, and the pairs of tokens that were joined, in their order.

    The most frequent pair is joined next, of equal ones that of the smallest numbers, until there are `size`
    tokens or no pair occurs `least_count` times. `letters` holds every letter of the `words`.
    """
    tokens, numbers = list(letters), {letter: number for number, letter in enumerate(letters)}
    symbols = [[numbers[letter] for letter in word] for word in words]
    weights = list(words.values())
    counts: defaultdict[Pair, int] = defaultdict(int)
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for place, (word, weight) in enumerate(zip(symbols, weights, strict=True)):
        for pair in pairwise(word):
            counts[pair] += weight
            places[pair].add(place)
    queue = [(-count, pair) for pair, count in counts.items() if count > 0]
    heapify(queue)
    merges: list[tuple[str, str]] = []
    while len(tokens) < size and queue:
        count, pair = heappop(queue)
        if -count != counts[pair]:
            # Other joins have taken some of them.
            if counts[pair] > 0:
                heappush(queue, (-counts[pair], pair))
            continue
        if -count < least_count:
            break
        joined = tokens[pair[0]] + tokens[pair[1]]
        number = numbers.setdefault(joined, len(tokens))
        if number == len(tokens):
            tokens.append(joined)
        merges.append((tokens[pair[0]], tokens[pair[1]]))
        new: set[Pair] = set()
        for place in places.pop(pair):
            for changed, change in _join(symbols[place], pair, number):
                counts[changed] += change * weights[place]
                if change > 0:
                    places[changed].add(place)
                    new.add(changed)
        for each in new:
            if counts[each] > 0:
                heappush(queue, (-counts[each], each))
    return tokens, merges


def _join(word: list[int], pair: Pair, number: int) -> list[tuple[Pair, int]]:
    """Join a pair wherever it occurs in a word; return the pairs that are lost and won."""
    changes: list[tuple[Pair, int]] = []
    place = 0
    while place < len(word) - 1:
        if (word[place], word[place + 1]) == pair:
            if place:
                changes += [((word[place - 1], pair[0]), -1), ((word[place - 1], number), 1)]
            word[place : place + 2] = [number]
            if place + 1 < len(word):
                changes += [((pair[1], word[place + 1]), -1), ((number, word[place + 1]), 1)]
        place += 1
    return changes
