"""The levels at which a line of text is cut into tokens, and how their tokens are learned."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from bptt.data.vocabulary_options import SPECIAL, UNKNOWN, VocabularyOptions
from bptt.deferred import deferred
from bptt.errors import InputError

# The dictionary of jieba takes a second to read.
_cut_with_jieba = deferred("bptt.data.jieba_words", "cut_with_jieba")
_join_pairs = deferred("bptt.data.byte_pairs", "join_pairs")

# Scripts that put no space between words: there each character is a word.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
LETTER = r"\p{L}\p{M}\p{N}_"

# A word or a mark brings the one space before it, so that joined tokens give the text back; what
# follows an apostrophe is a token of its own ("the cat's" is " the", " cat", "'s").
_WORD = "|".join(
    (
        rf" ?[{UNSPACED}]\p{{M}}*",
        rf" ?[[{LETTER}]&&[^{UNSPACED}]]+",
        rf"(?<=[{LETTER}])['’][[{LETTER}]&&[^{UNSPACED}]]+",
        rf" ?[^\s{LETTER}]",
        r"\s+(?!\S)",
        r"\s+",
    )
)

# The separators at which Python's `str.split` cuts; the last four are no `\s` to the library.
SPACE = r"[\s\x1c-\x1f]+"
# With the one space before it, as above.
_BETWEEN_SPACES = r" ?[^ ]+"

# Not the apostrophe of "we'll", which is another word than "well".
MARK = r"(?!(?<=\p{L})['’](?=\p{L}))[\p{P}\p{S}]"

_ANY_CHARACTER = r"(?m)."  # in Oniguruma, m lets the dot match every character


@dataclass(frozen=True)
class LevelRules:
    """How a line becomes tokens, and a token bytes.

    A long line may be cut into parts wherever `seam` matches, without changing its tokens. `opening` precedes
    every line that is not empty. `spell` gives the bytes of a token, `unknown` those of `<unk>`. `cut` gives
    the tokens of a line, as the options leave it, at a level that no expression describes; else it is None.
    """

    unit: str
    seam: re.Pattern[str]
    opening: str
    spell: Callable[[str], bytes]
    unknown: bytes
    cut: Callable[[str], list[str]] | None = None


def _utf8(token: str) -> bytes:
    return token.encode("utf-8")


def _byte_alphabet() -> Mapping[str, int]:
    """Return the characters by which byte-level BPE spells bytes: printable ones spell themselves, the others
    are the next free code points from 256 on (Radford et al. 2019).
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(others)}


_BYTES = _byte_alphabet()
_LETTERS = {byte: letter for letter, byte in _BYTES.items()}


def _from_alphabet(token: str) -> bytes:
    return bytes(_BYTES[character] for character in token)


# An apostrophe stays with the letters beside it, which say whether it is left out.
_ANYWHERE = re.compile("(?<!['’])(?!['’])")
_BEFORE_WORD = re.compile(r"(?<=\S)(?= \S)")
# Between tokens that `LevelRules.cut` gives; no text holds it.
BOUNDARY = "\0"

LEVELS: Mapping[str, LevelRules] = {
    "character": LevelRules("characters", _ANYWHERE, "", _utf8, b"<unk>"),
    "word": LevelRules("words", _BEFORE_WORD, " ", _utf8, b" <unk>"),
    "bpe": LevelRules("tokens", _BEFORE_WORD, "", _from_alphabet, b"<unk>"),
    "whitespace": LevelRules("words", _BEFORE_WORD, " ", _utf8, b" <unk>"),
    "jieba": LevelRules("words", re.compile(BOUNDARY), "", _utf8, b"<unk>", _cut_with_jieba),
}


_PATTERNS = {"character": _ANY_CHARACTER, "word": _WORD, "whitespace": _BETWEEN_SPACES}
# How the text of a closed vocabulary spells its unknown words.
SPELLED_UNKNOWN = {
    "word": re.compile(f" ?{SPECIAL[UNKNOWN]}"),
    "whitespace": re.compile(rf"(?<!\S){SPECIAL[UNKNOWN]}(?!\S)"),
}


