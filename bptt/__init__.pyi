"""The public names for type checkers and editors; written by `tests/stub.py`."""

from bptt import cells as cells
from bptt import derive as derive
from bptt import explain as explain
from bptt import nn as nn
from bptt import probe as probe
from bptt.cells.cell import Cell as Cell
from bptt.comparison.comparing import compare as compare
from bptt.errors import BpttError as BpttError
from bptt.errors import InputError as InputError
from bptt.errors import InternalError as InternalError
from bptt.errors import MachineError as MachineError
from bptt.errors import TrainingError as TrainingError
from bptt.estimators.sequence_classifier import SequenceClassifier as SequenceClassifier
from bptt.estimators.sequence_regressor import SequenceRegressor as SequenceRegressor
from bptt.estimators.sequence_tagger import SequenceTagger as SequenceTagger
from bptt.explanation import explain_run as explain_run
from bptt.exporting.export import export as export
from bptt.inspection import inspect as inspect
from bptt.jobs.loading import load as load
from bptt.runs.placement import Placement as Placement
from bptt.runtime.backend import backend as backend
from bptt.runtime.backend import empty_cache as empty_cache
from bptt.runtime.backend import get_backend as get_backend
from bptt.runtime.backend import set_backend as set_backend
from bptt.training.python import train as train
from bptt.version import __version__ as __version__
