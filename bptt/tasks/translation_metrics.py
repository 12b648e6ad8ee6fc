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
    """BLEU and chrF from 0 to 100 over all texts, how many texts are exactly right, and the signatures."""

    bleu: float
    chrf: float
    exact: int
    signatures: tuple[str, str]


@dataclass(frozen=True)
class Tokenisation:
    """How sacrebleu cuts texts for BLEU, by its name for it, and what in the texts says so."""

    name: str
    reason: str


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
    kind = "zh" if chinese > 10 * (japanese + others) else "char"
    return Tokenisation(kind, f"{share:.0%} of the letters are of a script without spaces between words")


def quality(found: Sequence[str], wanted: Sequence[str], tokenisation: Tokenisation) -> Quality:
    """How good what was found is. Raises InputError if sacrebleu is not installed."""
    if BLEU is None:
        cure = "Install it: pip install 'bptt[metrics]'"
        raise InputError("evaluate", "BLEU and chrF need sacrebleu", "no such package", cure)
    bleu, chrf = BLEU(tokenize=tokenisation.name), CHRF()
    scores = [float(metric.corpus_score(list(found), [list(wanted)]).score) for metric in (bleu, chrf)]
    exact = sum(one == other for one, other in zip(found, wanted, strict=True))
    signatures = str(bleu.get_signature()), str(chrf.get_signature())
    return Quality(scores[0], scores[1], exact, signatures)