_WORD_SPLIT = pre_tokenizers.Split(Regex(_WORD), "isolated")


def split_words(text: str) -> list[str]:
    """Cut a text as the level "word" does: joined, the pieces give the text."""
    return [piece for piece, _ in _WORD_SPLIT.pre_tokenize_str(text)]


def train_tokenizer(parts: Iterable[str], options: VocabularyOptions) -> Tokenizer:
    """Learn the tokens of `parts`, the most frequent first. Raises InputError if there are none."""
    tokenizer = untrained(options)
    if options.level in SPELLED_UNKNOWN:
        parts = (SPELLED_UNKNOWN[options.level].sub("", part) for part in parts)
    tokenizer.train_from_iterator(parts, _trainer(options))
    return _with_plain_text(_checked(tokenizer, options), options)


def _checked(tokenizer: Tokenizer, options: VocabularyOptions) -> Tokenizer:
    """Return a tokenizer itself. Raises InputError if it has no tokens but the special ones."""
    if tokenizer.get_vocab_size() == len(SPECIAL):
        rule = f"some {options.level} must occur {options.least_count} times in the text"
        cure = "Give more text, or a smaller min_count"
        if options.level in ("word", "whitespace"):
            cure = f"Of texts that are a word each, as DNA is, read the letters (`level` character). {cure}"
        raise InputError("vocabulary", rule, "none", cure)
    return tokenizer


def saved_tokenizer(text: str, options: VocabularyOptions) -> Tokenizer:
    """Return the tokenizer of a file, with its tokens and merges only.

    How a text is cut follows from `options`, since the file may ask for any expression, replacement or
    padding. Raises ValueError if it is damaged.
    """
    model = _object(_object(json.loads(text), "the file").get("model"), "its model")
    vocabulary = _object(model.get("vocab"), "its vocabulary")
    if not all(type(number) is int and 0 <= number < len(vocabulary) for number in vocabulary.values()):
        raise ValueError(f"its tokens must have the numbers from 0 to {len(vocabulary) - 1}")
    content = json.loads(untrained(options).to_str())
    content["model"]["vocab"] = vocabulary
    if options.level == "bpe":
        content["model"]["merges"] = _merges(model.get("merges"), vocabulary)
    return _with_plain_text(Tokenizer.from_str(json.dumps(content)), options)


def counted_tokenizer(counts: Mapping[str, int], options: VocabularyOptions) -> Tokenizer:
    """Return the tokenizer that `train_tokenizer` learns of a text that holds each token, or each piece that
    `bpe` joins characters in, `counts` times. Raises InputError if there are none.
    """
    if options.level == "bpe":
        words = {_spelled_by_alphabet(piece): count for piece, count in counts.items()}
        alphabet = {letter for word in words for letter in word} | _BYTES.keys()
        tokens, merges = _join_pairs(
            words, [*SPECIAL, *sorted(alphabet)], options.size_limit, options.least_count
        )
        return _of_content(options, tokens, merges)
    common = (token for token, count in counts.items() if count >= options.least_count)
    known = sorted(common, key=lambda token: (-counts[token], token))
    tokens = [*SPECIAL, *(token for token in known if token not in SPECIAL)]
    return _checked(_of_content(options, tokens[: options.size_limit], None), options)


def numbers_of(tokenizer: Tokenizer, pieces: Iterable[str], options: VocabularyOptions) -> list[list[int]]:
    """Return the numbers of tokens, or of the tokens of each piece that `bpe` joins characters in."""
    if options.level == "bpe":
        split = tokenizer.model.tokenize
        return [[token.id for token in split(_spelled_by_alphabet(piece))] for piece in pieces]
    known = tokenizer.get_vocab()
    return [[known.get(piece, UNKNOWN)] for piece in pieces]


def _spelled_by_alphabet(piece: str) -> str:
    return "".join(_LETTERS[byte] for byte in piece.encode())


