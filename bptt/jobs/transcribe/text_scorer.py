"""Scores of a language model, and bonuses, of the texts of a beam search while it writes them."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bptt.data.vocabulary import Vocabulary
from bptt.jobs.rescore.rescoring import Weights
from bptt.jobs.transcribe.language_reader import History, LanguageReader
from bptt.nn.prefix_beam import Entered

_UTF8 = getincrementaldecoder("utf-8")
_SPACE = re.compile(r"\s")
# Nothing was read, by no model.
_NOTHING = History((), torch.empty(0))


@dataclass(frozen=True, eq=False)
class _Text:
    """The end of a text: what the model has read, the word that it has not, the bytes of half a letter."""

    history: History
    word: str = ""
    bytes: bytes = b""
    is_empty: bool = True
    after_space: bool = True


class TextScorer:
    """Scores the texts of a `PrefixBeam` as `bptt.nn.prefix_beam.Scorer` asks.

    The symbols are those of `vocabulary`, of which `blank` is no text. They are passed on as they are
    spelled, so they need not be the tokens of the language model of `reader`: that reads a model of
    characters letter by letter, one of words when a word ends. A text is scored as `bptt score` scores it:
    ln P of all its tokens and of its end. Bonuses are per word and per character, of `weights`.
    """

    def __init__(
        self, vocabulary: Vocabulary, blank: int, weights: Weights, reader: LanguageReader | None = None
    ) -> None:
        self._reader, self._weights = reader, weights
        self._pieces = [b"" if n == blank else piece for n, piece in enumerate(vocabulary.pieces)]
        self._opening = vocabulary.level.opening.encode()
        # As they are in the middle of a text.
        spelled = [_decoded(piece)[0] for piece in self._pieces]
        self._spaced = torch.tensor([text[:1].isspace() for text in spelled], dtype=torch.float64)
        bonuses = [[self._bonus(text, after_space) for text in spelled] for after_space in (False, True)]
        self._bonuses = torch.tensor(bonuses, dtype=torch.float64)
        if reader is not None and not reader.by_words:
            first = [reader.tokens(text)[:1] for text in spelled]
            self._first = torch.tensor([token[0] if token else 0 for token in first])
            self._has_token = torch.tensor([len(token) for token in first])

    def open(self, tables: tuple[Tensor, Tensor]) -> None:
        """Begin an utterance: see the protocol."""
        self._language, self._given = tables
        self._texts = {0: _Text(_NOTHING if self._reader is None else self._reader.start)}
        self._fill([0])

    def enter(self, entered: Sequence[Entered]) -> tuple[Sequence[float], Sequence[float]]:
        """Read the symbols of the texts that have entered the beam: see the protocol."""
        slots, sources, symbols = map(list, zip(*entered, strict=True))
        before = [self._texts[source] for source in sources]
        letters, texts = [], []
        for text, symbol in zip(before, symbols, strict=True):
            written, after = self._write(text, symbol)
            letters.append(written)
            texts.append(after)
        texts, language = self._read_on(texts, letters)
        bonus = [self._bonus(new, text.after_space) for new, text in zip(letters, before, strict=True)]
        more = tuple(
            [all_ - said for all_, said in zip(exact, table[sources, symbols].tolist(), strict=True)]
            for exact, table in ((language, self._language), (bonus, self._given))
        )
        self._texts.update(zip(slots, texts, strict=True))
        self._fill(slots)
        return more[0], more[1]

    def end(self, slots: Sequence[int]) -> tuple[Sequence[float], Sequence[float]]:
        """Read the ends of texts: see the protocol."""
        nothing = [0.0] * len(slots)
        if self._reader is None:
            return nothing, nothing
        texts = [self._texts[slot] for slot in slots]
        rest = ["\ufffd" * bool(text.bytes) + " " * self._reader.by_words for text in texts]
        texts, language = self._read_on(texts, rest)
        ends = (self._reader.end(text.history) for text in texts)
        return [ln + end for ln, end in zip(language, ends, strict=True)], nothing

    def _write(self, text: _Text, symbol: int) -> tuple[str, _Text]:
        """Return the letters that are complete with a symbol, and the text behind it."""
        piece = self._pieces[symbol]
        if text.is_empty:
            piece = piece.removeprefix(self._opening)
        letters, rest = _decoded(text.bytes + piece)
        after_space = letters[-1].isspace() if letters else text.after_space
        return letters, _Text(text.history, text.word, rest, False, after_space)

    def _read_on(self, texts: Sequence[_Text], letters: Sequence[str]) -> tuple[list[_Text], list[float]]:
        """Let the model read letters of each text, of words those that end; return ln P of what it read."""
        if self._reader is None:
            return list(texts), [0.0] * len(texts)
        words, unread = zip(*map(self._cut, texts, letters), strict=True)
        histories, found = [text.history for text in texts], [0.0] * len(texts)
        for place in range(max(map(len, unread))):
            rows = [row for row, tokens in enumerate(unread) if len(tokens) > place]
            pairs = [(histories[row], unread[row][place]) for row in rows]
            for row, (history, token), after in zip(rows, pairs, self._reader.advance(pairs), strict=True):
                found[row] += history.ln[token].item()
                histories[row] = after
        parts = zip(texts, histories, words, strict=True)
        return [replace(text, history=history, word=word) for text, history, word in parts], found

    def _cut(self, text: _Text, letters: str) -> tuple[str, tuple[int, ...]]:
        """Return the word that has not ended after more letters, and the tokens that the model can read."""
        assert self._reader is not None
        if not self._reader.by_words:
            return "", self._reader.tokens(letters)
        *ended, word = _SPACE.split(text.word + letters)
        return word, tuple(token for one in ended if one for token in self._reader.tokens(one))

    def _fill(self, slots: Sequence[int]) -> None:
        """Fill the rows of the tables; where the next letters are not certain, with 0."""
        texts = [self._texts[slot] for slot in slots]
        whole = torch.tensor([not text.bytes for text in texts])[:, None]
        bonus = self._bonuses[torch.tensor([int(text.after_space) for text in texts])]
        self._given[slots] = bonus * whole
        if self._reader is None:
            return
        if self._reader.by_words:
            ends = [self._reader.tokens(text.word)[:1] if text.word else () for text in texts]
            pairs = zip(texts, ends, strict=True)
            words = [text.history.ln[token[0]].item() if token else 0.0 for text, token in pairs]
            language = torch.tensor(words, dtype=torch.float64)[:, None] * self._spaced
        else:
            ln = torch.stack([text.history.ln for text in texts])
            language = ln[:, self._first] * self._has_token
        self._language[slots] = language * whole

    def _bonus(self, letters: str, after_space: bool) -> float:
        words = len(letters.split()) - (bool(letters) and not after_space and not letters[0].isspace())
        characters = sum(not letter.isspace() for letter in letters)
        return self._weights.per_word * words + self._weights.per_character * characters


def _decoded(data: bytes) -> tuple[str, bytes]:
    """Return the characters that bytes spell, and the bytes of one that is not complete."""
    decoder = _UTF8("replace")
    return decoder.decode(data), decoder.getstate()[0]
