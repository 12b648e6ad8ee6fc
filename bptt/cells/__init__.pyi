"""The public names for type checkers and editors; written by `tests/stub.py`."""

from bptt.cells.catalogue import CATALOGUE as CATALOGUE
from bptt.cells.catalogue import get as get
from bptt.cells.cell import Cell as Cell
from bptt.cells.function import Function as Function
from bptt.cells.load import load as load
from bptt.cells.own_function import define_function as define_function
from bptt.cells.parameters import Family as Family
