"""A package that adds a nonlinearity: x tanh(softplus(x)) (Misra 2019, Mish, eq. 1)."""

from bptt.cells import define_function

MISH = define_function(
    "mish",
    "x * tanh(softplus(x))",
    "tanh(softplus(x)) + x * sigmoid(x) * (1 - tanh(softplus(x))**2)",
    steepest=1.0885,
)
