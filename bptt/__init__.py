"""Recurrent networks from their equations: derived, checked, trained, looked into.

The public names are loaded when first used, so that `import bptt` costs nothing (PEP 562). They are
listed here once; `__init__.pyi` is made from this list for type checkers and editors.
"""

from __future__ import annotations

from bptt.deferred import exports
from bptt.version import __version__ as __version__

# The public names by the module that holds them; a name that is a module of the package is that module.
PUBLIC = {
    "bptt": "cells derive explain nn probe",
    "bptt.cells.cell": "Cell",
    "bptt.comparison.comparing": "compare",
    "bptt.errors": "BpttError InputError InternalError MachineError TrainingError",
    "bptt.estimators.sequence_classifier": "SequenceClassifier",
    "bptt.estimators.sequence_regressor": "SequenceRegressor",
    "bptt.estimators.sequence_tagger": "SequenceTagger",
    "bptt.explanation": "explain_run",
    "bptt.exporting.export": "export",
    "bptt.inspection": "inspect",
    "bptt.jobs.loading": "load",
    "bptt.runs.placement": "Placement",
    "bptt.runtime.backend": "backend empty_cache get_backend set_backend",
    "bptt.training.averaging": "average",
    "bptt.training.python": "train",
    "bptt.tuning.tune_job": "tune",
}
__getattr__, __dir__ = exports(__name__, PUBLIC)
