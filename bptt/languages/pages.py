"""The words of pages that scripts draw: what a page holds of the tables, by the English text."""

from __future__ import annotations

from collections.abc import Mapping

from bptt.languages.available import Language
from bptt.languages.zh.live_words import LIVE
from bptt.languages.zh.page_words import PAGES


def page_words(language: Language) -> Mapping[str, str]:
    """Return the translations that the script of a page needs; none in English."""
    return {**PAGES, **LIVE} if language is Language.ZH else {}
