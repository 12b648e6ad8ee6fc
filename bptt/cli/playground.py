"""`bptt playground`: a page in which cells are written, derived and trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptt.cli.commands import make_command
from bptt.playground.options import PLAYGROUND, PlaygroundOptions

if TYPE_CHECKING:
    from bptt.options.choices import Choices

TITLE = "Write, derive and train cells in a page of your browser."
_ABOUT = (
    "tanh, LSTM and a cell of your own learn the adding problem, copying or a pasted text side by side, "
    "while the gradient by lag and the picture of every loss and every step move. The page is one file "
    "that makes no request: with -o it can be put on any web space."
)


def command() -> Any:
    """Return the command."""
    return make_command("playground", PLAYGROUND, _playground, TITLE, _ABOUT)


def _playground(choices: Choices) -> None:
    import webbrowser

    from bptt.cells import load
    from bptt.files import cache_folder, make_folder
    from bptt.playground.playground_page import write_playground

    asked = choices.make(PlaygroundOptions)
    cell = None if asked.cell is None else load(asked.cell)
    path = asked.output
    if path is None:
        make_folder(cache_folder())
        path = cache_folder() / "playground.html"
    write_playground(path, cell)
    print(f"page: {path}")
    if asked.output is None and not webbrowser.open(path.resolve().as_uri()):
        print("no browser opened: open the page yourself")
