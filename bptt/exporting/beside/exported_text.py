"""Texts to tokens and back, as the model learned them: characters, words, byte pairs."""

from __future__ import annotations

import json
import re
import unicodedata
from codecs import getincrementaldecoder
from itertools import pairwise
from pathlib import Path
from typing import Any

try:
    import jieba
except ImportError:
    jieba = None

UNKNOWN, END, NOTHING = 0, 1, -1
# Code points of the scripts that put no space between words: there each character is a word.
_UNSPACED = [
    range(int(first, 16), int(last, 16) + 1)
    for first, last in (
        pair.split("-")
        for pair in (
            "0E01-0E3A 0E40-0E5B 0E81-0EDF 1000-109F 1780-17DD 17E0-17F9 19E0-19FF 2E80-2FD5 3005-3005 "
            "3007-3007 3021-3029 3038-303B 3041-3096 309D-309F 30A1-30FA 30FD-30FF 31F0-31FF 32D0-32FE "
            "3300-3357 3400-4DBF 4E00-9FFF A9E0-A9FE AA60-AA7F F900-FAD9 FF66-FF6F FF71-FF9D 1B000-1B167 "
            "20000-323AF"
        ).split()
    )
]
# A word with the space before it; what follows an apostrophe is a token of its own. In classes of characters,
# since Python's `re` knows no properties: U unspaced, V a mark of these, L letter, M mark, N number, A
# apostrophe, B the space, S other white space, _ itself, O any other.
_WORD = re.compile("B?[UV][MV]*|B?[LMN_]+|(?<=[LMNUV_])A[LMN_]+|B?[AO]|[SB]+(?![^SB])|[SB]+")
_PAIRS = re.compile("B?[LU]+|B?N+|B?[^LUNSB]+|[SB]+(?![^SB])|[SB]+")
_CONTRACTION = re.compile("'(?:s|t|re|ve|m|ll|d)")


def class_of(character: str) -> str:
    """Return the class of a character: one letter of those above."""
    if character == " ":
        return "B"
    if character.isspace() and not "\x1c" <= character <= "\x1f":
        return "S"
    if character in "'’_":
        return "_" if character == "_" else "A"
    category, number = unicodedata.category(character), ord(character)
    if any(number in each for each in _UNSPACED):
        return "V" if category[0] == "M" else "U"
    return category[0] if category[0] in "LMN" else "O"


def split_into_words(text: str) -> list[str]:
    """Cut a text into words, each with the space before it: joined, they give the text."""
    classes = "".join(map(class_of, text))
    return [text[found.start() : found.end()] for found in _WORD.finditer(classes)]


def _byte_alphabet() -> dict[int, str]:
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + n) for n, b in enumerate(others)}


_ALPHABET = _byte_alphabet()
_BYTES = {character: byte for byte, character in _ALPHABET.items()}


class ExportedVocabulary:
    """The tokens in `tokenizer.json`, and how a text is cut into them, as `settings` say."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        model = json.loads(path.read_text(encoding="utf-8"))["model"]
        self.settings, self.level = settings, settings["level"]
        self.numbers: dict[str, int] = model["vocab"]
        self.tokens = sorted(self.numbers, key=self.numbers.__getitem__)
        self._ranks = {tuple(pair): rank for rank, pair in enumerate(model.get("merges", ()))}
        self.opening = " " if self.level in ("word", "whitespace") else ""
        if self.level == "jieba" and jieba is None:
            raise SystemExit("this model reads Chinese words: pip install jieba")

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, END for each newline."""
        first, *others = map(self._line, text.split("\n"))
        for line in others:
            first += [END, *line]
        return first

    def normal(self, line: str) -> str:
        """Return a line as the model reads it."""
        said = self.settings
        if said["normalise"] == "nfkc":
            line = unicodedata.normalize("NFKC", line)
        if said["lowercase"]:
            line = "".join(character.lower() for character in line)
        if not said["digits"]:
            line = "".join(c for c in line if unicodedata.category(c)[0] != "N")
        if not said["punctuation"]:
            line = "".join(c for k, c in enumerate(line) if not _is_mark(line, k))
        return line if said["white_space"] else re.sub(r"\s+", " ", line).rstrip()

    def spell(self, tokens: list[int], at_start: bool = True) -> str:
        """Return the text of tokens, `at_start` of a line or within one."""
        decoder, text = getincrementaldecoder("utf-8")("replace"), ""
        for token in tokens:
            piece = self._piece(token)
            if at_start:
                piece = piece.removeprefix(self.opening.encode())
            at_start = token == END
            text += decoder.decode(piece)
        return text + decoder.decode(b"", final=True)

    def _piece(self, token: int) -> bytes:
        if token in (UNKNOWN, END):
            return b"\n" if token else f"{self.opening}<unk>".encode()
        if self.level == "bpe":
            return bytes(_BYTES[character] for character in self.tokens[token])
        return bytes(self.tokens[token], "utf-8")

    def _line(self, line: str) -> list[int]:
        if not line:
            return []
        early = self.settings["normalise"] or self.level == "jieba"
        line = self.opening + (self.normal(line) if early else line)
        if self.level == "word":
            # Spelled so, the unknown word takes the white space before it.
            parts = [self.normal(part) for part in re.split(r"\s*<unk>", line)]
            found = [
                token for part in parts for token in (UNKNOWN, *map(self._number, split_into_words(part)))
            ]
            return found[1:]
        line = self.normal(line)
        if self.level == "bpe":
            return [self.numbers[token] for word in _pair_words(line) for token in self._pairs(word)]
        if self.level == "whitespace":
            return [self._number(word) for word in re.findall(" ?[^ ]+", line)]
        return [self._number(token) for token in (jieba.cut(line) if self.level == "jieba" else line)]

    def _number(self, token: str) -> int:
        return self.numbers.get(token, UNKNOWN)

    def _pairs(self, word: str) -> list[str]:
        parts = [_ALPHABET[byte] for byte in word.encode()]
        while len(parts) > 1:
            ranks = [self._ranks.get(pair, len(self._ranks)) for pair in pairwise(parts)]
            best = min(ranks)
            if best == len(self._ranks):
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts


def _pair_words(line: str) -> list[str]:
    classes, words, start = "".join(map(class_of, line)), [], 0
    while start < len(line):
        found = _CONTRACTION.match(line, start) or _PAIRS.match(classes, start)
        end = found.end() if found else start + 1
        words.append(line[start:end])
        start = end
    return words


def _is_mark(line: str, at: int) -> bool:
    inside = 0 < at < len(line) - 1 and line[at - 1].isalpha() and line[at + 1].isalpha()
    return unicodedata.category(line[at])[0] in "PS" and not (line[at] in "'’" and inside)
