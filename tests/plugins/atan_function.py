"""A package that adds a nonlinearity that the language cannot write: the arc tangent.

Every room gets a form of its own: floats, 50 digits, SymPy, torch, and C++ lane by lane.
"""

import math

from bptt.cells import Function

ATAN = Function(
    "atan",
    (lambda y, x: (1 + x**2) ** -1,),
    floats=math.atan,
    digits=lambda mpmath, x: mpmath.atan(x),
    exact=lambda sympy, x: sympy.atan(x),
    tensors=lambda torch, x: torch.atan(x),
    text={"cpp": "each_lane<std::atan>(x)"},
    steepest=1.0,
    saturates=(-math.pi / 2, math.pi / 2),
    symbol="arctan",
    latex=r"\arctan ",
)
