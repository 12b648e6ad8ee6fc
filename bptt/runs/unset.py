"""A model as its configuration describes it, without memory for weights: a stranger may have written that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from bptt.errors import InputError
from bptt.runs.run_folder import CONFIG, WEIGHTS
from bptt.runs.weights import count_weights

Model = TypeVar("Model", bound=nn.Module)


def build_unset(run: Path, layers: Mapping[str, int], build: Callable[[], Model]) -> Model:
    """Return the model that `build` makes, on the device "meta"; `read_weights` fills it.

    `layers` counts the layers by the option that says how many. Each has a tensor or more in the file of the
    weights, so that more of them are an InputError before any is made. So are sizes that no tensor has.
    """
    where, most = str(run / CONFIG), count_weights(run / WEIGHTS)
    for option, count in layers.items():
        if count > most:
            raise InputError(where, f"{option} is at most {most}, the number of tensors in {WEIGHTS}", count)
    try:
        with torch.device("meta"):
            return build()
    except InputError as error:
        raise InputError(f"{where}: {error.where}", error.rule, error.got, error.cure) from error
    except (OverflowError, RuntimeError, TypeError) as error:
        cure = "Restore the file, or train again"
        raise InputError(where, f"must describe the model of {WEIGHTS}", "impossible sizes", cure) from error
