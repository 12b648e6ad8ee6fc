"""One HTML file that needs nothing else: a style and a script, under a policy that allows just these."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bptt.languages.available import Language
from bptt.languages.pages import page_words
from bptt.languages.phrase import table_of, translate

# Pieces that pages share: elements, colours, the payload.
SHARED = Path(__file__).parent / "page_files"
# The words of a frame, as [[Sections]].
_OWN_SERVER = "connect-src 'self'; "
_OWN_WORDS = re.compile(r"\[\[([^\]]+)\]\]")


@dataclass(frozen=True)
class Standalone:
    """The parts of a page, put into the frame that all pages share.

    `brand` names the command. `data` is text that means nothing to HTML; of all parts the title alone is
    escaped. A page that `asks` may send requests to the server that it came from.
    """

    brand: str
    title: str
    style: str
    scripts: Sequence[str]
    data: str
    asks: bool = False

    def text(self, language: Language = Language.EN) -> str:
        """Return the page. The policy allows its script and style alone, no address at all, and workers and
        sounds only of what the script holds (blob:).
        """
        words = json.dumps(page_words(language), ensure_ascii=False, indent=1)
        script = (
            '"use strict";\n(() => {\n' + "\n".join([f"const WORDS = {words};", *self.scripts]) + "})();\n"
        )
        table = table_of(language)
        (frame,) = read_files(SHARED, ["page.html"])
        frame = _OWN_WORDS.sub(lambda found: html.escape(translate(found[1], table)), frame)
        return _filled(
            frame,
            {
                # In ASCII: a file name may hold what is no character, and so cannot be written in UTF-8.
                "title": html.escape(self.title).encode("ascii", "xmlcharrefreplace").decode(),
                "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(self.style)}; "
                f"{_OWN_SERVER if self.asks else ''}"
                "worker-src blob:; media-src blob:; base-uri 'none'; form-action 'none'",
                "language": language.tag,
                "brand": self.brand,
                "style": self.style,
                "script": script,
                "data": self.data,
            },
        )


def script_literal(value: object) -> str:
    """Return plain data as a literal of JavaScript, without what would end the script element of the page."""
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")


def read_files(folder: Path, names: Sequence[str]) -> list[str]:
    """Return the text of files of a package."""
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """Replace the `{{names}}` of the template, once: the inserted text is not searched again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)
