"""The equations: recurrent cells as values, and the catalogue of those that ship."""

from bptt.cells.catalogue import CATALOGUE as CATALOGUE
from bptt.cells.catalogue import get as get
from bptt.cells.cell import Cell as Cell
from bptt.cells.cell import Family as Family
from bptt.cells.load import load as load
