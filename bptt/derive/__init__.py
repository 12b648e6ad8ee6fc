"""The mathematics: what follows from the equations of a cell.

Each door takes a cell: `normal_form`, `adjoint`, `jacobian` and `storage` give equations as values. The
module `bptt.derive.evaluate` computes with them, number by number, in floats or in any number of digits.
`bptt.explain` writes them out.
"""

from importlib import import_module

from bptt.derive.adjoint import Adjoint as Adjoint
from bptt.derive.adjoint import adjoint as adjoint
from bptt.derive.jacobian import Jacobian as Jacobian
from bptt.derive.jacobian import jacobian as jacobian
from bptt.derive.normal_form import NormalForm as NormalForm
from bptt.derive.normal_form import normal_form as normal_form
from bptt.derive.storage import Storage as Storage
from bptt.derive.storage import storage as storage

# Names of version 0.1.0 that are in `bptt.explain` now.
_EXPLAINED = ("derivation", "latex", "page", "text")


def __getattr__(name: str) -> object:
    """Return a name that has moved to `bptt.explain`."""
    if name not in _EXPLAINED:
        raise AttributeError(f"module 'bptt.derive' has no attribute {name!r}")
    return getattr(import_module("bptt.explain"), name)
