"""The mathematics: what follows from the equations of a cell.

Each door takes a cell: `normal_form`, `adjoint`, `jacobian` and `storage` give equations as values,
`derivation` the whole as a document, which `text`, `latex` and `page` write out. The module
`bptt.derive.evaluate` computes with them, number by number, in floats or in any number of digits.
"""

from bptt.derive.adjoint import Adjoint as Adjoint
from bptt.derive.adjoint import adjoint as adjoint
from bptt.derive.jacobian import Jacobian as Jacobian
from bptt.derive.jacobian import jacobian as jacobian
from bptt.derive.normal_form import NormalForm as NormalForm
from bptt.derive.normal_form import normal_form as normal_form
from bptt.derive.printing.derivation import derivation as derivation
from bptt.derive.printing.latex import latex as latex
from bptt.derive.printing.page import page as page
from bptt.derive.printing.text import text as text
from bptt.derive.storage import Storage as Storage
from bptt.derive.storage import storage as storage
