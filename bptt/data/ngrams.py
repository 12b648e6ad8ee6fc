"""N-grams of a text or of a sequence of DNA, as strings: the features of a linear model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise

from bptt.data.levels import split_words

# Groups of n-grams, whose vectors are normalised each by itself: those of characters are many more.
Groups = tuple[list[str], ...]


@dataclass(frozen=True)
class NgramRule:
    """How inputs of a kind are cut into n-grams: `cut` is given an input and whether n-grams have places.

    They have if `may_be_placed` and all inputs are of one length. With `weighs` rare n-grams weigh more.
    `describe` puts the number of n-grams of each group into words.
    """

    cut: Callable[[str, bool], Groups]
    describe: Callable[[Sequence[int], bool], str]
    may_be_placed: bool = False
    weighs: bool = False


# Lengths that are usual: words and their pairs; of the letters of a word, its ends marked, up to five.
_WORDS, _CHARACTERS = 2, 5

# Beyond three letters most k-mers occur at one place in one sequence only.
_BASES = 3


def text_ngrams(text: str) -> Groups:
    """Return the n-grams of words, n up to 2, and those of the characters of each word, n up to 5.

    Case is ignored. A character of a script that puts no space between words is a word.
    """
    words = [piece.strip() for piece in split_words(text.lower())]
    words = [word for word in words if word]
    joined = [*words, *map(" ".join, pairwise(words))]
    spelled = (_characters(f" {word} ") for word in words if len(word) > 1)
    return joined, list(chain.from_iterable(spelled))


def dna_ngrams(letters: str, placed: bool) -> Groups:
    """Return the k-mers, k up to 3, each with its place, from 1, if `placed`."""
    kmers = _slices(letters, 1, _BASES)
    return ([f"{place + 1}:{kmer}" if placed else kmer for place, kmer in kmers],)


# Words come again and again.
@lru_cache(maxsize=2**16)
def _characters(word: str) -> list[str]:
    return [gram for _, gram in _slices(word, 2, _CHARACTERS)]


def _slices(text: str, least: int, most: int) -> Iterator[tuple[int, str]]:
    """Yield every stretch of `least` to `most` characters, with the place where it begins."""
    for n in range(least, most + 1):
        for start in range(len(text) - n + 1):
            yield start, text[start : start + n]


def _cut_text(text: str, placed: bool) -> Groups:
    return text_ngrams(text)


def _describe_text(sizes: Sequence[int], placed: bool) -> str:
    words, characters = sizes
    return f"{words:,} n-grams of words and {characters:,} of characters"


def _describe_dna(sizes: Sequence[int], placed: bool) -> str:
    return f"{sum(sizes):,} k-mers{' by their place' if placed else ''}"


TEXT_NGRAMS = NgramRule(_cut_text, _describe_text, weighs=True)
# Bases are all informative, however frequent. DNA of one length is taken for windows.
DNA_NGRAMS = NgramRule(dna_ngrams, _describe_dna, may_be_placed=True)
