"""An inspection as one HTML file that needs nothing else: no server, no network, no font."""

from __future__ import annotations

from pathlib import Path

from bptt.files import write_output
from bptt.languages.available import Language
from bptt.report.inspection_views import Inspection
from bptt.report.page_data import page_data
from bptt.report.standalone import SHARED, Standalone, read_files

# In the order in which they are joined: the first need nothing of the later ones.
_SCRIPTS = (
    "words payload elements colours scales store chart verdict tokens pictures timeline player strip pattern "
    "matching search nearest expected colourings controls text flow map saturation spectrum theme main"
).split()


def write_page(inspection: Inspection, path: Path, language: Language = Language.EN) -> None:
    """Write the page. Equal inspections give equal bytes.

    Raises InputError if it would replace what is no page of ours, MachineError if it cannot be written.
    """
    write_output(path, page_text(inspection, language).encode())


def page_text(inspection: Inspection, language: Language = Language.EN) -> str:
    """Return the page as one text of HTML, below 3 MB. It holds the units that fit, and names them.

    Of the inspection only the title is markup, escaped: the rest is data, which the script shows as text.
    """
    (style,) = read_files(SHARED, ["page.css"])
    scripts = read_files(SHARED, [f"{name}.js" for name in _SCRIPTS])
    return Standalone("bptt inspect", inspection.title, style, scripts, page_data(inspection)).text(language)
