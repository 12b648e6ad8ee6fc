"""An inspection as one HTML file that needs nothing else: no server, no network, no font."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

from bptt.files import write_output
from bptt.languages.available import Language
from bptt.languages.pages import page_words
from bptt.languages.phrase import table_of, translate
from bptt.report.inspection_views import Inspection
from bptt.report.page_data import page_data

# The words of the frame, as [[Sections]].
_OWN_WORDS = re.compile(r"\[\[([^\]]+)\]\]")
_FILES = Path(__file__).parent / "page_files"
# In the order in which they are joined: the first need nothing of the later ones.
_SCRIPTS = (
    "words payload elements colours scales store chart verdict tokens pictures timeline player strip pattern "
    "matching search nearest expected colourings controls text flow map saturation spectrum main"
).split()


def write_page(inspection: Inspection, path: Path, language: Language = Language.EN) -> None:
    """Write the page. Equal inspections give equal bytes.

    Raises InputError if it would replace what is no page of ours, MachineError if it cannot be written.
    """
    write_output(path, page_text(inspection, language).encode())


def page_text(inspection: Inspection, language: Language = Language.EN) -> str:
    """Return the page as one text of HTML, below 3 MB. It holds the units that fit, and names them.

    Of the inspection only the title is markup, escaped: the rest is data, which the script shows as text. The
    policy allows that script and that style alone, no address at all, and workers and sounds only of what
    the script holds (blob:).
    """
    style = _read("page.css")
    words = json.dumps(page_words(language), ensure_ascii=False, indent=1)
    scripts = [f"const WORDS = {words};", *(_read(f"{name}.js") for name in _SCRIPTS)]
    script = '"use strict";\n(() => {\n' + "\n".join(scripts) + "})();\n"
    return _filled(
        _template(language),
        {
            # In ASCII: a file name may hold what is no character, and so cannot be written in UTF-8.
            "title": html.escape(inspection.title).encode("ascii", "xmlcharrefreplace").decode(),
            "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
            "worker-src blob:; media-src blob:; base-uri 'none'; form-action 'none'",
            "language": language.tag,
            "style": style,
            "script": script,
            "data": page_data(inspection),
        },
    )


def _template(language: Language) -> str:
    """Return the frame of the page, with its own words in a language."""
    table = table_of(language)
    return _OWN_WORDS.sub(lambda found: html.escape(translate(found[1], table)), _read("page.html"))


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """Replace the `{{names}}` of the template, once: the inserted text is not searched again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)
