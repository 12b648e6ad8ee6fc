"""The one door to sacrebleu: BLEU and chrF of translations, with the signatures that say how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bptt.errors import InputError

try:
    from sacrebleu.metrics import BLEU, CHRF
except ImportError:
    BLEU = CHRF = None

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_JAPANESE = re.compile(r"[\u3040-\u30ff]")
# Thai, Lao, Burmese and Khmer put no spaces between words either.
_OTHERS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Quality:
    """BLEU and chrF from 0 to 100 over all texts, and how many texts are exactly right."""

    bleu: float
    chrf: float
    exact: int


@dataclass(frozen=True)
class Tokenisation:
    """How sacrebleu cuts texts for BLEU, by its name for it, and what in the texts says so."""

    name: str
    reason: str


def installed() -> bool:
    """Whether sacrebleu is there, which BLEU and chrF need."""
    return BLEU is not None


def count_exact(found: Sequence[str], wanted: Sequence[str]) -> int:
    """How many of the texts found are exactly those wanted."""
    return sum(one == other for one, other in zip(found, wanted, strict=True))


class Judge:
    """Compares what was found with what is `wanted`, one text for each; with `lowercase` in small letters.

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
        """How good what was found is."""
        bleu, chrf = (each.corpus_score(list(found), None).score for each in (self._bleu, self._chrf))
        return Quality(float(bleu), float(chrf), count_exact(found, self._wanted))

    @property
    def signatures(self) -> tuple[str, str]:
        """What BLEU and chrF were computed by; known when something was judged."""
        return str(self._bleu.get_signature()), str(self._chrf.get_signature())


def choose_tokenisation(texts: Sequence[str]) -> Tokenisation:
    """By the letters: "zh" (each Chinese character a word) for Chinese, "char" for Japanese and others that
    put no spaces between words, else "13a" (the usual one).
    """
    whole = "".join(texts)
    letters = max(1, len(_LETTER.findall(whole)))
    chinese, japanese, others = (len(each.findall(whole)) for each in (_CHINESE, _JAPANESE, _OTHERS))
    share = (chinese + japanese + others) / letters
    if share <= 0.5:
        return Tokenisation("13a", "words stand between spaces")
    # Kana are most of a Japanese text, and are in a Chinese one by chance.
    name = "zh" if chinese > 10 * (japanese + others) else "char"
    return Tokenisation(name, f"{share:.0%} of the letters are of scripts without spaces between words")
