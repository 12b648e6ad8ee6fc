"""Texts cut by the tokenizers library, line by line: what arrays of characters do not cut."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bptt.data.levels import LEVELS, SPELLED_UNKNOWN, normalizer_of, untrained
from bptt.data.parts import parts
from bptt.data.vocabulary_options import SPECIAL, UNKNOWN, VocabularyOptions

# The line ends as a token of their own, and `<unk>` as a text spells it.
END_TOKEN, UNKNOWN_TOKEN = "\n", SPECIAL[UNKNOWN]
# The library takes the white space before `<unk>` with it, but not what only Python calls white space.
_WHITE = r"[^\S\x1c-\x1f]"
_SPELLED = re.compile(rf"(?<!{_WHITE}){_WHITE}*{UNKNOWN_TOKEN}")


class LibraryCutter:
    """Cuts texts as `Vocabulary.encode` does, and as `Vocabulary.build` does, which leaves `<unk>` out."""

    def __init__(self, options: VocabularyOptions) -> None:
        self._options, self._tokenizer = options, untrained(options)
        self._normalizer = normalizer_of(options)

    def tokens(self, text: str, begins_line: bool = True) -> Iterator[str]:
        """Yield the tokens of a text, line ends and unknown words among them.

        It begins at the start of a line, or else before the space between two words.
        """
        for part, ends_line in self._opened(text, begins_line):
            pieces = _SPELLED.split(part) if self._options.level == "word" else [part]
            for place, piece in enumerate(pieces):
                if place:
                    yield UNKNOWN_TOKEN
                yield from self._cut(piece)
            if ends_line:
                yield END_TOKEN

    def counted(self, text: str, begins_line: bool = True) -> Iterator[str]:
        """Yield the tokens that count for a vocabulary."""
        spelled = SPELLED_UNKNOWN.get(self._options.level)
        for part, ends_line in self._opened(text, begins_line):
            yield from self._cut(spelled.sub("", part) if spelled else part)
            if ends_line:
                yield END_TOKEN

    def normalised(self, text: str) -> str:
        """Return a text with its lines normalised, which then change no more."""
        if self._normalizer is None:
            return text
        return "\n".join(map(self._normalizer.normalize_str, text.split("\n")))

    def extent(self, text: str, begins_line: bool = True) -> tuple[int, int]:
        """Return the characters and the words that the options leave in a text."""
        lines = self.normalised(text).split("\n")
        words = sum(len(line.split()) for line in lines)
        if self._options.keeps_white_space:
            return len("\n".join(lines)), words
        return len("\n".join(line.strip() for line in lines)) + (not begins_line), words

    def _opened(self, text: str, begins_line: bool) -> Iterator[tuple[str, bool]]:
        # A line is opened by the space that a text within a line has already.
        opening = LEVELS[self._options.level].opening
        return parts(text if begins_line else text.removeprefix(opening), self._options)

    def _cut(self, part: str) -> list[str]:
        if self._tokenizer.normalizer is not None:
            part = self._tokenizer.normalizer.normalize_str(part)
        pieces = [piece for piece, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(part)]
        # Byte pairs are spelled by an alphabet of bytes.
        is_spelled = self._options.level == "bpe"
        return [LEVELS["bpe"].spell(piece).decode() for piece in pieces] if is_spelled else pieces
