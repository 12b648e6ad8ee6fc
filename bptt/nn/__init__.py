"""Modules that drop in for torch's, Recurrent for any cell, attention, and the loss of an output layer.

The public names are imported on first use, so that a module of the package does not load all others. They are
listed here once; `__init__.pyi` is made from this list.
"""

from __future__ import annotations

from bptt.deferred import exports

# Brings the operators, which a program that was exported calls.
from bptt.runtime import traced as _traced  # noqa: F401
from bptt.runtime.kernels import loss_operator as _loss_operator  # noqa: F401

PUBLIC = {
    "bptt.nn.attention": "Attention Memory",
    "bptt.nn.base": "LayerStates",
    "bptt.nn.convert": "from_torch to_torch",
    "bptt.nn.crf": "CRF TagPath",
    "bptt.nn.ctc": "CTCLoss",
    "bptt.nn.ctc_alignment": "AlignedSymbol CTCAlignment ctc_align ctc_occupancy",
    "bptt.nn.decoder": "Bridge Decoder DecoderState",
    "bptt.nn.initialisation": "init_forget_bias init_recurrent",
    "bptt.nn.modules": "GRU LSTM RNN",
    "bptt.nn.pooling": "Pooling",
    "bptt.nn.recurrent": "Recurrent",
    "bptt.nn.stepper": "Stepper",
    "bptt.nn.steps": "GRUCell LSTMCell RecurrentCell RNNCell",
    "bptt.runtime.ctc_labels": "ctc_steps_needed",
    "bptt.runtime.ctc_loss": "ctc_loss",
    "bptt.runtime.linear_loss": "linear_cross_entropy",
    "bptt.runtime.narrow": "weight_format",
}
__getattr__, __dir__ = exports(__name__, PUBLIC)
