"""The fonts of pictures, and what to install for characters that none of them has."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

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
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans GB",
    "Heiti SC",
    "Heiti TC",
    "STHeiti",
    "Arial Unicode MS",
    "Droid Sans Fallback",
    "Noto Sans Mono CJK SC",
    "Noto Sans Mono CJK JP",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "Source Han Serif SC",
    "Songti SC",
    "SimSun",
    "AR PL UMing CN",
    "AR PL UKai CN",
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


def heading_font(text: str) -> dict[str, Any]:
    """Return family and weight of a heading: bold in the first font, or regular in all that are installed.

    It is bold if the first font has all characters of `text`. Of the other fonts few are installed in bold,
    and matplotlib complains of each that is not.
    """
    first = font_manager.get_font(font_manager.findfont(FONTS[0]))
    if all(ord(character) in first.get_charmap() for character in text):
        return {"fontfamily": FONTS[0], "fontweight": "bold"}
    return {"fontfamily": installed_fonts(), "fontweight": "normal"}


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
