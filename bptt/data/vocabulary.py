r"""Vocabularies: a text as a sequence of numbers and back, by characters, words or byte pairs.

A text is lines, and at every level each newline is the token `<eos>`: a line is a sentence, and a
model that has read whole texts knows where lines end. The lines are cut by the `tokenizers` library
so that each token stands for the bytes that it was cut from. Decoding puts those bytes one behind the
other; it is exact but for unknown tokens.
"""

from __future__ import annotations

import hashlib
import json
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from bptt.data.levels import LEVELS, normalizer_of, saved_tokenizer, train_tokenizer, with_tokens
from bptt.data.parts import parts, portions
from bptt.data.reading import read_bytes
from bptt.data.vocabulary_options import CUTTING, END, SPECIAL, UNKNOWN, VocabularyOptions
from bptt.errors import InputError

FILE = "tokenizer.json"


class Vocabulary:
    """The vocabulary that `build` learned or `load` read. Token 0 is `<unk>`, token 1 is `<eos>`.

    `size` is V; `unit` says in the plural what a token is.
    """

    def __init__(self, tokenizer: Tokenizer, options: VocabularyOptions) -> None:
        self._tokenizer = tokenizer
        self.options = options
        self.level = LEVELS[options.level]
        self.unit = self.level.unit
        self.size: int = tokenizer.get_vocab_size()
        self._normalizer = normalizer_of(options)

    @classmethod
    def build(cls, text: str | Iterable[str], options: VocabularyOptions) -> Vocabulary:
        """Learn the tokens of `text`: of the text, or the lines, that the model will be trained on, and no
        other.
        """
        found = (part for part, _ in parts(text, options))
        return cls(train_tokenizer(found, options), options)

    def continued(self, text: str | Iterable[str], options: VocabularyOptions, grow: bool) -> Vocabulary:
        """Return the same tokens under the same numbers; if it is to `grow`, followed by those that `text`
        adds.

        Byte pairs know every text as they are. Raises InputError if `options` cut or keep another text.
        """
        pairs = {name: (getattr(options, name), getattr(self.options, name)) for name in CUTTING}
        others = [f"{name} {here}, not {there}" for name, (here, there) in pairs.items() if here != there]
        if others:
            rule = "must cut a text as the run does that it comes from"
            cure = "Leave out the options of the vocabulary, which are those of that run then"
            raise InputError("vocabulary", rule, ", ".join(others).replace("_", " "), cure)
        if not grow or options.level == "bpe":
            return Vocabulary(self._tokenizer, options)
        known = set(self.tokens)
        added = [token for token in Vocabulary.build(text, options).tokens if token not in known]
        room = max(0, options.size_limit - self.size)
        return Vocabulary(with_tokens(self._tokenizer, (*self.tokens, *added[:room])), options)

    @classmethod
    def load(cls, path: Path, options: VocabularyOptions) -> Vocabulary:
        """Read the tokens that `to_bytes` gave. Raises InputError if the file is missing or damaged."""
        cure = "Restore the file, or train again"
        data = read_bytes(path, cure)
        try:
            found = cls(saved_tokenizer(data.decode("utf-8"), options), options)
            found._check_tokens()
            return found
        except Exception as error:  # tokenizers raises nothing more precise
            raise InputError(str(path), "must be a tokenizer", error, cure) from error

    def extended(self, tokens: Iterable[str]) -> Vocabulary:
        """Return a vocabulary of words that knows more `tokens`, spelled as its own, behind these."""
        content = json.loads(self._tokenizer.to_str())
        known = content["model"]["vocab"]
        for token in tokens:
            known.setdefault(token, len(known))
        return Vocabulary(Tokenizer.from_str(json.dumps(content)), self.options)

    def to_bytes(self) -> bytes:
        """Return the content of `tokenizer.json`, which the `tokenizers` library reads too."""
        return str(self._tokenizer.to_str(pretty=True)).encode("utf-8")

    @property
    def folding(self) -> str:
        """The normalisation in words, to print behind the size of the vocabulary; "" for none."""
        return f", of text in {self.options.normalise.upper()}" if self.options.normalise else ""

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The tokens by number, as the tokenizer spells them."""
        return tuple(str(self._tokenizer.id_to_token(i)) for i in range(self.size))

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The bytes in a text that each token stands for; one of BPE may be part of a character."""
        spelled = tuple(self.level.spell(token) for token in self.tokens[2:])
        return (self.level.unknown, b"\n", *spelled)

    @property
    def sha256(self) -> str:
        """The fingerprint of the tokens in their order, which says what the rows of a model mean."""
        return hashlib.sha256(json.dumps(self.tokens).encode("utf-8")).hexdigest()

    def encode(self, text: str) -> Tensor:
        """Return the tokens of a text, (T,) int32, with `<eos>` for each newline."""
        found = portions(parts(text, self.options))
        return torch.cat([self._encode(portion) for portion in found])

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens that begin at the start of a line."""
        stream = TextStream(self)
        return "".join(stream.push(token) for token in tokens) + stream.close()

    def spell(self, tokens: Iterable[int], at_start: bool = True) -> tuple[str, ...]:
        """Yield the text that is complete with each token; joined it is the text. `at_start` as in
        `TextStream`.
        """
        stream = TextStream(self, at_start)
        return tuple(stream.push(token) for token in tokens)

    def show(self, token: int) -> str:
        """Return a token for a table. Bytes that are no whole character are written as escapes."""
        special = token in (UNKNOWN, END)
        return self.tokens[token] if special else self.pieces[token].decode("utf-8", "backslashreplace")

    def characters(self, text: str) -> int:
        """Return how many characters of a text a model has to predict: those that the options leave in."""
        return sum(map(len, self.left_in(text))) + text.count("\n")

    def words(self, text: str) -> int:
        """Return how many words between white space a text has, after the options have been applied."""
        return sum(len(line.split()) for line in self.left_in(text))

    def left_in(self, text: str) -> Iterator[str]:
        """Return the lines of a text as the options leave them: so a model reads them, and writes them."""
        normalizer = self._normalizer
        for line in text.split("\n"):
            normal = line if normalizer is None else normalizer.normalize_str(line)
            yield normal if self.options.keeps_white_space else normal.strip()

    def _check_tokens(self) -> None:
        """Raise ValueError unless each number below V is a token that stands for bytes."""
        numbers = self._tokenizer.get_vocab()
        if sorted(numbers.values()) != list(range(self.size)):
            raise ValueError(f"its tokens must have the numbers from 0 to {self.size - 1}")
        if self.tokens[: len(SPECIAL)] != SPECIAL:
            raise ValueError(f"it must have {' and '.join(SPECIAL)} first")
        try:
            self.pieces  # noqa: B018
        except KeyError as error:
            raise ValueError(f"its tokens must spell bytes, got {error}") from error

    def _encode(self, portion: list[tuple[str, bool]]) -> Tensor:
        encodings = self._tokenizer.encode_batch_fast([part for part, _ in portion])
        tokens: list[int] = []
        for (_, ends_line), encoding in zip(portion, encodings, strict=True):
            tokens += encoding.ids
            if ends_line:
                tokens.append(END)
        return torch.tensor(tokens, dtype=torch.int32)


class TextStream:
    """Decodes token by token and never gives out half a character.

    `at_start` says whether the tokens begin at the start of a line, not in the middle of one.
    """

    def __init__(self, vocabulary: Vocabulary, at_start: bool = True) -> None:
        self._pieces = vocabulary.pieces
        self._opening = vocabulary.level.opening.encode()
        self._at_start = at_start
        # Bytes that are no UTF-8, as an untrained model makes them, become U+FFFD.
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """Return the text that is complete with this token; it may be empty."""
        piece = self._pieces[token]
        if self._at_start:
            piece = piece.removeprefix(self._opening)
        self._at_start = token == END
        return self._decoder.decode(piece)

    def close(self) -> str:
        """Return the rest of a character that never came to its end."""
        return self._decoder.decode(b"", final=True)
