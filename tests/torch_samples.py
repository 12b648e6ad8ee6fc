"""Torch's own samples of recurrent modules: how its tests make and call them, and what has to fail."""

from __future__ import annotations

import sys
import types
import unittest
from collections.abc import Iterator
from typing import Any

import torch

# Torch's helpers of tests take a base class from a package that the samples do not need.
if "expecttest" not in sys.modules:
    stand_in = types.ModuleType("expecttest")
    stand_in.TestCase = unittest.TestCase  # type: ignore[attr-defined]
    sys.modules["expecttest"] = stand_in

from torch.testing._internal import common_modules

NAMES = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
_INFO = {info.name.removeprefix("nn."): info for info in common_modules.module_db}


def samples(name: str, training: bool, dtype: torch.dtype) -> Iterator[tuple[Any, Any, Any]]:
    """The arguments that make a module, by position and name, and those it is called with, in `dtype`."""
    info = _INFO[name]
    made = info.module_inputs_func(info, "cpu", dtype, requires_grad=True, training=training)
    for sample in made:
        how, call = sample.constructor_input, sample.forward_input
        yield (how.args, how.kwargs), call.args, call.kwargs


def errors(name: str) -> Iterator[tuple[Any, Any]]:
    """Torch's error samples: what a module is made and called with, and the type of error that is raised."""
    info = _INFO[name]
    made = info.module_error_inputs_func(info, "cpu", torch.float32, requires_grad=False, training=False)
    for sample in made:
        yield sample.module_error_input, sample.error_type
