"""BLEU and chrF of translations by sacrebleu, with its signatures, which make them reproducible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bptt.data.scripts import scripts_of
from bptt.errors import InputError

try:
    from sacrebleu.metrics import BLEU, CHRF
except ImportError:
    BLEU = CHRF = None


@dataclass(frozen=True)
class Quality:
    """BLEU and chrF, from 0 to 100, over all texts, and the number of exact matches."""

    bleu: float
    chrf: float
    exact: int


@dataclass(frozen=True)
class Tokenisation:
    """The name of a tokenisation of sacrebleu for BLEU, and the reason for its choice."""

    name: str
    reason: str


def installed() -> bool:
    """Return whether sacrebleu is installed, which BLEU and chrF need."""
    return BLEU is not None


def count_exact(found: Sequence[str], wanted: Sequence[str]) -> int:
    """Return the number of texts that equal their reference."""
    return sum(one == other for one, other in zip(found, wanted, strict=True))


class Judge:
    """A comparison of translations with references (`wanted`), one each; `lowercase`: ignoring case.

    `signatures` are those of sacrebleu for BLEU and chrF. Raises InputError if it is not installed.
    """

    def __init__(self, wanted: Sequence[str], lowercase: bool = False) -> None:
        if not installed():
            cure = "Install it: pip install 'bptt[metrics]'"
            raise InputError("evaluate", "BLEU and chrF need sacrebleu", "no such package", cure)
        self._wanted, self.tokenisation = wanted, choose_tokenisation(wanted)
        name = self.tokenisation.name
        self._bleu = BLEU(lowercase=lowercase, tokenize=name, references=[list(wanted)])
        self._chrf = CHRF(lowercase=lowercase, references=[list(wanted)])

    def judge(self, found: Sequence[str]) -> Quality:
        """Return the quality of translations, in the order of the references."""
        bleu, chrf = (each.corpus_score(list(found), None).score for each in (self._bleu, self._chrf))
        return Quality(float(bleu), float(chrf), count_exact(found, self._wanted))

    @property
    def signatures(self) -> tuple[str, str]:
        """The signatures of BLEU and chrF, available after the first call of `judge`."""
        return str(self._bleu.get_signature()), str(self._chrf.get_signature())


def choose_tokenisation(texts: Sequence[str]) -> Tokenisation:
    """Choose a tokenisation by the script of the texts.

    "zh" (each Chinese character a word) for Chinese, "char" for Japanese and other scripts without spaces
    between words, else "13a", the default of sacrebleu.
    """
    found = scripts_of(texts)
    if not found.is_spaceless:
        return Tokenisation("13a", "words are separated by spaces")
    # Kana make up most of a Japanese text, but occur in a Chinese one only by chance.
    name = "zh" if found.chinese > 10 * (found.japanese + found.others) else "char"
    return Tokenisation(name, f"{found.share:.0%} of the letters are of scripts without spaces between words")
