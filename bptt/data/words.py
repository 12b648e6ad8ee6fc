"""The words that a model knows, and the characters that they are spelled with, by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bptt.data.names import names_to_bytes, parse_names
from bptt.data.reading import read_bytes
from bptt.data.text import decode_text
from bptt.data.vocabulary_options import SPECIAL, UNKNOWN
from bptt.errors import InputError


class WordList:
    """Words, or characters, as they are given: number 0 is `<unk>`, for what is not among them."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = (SPECIAL[UNKNOWN], *words)
        self._numbers = {word: n for n, word in enumerate(self.words)}

    @classmethod
    def build(
        cls, words: Iterable[str] | Counter[str], least_count: int = 1, others: Iterable[str] = ()
    ) -> WordList:
        """Return the list of those that occur `least_count` times, the most frequent first, followed by
        `others`. The words are given one by one, or counted.
        """
        counts = Counter(words)
        order = sorted(counts, key=lambda word: (-counts[word], word))
        known = dict.fromkeys(word for word in order if counts[word] >= least_count)
        known |= dict.fromkeys(others)
        return cls(word for word in known if word != SPECIAL[UNKNOWN])

    def continued(self, others: WordList, grow: bool) -> WordList:
        """Return the same under the same numbers; if it is to `grow`, followed by the new ones of
        `others`.
        """
        known = set(self.words)
        added = [word for word in others.words if word not in known] if grow else []
        return WordList([*self.words[1:], *added])

    @classmethod
    def load(cls, path: Path) -> WordList:
        """Read a list that `to_bytes` wrote; or a text with a word a line, as version 0.1.0 wrote it.

        Raises InputError if the file is missing or damaged.
        """
        cure = "Restore the file, or train again"
        data = read_bytes(path, cure)
        if data.startswith(b"["):
            unknown, *words = parse_names(data, str(path)) or ("",)
        else:
            # Not str.splitlines: a word may hold another kind of white space.
            text = decode_text(data, str(path), packed=False)
            unknown, *words = text.removesuffix("\n").split("\n")
        found = cls(words)
        if unknown != SPECIAL[UNKNOWN] or len(found._numbers) < len(found.words):
            raise InputError(str(path), f"must be {SPECIAL[UNKNOWN]} and words, each once", "others", cure)
        return found

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """Return the number of a word."""
        return self._numbers.get(word, UNKNOWN)

    def to_bytes(self) -> bytes:
        """Return a list in JSON, in the order of their numbers."""
        return names_to_bytes(self.words)