def _of_content(
    options: VocabularyOptions, tokens: Sequence[str], merges: Sequence[tuple[str, str]] | None
) -> Tokenizer:
    content = json.loads(untrained(options).to_str())
    content["model"]["vocab"] = {token: number for number, token in enumerate(tokens)}
    if merges is not None:
        content["model"]["merges"] = [list(pair) for pair in merges]
    return _with_plain_text(Tokenizer.from_str(json.dumps(content)), options)


def _object(found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be an object, not {type(found).__name__}")
    return found


def _merges(found: Any, vocabulary: Mapping[str, int]) -> list[list[str]]:
    """Return the pairs of tokens that become one, each of which the vocabulary holds."""
    if not isinstance(found, list):
        raise ValueError("its merges must be a list")
    for pair in found:
        parts = isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        if not (parts and {*pair, "".join(pair)} <= vocabulary.keys()):
            raise ValueError(f"its merges must be pairs of its tokens, got {pair!r:.60}")
    return found


def untrained(options: VocabularyOptions) -> Tokenizer:
    """Return a tokenizer that cuts a text as the options say, and knows no token yet."""
    if options.level == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
        tokenizer.pre_tokenizer = (
            pre_tokenizers.Split(BOUNDARY, "removed")
            if LEVELS[options.level].cut
            else pre_tokenizers.Split(Regex(_PATTERNS[options.level]), "isolated")
        )
        tokenizer.decoder = decoders.Fuse()
    normalizer = normalizer_of(options)
    # A text that is cut before is normalised before that.
    if normalizer is not None and not LEVELS[options.level].cut:
        tokenizer.normalizer = normalizer
    return tokenizer


def normalizer_of(options: VocabularyOptions) -> normalizers.Normalizer | None:
    """Return what the options make of a text before it is cut; None if they leave it as it is."""
    steps: list[normalizers.Normalizer] = []
    if options.normalise == "nfkc":
        steps.append(normalizers.NFKC())
    if options.lowercase:
        steps.append(normalizers.Lowercase())
    if not options.digits:
        steps.append(normalizers.Replace(Regex(r"\p{N}"), ""))
    if not options.punctuation:
        steps.append(normalizers.Replace(Regex(MARK), ""))
    if not options.keeps_white_space:
        # A line that is not empty begins with the space of its first word (`LevelRules.opening`).
        steps += [normalizers.Replace(Regex(SPACE), " "), normalizers.Strip(left=False, right=True)]
    return normalizers.Sequence(steps) if steps else None


def _trainer(options: VocabularyOptions) -> trainers.Trainer:
    if options.level == "bpe":
        return trainers.BpeTrainer(
            vocab_size=options.size_limit,
            min_frequency=options.least_count,
            special_tokens=list(SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    return trainers.WordLevelTrainer(
        vocab_size=options.size_limit,
        min_frequency=options.least_count,
        special_tokens=list(SPECIAL),
        show_progress=False,
    )


def _with_plain_text(tokenizer: Tokenizer, options: VocabularyOptions) -> Tokenizer:
    """Return the same tokenizer, but a text that happens to hold "<eos>" holds five characters.

    At the word level "<unk>" is read as the unknown word, with the space before it; between white space it
    is a word that no vocabulary holds, and unknown for that.
    """
    content = json.loads(tokenizer.to_str())
    unknown = {
        "id": UNKNOWN,
        "content": SPECIAL[UNKNOWN],
        "single_word": False,
        "lstrip": True,
        "rstrip": False,
        "normalized": False,
        "special": False,
    }
    content["added_tokens"] = [unknown] if options.level == "word" else []
    return Tokenizer.from_str(json.dumps(content))


def with_tokens(tokenizer: Tokenizer, tokens: Sequence[str]) -> Tokenizer:
    """Return a tokenizer of whole words or characters that numbers `tokens` in their order."""
    content = json.loads(tokenizer.to_str())
    content["model"]["vocab"] = {token: number for number, token in enumerate(tokens)}
    return Tokenizer.from_str(json.dumps(content))
