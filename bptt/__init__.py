"""Recurrent networks from their equations: derived, checked, trained, looked into.

The public names are loaded when first used, so that `import bptt` costs nothing (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bptt.version import __version__ as __version__

if TYPE_CHECKING:
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
    from bptt.estimators.sequence_tagger import SequenceTagger as SequenceTagger
    from bptt.explanation import explain_run as explain_run
    from bptt.inspection import inspect as inspect
    from bptt.jobs.loading import load as load
    from bptt.runtime.backend import backend as backend
    from bptt.runtime.backend import get_backend as get_backend
    from bptt.runtime.backend import set_backend as set_backend

# public name -> the module that holds it; a room is its own module
_HOMES = {
    "cells": "bptt.cells",
    "derive": "bptt.derive",
    "explain": "bptt.explain",
    "nn": "bptt.nn",
    "Cell": "bptt.cells.cell",
    "BpttError": "bptt.errors",
    "InputError": "bptt.errors",
    "InternalError": "bptt.errors",
    "MachineError": "bptt.errors",
    "TrainingError": "bptt.errors",
    "backend": "bptt.runtime.backend",
    "get_backend": "bptt.runtime.backend",
    "set_backend": "bptt.runtime.backend",
    "compare": "bptt.comparison.comparing",
    "load": "bptt.jobs.loading",
    "inspect": "bptt.inspection",
    "explain_run": "bptt.explanation",
    "probe": "bptt.probe",
    "SequenceClassifier": "bptt.estimators.sequence_classifier",
    "SequenceTagger": "bptt.estimators.sequence_tagger",
}


def __getattr__(name: str) -> object:
    """Return the public name, imported on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bptt' has no attribute {name!r}")
    module = import_module(_HOMES[name])
    return getattr(module, name, module)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
