"""The rule by which plain text is cut into words as a tagger learned them, learned from these words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from bptt.deferred import deferred

# Few texts need them, and jieba takes its time.
_cut_with_jieba = deferred("bptt.data.jieba_words", "cut_with_jieba")
_has_jieba = deferred("bptt.data.jieba_words", "has_jieba")

Level = Literal["whitespace", "word", "character", "jieba"]

# Each rule in words, for the user.
SAID = {
    "whitespace": "at white space",
    "word": "at white space, with punctuation apart and each Chinese character a word",
    "character": "character by character",
    "jieba": "at white space, with punctuation apart and Chinese words as jieba cuts them",
}

_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Marks of Chinese: they separate words without a space.
_FULL = "、。，．！？；：…—～·《》〈〉「」『』【】〔〕（）“”"
_PIECES = re.compile(rf"[{_HAN}]+|([{_FULL}])\1*|[^{_HAN}{_FULL}]+")
_IS_HAN = re.compile(rf"[{_HAN}]")
_OPENING, _CLOSING = frozenset("\"'`([{<«‘"), frozenset("\"'`)]}>»’,.;:!?")
_ALONE = _OPENING | _CLOSING | frozenset(_FULL)
# Marks that are cut off only if they were learned as words.
_PREFIX, _SUFFIX = frozenset("$£€#"), frozenset("%-")
# Initials and abbreviations of single letters keep their points: J., U.S., e.g.
_INITIALS = re.compile(r"([^\W\d_]\.)+")
_CLITIC = re.compile(r"['’]\w{1,2}|n['’]t", re.IGNORECASE)

# Chinese words of more than a character, as a share of all: fewer are names in a text of characters.
_WORDS_SHARE = 0.2
# Abbreviations, clitics and marks beyond the most frequent ones are rare in any text.
_MOST_KEPT = 500


@dataclass(frozen=True)
class Cutting:
    """A rule, the words that it keeps whole though it would cut them, and the reason for the rule."""

    level: Level
    kept: tuple[str, ...] = ()
    reason: str = ""

    def cut(self, text: str) -> tuple[str, ...]:
        """Return the words of a text."""
        if self.level == "character":
            return tuple("".join(text.split()))
        chunks = text.split()
        if self.level == "whitespace":
            return tuple(chunks)
        kept = frozenset(self.kept)
        return tuple(word for chunk in chunks for word in self._words(chunk, kept))

    def certain(self, chunk: str) -> tuple[str, ...]:
        """Return the words at the start of an unfinished chunk that no further character can change.

        A chunk is a text without white space.
        """
        if self.level == "character":
            return tuple(chunk)
        if not chunk or self.level == "whitespace" or any(word.startswith(chunk) for word in self.kept):
            return ()
        # Further characters change no piece but the last.
        *pieces, last = (found[0] for found in _PIECES.finditer(chunk))
        alone = self.level == "word" and _IS_HAN.match(last)
        if alone or (last[0] in _FULL and not any(word.startswith(last) for word in self.kept)):
            pieces.append(last)
        kept = frozenset(self.kept)
        return tuple(word for piece in pieces for word in self._words_of_piece(piece, kept))

    def _words(self, chunk: str, kept: frozenset[str]) -> Iterator[str]:
        if chunk in kept:
            yield chunk
            return
        for found in _PIECES.finditer(chunk):
            yield from self._words_of_piece(found[0], kept)

    def _words_of_piece(self, piece: str, kept: frozenset[str]) -> Iterator[str]:
        if piece in kept:
            yield piece
        elif _IS_HAN.match(piece):
            yield from _cut_with_jieba(piece) if self.level == "jieba" else piece
        elif piece[0] in _FULL:
            yield from piece
        else:
            yield from _without_marks(piece, kept)


def learn_cutting(sentences: Iterable[Iterable[str]], asked: Level | None = None) -> Cutting:
    """Return the rule by which the words of sentences were cut, or the one that is asked for.

    Punctuation is cut off if most of it was; Chinese is cut into characters if no word has two of them,
    and by jieba, if that is installed, if a fifth of its words have.
    """
    counts = Counter(word for words in sentences for word in words)
    level, reason = (asked, "as asked for") if asked else _shown(counts)
    rule = Cutting(level, (), f"plain text will be cut {SAID[level]}: {reason} (`level` says otherwise)")
    if level in ("whitespace", "character"):
        return rule
    plain = Cutting("word")
    kept = (word for word, _ in counts.most_common() if _is_cut(word, plain) or _is_affix(word))
    return Cutting(level, tuple(islice(kept, _MOST_KEPT)), rule.reason)


def _is_cut(word: str, rule: Cutting) -> bool:
    """Return whether a rule cuts a word that is no run of Chinese characters."""
    return len(rule.cut(word)) > 1 and not all(map(_IS_HAN.match, word))


def _is_affix(word: str) -> bool:
    return bool(_CLITIC.fullmatch(word)) or word in _PREFIX | _SUFFIX


def _shown(counts: Counter[str]) -> tuple[Level, str]:
    if all(len(word) == 1 for word in counts):
        return "character", "every word is one character"
    chinese = {word: n for word, n in counts.items() if _IS_HAN.search(word)}
    several = sum(n for word, n in chinese.items() if len(_IS_HAN.findall(word)) > 1)
    is_chinese = 2 * sum(chinese.values()) > sum(counts.values())
    if is_chinese and several > _WORDS_SHARE * sum(chinese.values()):
        if _has_jieba():
            return "jieba", "its words are Chinese, of several characters"
        return "whitespace", "Chinese words need jieba (pip install 'bptt[jieba]')"
    apart = sum(n for word, n in counts.items() if word in _ALONE)
    attached = sum(n for word, n in counts.items() if len(word) > 1 and _is_attached(word))
    if apart > attached:
        return "word", f"{apart:,} marks are words of their own, and {attached:,} end one"
    if is_chinese and not several:
        return "word", "Chinese characters are words of their own"
    return "whitespace", "no marks are words of their own" if not apart else "most marks end a word"


def _is_attached(word: str) -> bool:
    return word[-1] in ',;:!?)"”，。！？；：、' and any(character.isalnum() for character in word)


def _without_marks(piece: str, kept: frozenset[str]) -> list[str]:
    """Return a piece between white space with the marks at its ends apart, and known clitics."""
    front: list[str] = []
    back: list[str] = []
    while len(piece) > 1 and piece not in kept:
        suffix = next((s for s in _suffixes(piece) if s in kept), "")
        if (piece[0] in _OPENING or piece[0] in _PREFIX & kept) and not suffix:
            front.append(piece[0])
            piece = piece[1:]
        elif suffix or (piece[-1] in _CLOSING and not _INITIALS.fullmatch(piece)):
            back.append(suffix or piece[-1])
            piece = piece[: -len(back[-1])]
        else:
            break
    return [*front, piece, *reversed(back)]


def _suffixes(piece: str) -> Iterator[str]:
    """Yield the clitics and runs of marks that a piece ends in, longest first."""
    for start in range(1, len(piece)):
        suffix = piece[start:]
        if _CLITIC.fullmatch(suffix) or all(mark in _ALONE | _SUFFIX for mark in suffix):
            yield suffix
