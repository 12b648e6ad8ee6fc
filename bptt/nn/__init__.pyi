"""The public names for type checkers and editors; written by `tests/stub.py`."""

from bptt.nn.attention import Attention as Attention
from bptt.nn.attention import Memory as Memory
from bptt.nn.convert import from_torch as from_torch
from bptt.nn.convert import to_torch as to_torch
from bptt.nn.crf import CRF as CRF
from bptt.nn.crf import TagPath as TagPath
from bptt.nn.ctc import CTCLoss as CTCLoss
from bptt.nn.decoder import Bridge as Bridge
from bptt.nn.decoder import Decoder as Decoder
from bptt.nn.decoder import DecoderState as DecoderState
from bptt.nn.initialisation import init_forget_bias as init_forget_bias
from bptt.nn.initialisation import init_recurrent as init_recurrent
from bptt.nn.modules import GRU as GRU
from bptt.nn.modules import LSTM as LSTM
from bptt.nn.modules import RNN as RNN
from bptt.nn.pooling import Pooling as Pooling
from bptt.nn.recurrent import Recurrent as Recurrent
from bptt.nn.stack import LayerStates as LayerStates
from bptt.nn.stepper import Stepper as Stepper
from bptt.nn.steps import GRUCell as GRUCell
from bptt.nn.steps import LSTMCell as LSTMCell
from bptt.nn.steps import RecurrentCell as RecurrentCell
from bptt.nn.steps import RNNCell as RNNCell
from bptt.runtime.ctc_labels import ctc_steps_needed as ctc_steps_needed
from bptt.runtime.ctc_loss import ctc_loss as ctc_loss
from bptt.runtime.linear_loss import linear_cross_entropy as linear_cross_entropy
