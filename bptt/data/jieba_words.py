"""Chinese words as jieba cuts them; needs the extra `jieba`."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

from bptt.errors import InputError

try:
    with warnings.catch_warnings():
        # Its source has escapes that Python 3.12 warns of, and asks for the deprecated pkg_resources.
        warnings.simplefilter("ignore")
        import jieba
except ImportError:
    jieba = None


def has_jieba() -> bool:
    """Return whether jieba is installed."""
    return jieba is not None


def cut_with_jieba(text: str) -> list[str]:
    """Cut a text into words: joined, they give the text. Raises InputError if jieba is not installed."""
    return list(_segmenter().cut(text))


@cache
def _segmenter() -> Any:
    if jieba is None:
        cure = "Install it: pip install 'bptt[jieba]'"
        raise InputError("level", "needs jieba to cut Chinese words", "no such package", cure)
    found = jieba.Tokenizer()
    # Filled here, since `initialize` keeps the words in a file of the temporary folder, which any user of the
    # machine may have written, and reports on standard error.
    found.FREQ, found.total = found.gen_pfdict((Path(jieba.__file__).parent / "dict.txt").open("rb"))
    found.initialized = True
    return found
