"""The language that the name of a column names, and the script in which a text is written."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_NAMES = frozenset(
    # Codes of ISO 639 but for `id` and `no`, which name and number records, and English.
    "ar ara arabic bg bulgarian ca catalan cs ces czech da dan danish de deu ger german el greek en eng"
    " english es spa spanish et estonian fa persian fi fin finnish fr fra fre french he heb hebrew hi hin"
    " hindi hu hungarian ind indonesian it ita italian ja jpn japanese ko kor korean la lat latin nl nld"
    " dutch nor norwegian pl pol polish pt por portuguese ro romanian ru rus russian sv swe swedish th thai"
    " tr tur turkish uk ukr ukrainian vi vie vietnamese zh zho chi cmn chinese mandarin cantonese"
    # German, French, Spanish, Italian, Portuguese, Dutch, Scandinavian, Polish, Turkish, Russian.
    " deutsch englisch französisch spanisch italienisch chinesisch japanisch russisch portugiesisch polnisch"
    " niederländisch türkisch arabisch koreanisch latein lateinisch schwedisch griechisch tschechisch"
    " français anglais allemand espagnol italien chinois japonais russe portugais néerlandais polonais turc"
    " arabe coréen español castellano inglés francés alemán italiano chino japonés ruso portugués inglese"
    " francese tedesco spagnolo cinese giapponese russo portoghese português inglês francês alemão espanhol"
    " chinês japonês nederlands engels frans duits spaans svenska engelska tyska dansk norsk engelsk tysk"
    " suomi englanti čeština angličtina magyar angol polski angielski niemiecki türkçe ingilizce almanca"
    " русский английский немецкий французский китайский українська ελληνικά العربية"
    # Chinese, Japanese, Korean.
    " 中文 汉语 漢語 英文 英语 英語 日语 日文 日語 法语 法文 法語 德语 德文 德語 俄语 俄文 俄語 韩语 韩文"
    " 韓語 西班牙语 葡萄牙语 意大利语 阿拉伯语 越南语 泰语 粤语 文言文 白话文 古文 现代文 简体中文 繁體中文"
    " 繁体中文 日本語 中国語 ドイツ語 フランス語 韓国語 한국어 영어 중국어 일본어".split()
)
# Parts of a name beside the language: the kind of texts, the country, or the script.
_BESIDE = frozenset(
    "text texts sentence sentences word words phrase phrases source src target tgt trg translation original"
    " language simplified traditional modern classical standard us gb br cn tw hk ca mx hans hant latn"
    " satz sätze text texte phrase mot mots 句子 原文 译文 文本 源文 目标文 句 词 词语 單詞 譯文".split()
)
_WORD = re.compile(r"[^\W\d_]+")


def language_in(name: str) -> str | None:
    """Return the word of a column's name that is a language, if the name says only what texts it holds:
    `de`, `Français`, `en_US`, `English words/sentences`, `Chinese (simplified)`; else None.
    """
    words = _apart(_WORD.findall(unicodedata.normalize("NFKC", name).casefold()))
    found = [word for word in words if word in _NAMES]
    return found[0] if found and set(words) <= _NAMES | _BESIDE else None


def _apart(words: list[str]) -> list[str]:
    """Return the words, with a Chinese language apart from what follows it: 英文句子 is 英文 and 句子."""
    cuts = [next((n for n in (2, 3, 4) if {word[:n]} <= _NAMES and word[n:] in _BESIDE), 0) for word in words]
    return [part for word, n in zip(words, cuts, strict=True) for part in (word[:n], word[n:]) if part]


def script_of(text: str) -> str:
    """Return the script of most letters of a text, as Unicode names it (LATIN, CJK); "" without letters."""
    letters = (unicodedata.name(mark, "").partition(" ")[0] for mark in text if mark.isalpha())
    # Japanese is written in three of them.
    scripts = Counter("CJK" if each in ("HIRAGANA", "KATAKANA") else each for each in letters)
    return scripts.most_common(1)[0][0] if scripts else ""
