"""The fonts of pictures, and what to install for characters that none of them has."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import matplotlib
from matplotlib import font_manager

# Asked in turn for the characters that the first font lacks.
FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    # The first face of the collection that Debian installs, and so the only one that is found.
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Arial Unicode MS",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Ethiopic",
    "Noto Sans Khmer",
)
# The packages of Debian and Ubuntu with a font for the East Asian scripts, and for the others.
_EAST_ASIAN, _OTHERS = "fonts-noto-cjk", "fonts-noto-core"
_MISSING = re.compile(r"Glyph (\d+) .*missing from")


class MissingFont(UserWarning):
    """No installed font has a character of a picture."""


def installed_fonts() -> list[str]:
    """Return the installed ones of FONTS, in their order."""
    found = set(font_manager.fontManager.get_font_names())
    return [name for name in FONTS if name in found]


@contextmanager
def missing_noticed() -> Iterator[None]:
    """Draw inside: characters that no font has become boxes, and a notice names the package with a font.

    The notice is a warning, once a process for each package.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        found = _MISSING.match(str(warning.message))
        if found is None:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        else:
            _say(chr(int(found[1])))


def _say(character: str) -> None:
    if unicodedata.category(character).startswith("C"):
        return
    package = _EAST_ASIAN if unicodedata.east_asian_width(character) in "WF" else _OTHERS
    if package not in _said():
        _said().add(package)
        rule = f"no installed font has {character} and others of its script: pictures show boxes"
        cure = f"Install one (Debian, Ubuntu: apt install {package}), and remove"
        fonts = f"{matplotlib.get_cachedir()}/fontlist-*.json, matplotlib's list of fonts"
        warnings.warn(f"{rule}. {cure} {fonts}", MissingFont, stacklevel=3)


@cache
def _said() -> set[str]:
    """Return the packages that were named in this process."""
    return set()
