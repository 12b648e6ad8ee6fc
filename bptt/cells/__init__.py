"""The equations: recurrent cells as values, and the catalogue of those that ship.

The public names are imported on first use: a run holds its cell, and needs no catalogue. They are listed here
once; `__init__.pyi` is made from this list.
"""

from __future__ import annotations

# At once: a module that is imported later hides what is called as it is.
from bptt.cells.load import load as load
from bptt.deferred import exports

PUBLIC = {
    "bptt.cells.catalogue": "CATALOGUE get",
    "bptt.cells.cell": "Cell",
    "bptt.cells.function": "Function",
    "bptt.cells.load": "load",
    "bptt.cells.own_function": "define_function",
    "bptt.cells.parameters": "Family",
}
__getattr__, __dir__ = exports(__name__, PUBLIC)
