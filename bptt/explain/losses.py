"""The names of each loss on paper, and the output layer that goes with it."""

from __future__ import annotations

from collections.abc import Mapping

from bptt.derive.network import Loss
from bptt.explain.document import Sentence, say
from bptt.explain.formula_tree import FunctionName

NAMES: Mapping[Loss, Sentence] = {
    Loss.SOFTMAX: say("cross-entropy of a softmax"),
    Loss.LOGISTIC: say("cross-entropy of the logistic function, summed over labels"),
    Loss.SQUARED: say("squared error"),
}
# The function g of the output layer o = g(V s + b); the squared error goes with none.
FUNCTIONS: Mapping[Loss, FunctionName | None] = {
    Loss.SOFTMAX: FunctionName("softmax"),
    Loss.LOGISTIC: FunctionName("σ", r"\sigma "),
    Loss.SQUARED: None,
}
# The name of the output layer in a diagram.
LAYERS: Mapping[Loss, str] = {Loss.SOFTMAX: "softmax", Loss.LOGISTIC: "logistic", Loss.SQUARED: "linear"}
