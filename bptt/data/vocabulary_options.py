"""The options of a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from bptt.options.checks import check_least
from bptt.options.field import check_fields, option

LevelName = Literal["character", "word", "bpe", "whitespace", "jieba"]
Normalisation = Literal["nfkc"]

UNKNOWN, END = 0, 1
SPECIAL = ("<unk>", "<eos>")
# As an input: a zero vector, for nothing was read before. As a target: nothing to predict here.
NOTHING = -1

# Without a limit, a BPE vocabulary would grow until every word is a token.
_BPE_SIZE = 2000
_NO_LIMIT = 2**31

# The levels at which white space only separates tokens, and those whose tokens are words.
CUT_INTO_WORDS = ("word", "whitespace")
OF_WORDS = (*CUT_INTO_WORDS, "jieba")
# The options that decide how a text is cut; the others, which of its tokens are known.
CUTTING = ("level", "lowercase", "digits", "punctuation", "keeps_white_space", "normalise")


@dataclass(frozen=True)
class VocabularyOptions:
    """The options of a vocabulary.

    `level` is "character" (code points), "word" (words and marks), "bpe" (byte-level byte pair encoding,
    Sennrich et al. 2016, which knows every text), "whitespace" (exactly what lies between white space:
    the tokens of a text that is cut already, such as the Penn Treebank) or "jieba" (Chinese words as the
    package jieba cuts them, with nothing between). A token that occurs less often
    than `min_count` becomes `<unk>` (None: 2 for words, so that `<unk>` is learned too, else 1). `max_size`
    bounds V, the two special tokens counted; the most frequent stay (None: 2000 for BPE, else no bound).
    `lowercase` makes capitals small; without `digits` or `punctuation` (symbols included) these are left out
    of the text, but not the apostrophe inside a word. `normalise` "nfkc" folds full-width letters and digits,
    ligatures and other compatible characters first (Unicode NFKC). Without `white_space` a run of it is one
    space, and none at the ends of a line; as words bring their spaces, no token is white space then.
    "whitespace" never keeps it. Raises InputError naming the option.
    """

    level: LevelName = option(
        "character",
        "Unit of the text. whitespace: the words of a text that is tokenised already, such as the "
        "Penn Treebank. jieba: Chinese words (pip install 'bptt[jieba]').",
        group="Data",
        common=True,
    )
    min_count: int | None = option(
        None,
        "Least number of occurrences; rarer tokens become <unk>.",
        usual="2 for words, else 1",
        group="Data",
    )
    max_size: int | None = option(
        None,
        "Largest size of the vocabulary.",
        usual="2000 for bpe, else unlimited",
        group="Data",
        flags="vocab-size max-size",
    )
    lowercase: bool = option(False, "Lower-case the text.", group="Data", flags="lower lowercase")
    digits: bool = option(True, "Keep digits.", group="Data")
    punctuation: bool = option(True, "Keep punctuation and symbols.", group="Data")
    white_space: bool = option(
        True,
        "Keep white space as part of the text.",
        usual="not of word and whitespace",
        group="Data",
        added=True,
    )
    normalise: Normalisation | None = option(
        None,
        "Unicode normalisation. nfkc: full-width letters and digits become ordinary ones.",
        usual="none",
        group="Data",
        added=True,
    )

    def __post_init__(self) -> None:
        check_fields(self)
        check_least("min_count", self.least_count, 1)
        # The special tokens, and at least one more; for BPE all bytes.
        check_least("max_size", self.size_limit, len(SPECIAL) + (256 if self.level == "bpe" else 1))

    @property
    def least_count(self) -> int:
        """The count from which on a token is known."""
        usual = 2 if self.level in OF_WORDS else 1
        return usual if self.min_count is None else self.min_count

    @property
    def size_limit(self) -> int:
        """The bound on V."""
        usual = _BPE_SIZE if self.level == "bpe" else _NO_LIMIT
        return usual if self.max_size is None else self.max_size

    @property
    def keeps_white_space(self) -> bool:
        """Whether white space is text, not what lies between words."""
        return self.white_space and self.level != "whitespace"


def usual_white_space(level: str) -> bool:
    """Return whether new models keep white space as text: they do unless words bring their spaces."""
    return level not in CUT_INTO_WORDS


def folded(text: str, normalise: Normalisation | None) -> str:
    """Return a text as it is read under a normalisation."""
    return text if normalise is None else normalize("NFKC", text)


def said_of(normalise: Normalisation | None) -> tuple[str, ...]:
    """Return a line for the user if texts are normalised before they are read; none if not."""
    if normalise is None:
        return ()
    return (f"texts are read in {normalise.upper()}, as the model learned them, and printed as they came",)
