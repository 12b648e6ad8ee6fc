"""`bptt.export`: a trained model, or a recurrent module, in the format of another program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from bptt.errors import InputError, WrongTypeError
from bptt.exporting.options import EXPORT, ExportOptions
from bptt.exporting.registry import find_target
from bptt.exporting.target import Exported, Target
from bptt.files import check_folder, check_new, make_folder, write_new
from bptt.nn.convert import from_torch
from bptt.nn.stack import Stack
from bptt.options.checks import as_path
from bptt.runs.evaluating import evaluating


def export(source: str | Path | nn.Module, output: str | Path, to: str = "onnx", **options: Any) -> Exported:
    """Export a model as `bptt export RUN --to FORMAT -o OUTPUT` does.

    Args:
        source: a run folder; or a module, an LSTM, GRU or RNN of `bptt.nn` or torch.nn, or a Recurrent.
        output: the folder to write; of a module, and in the format html, the file. The format torch adds .py
            and .safetensors to that of a module.
        to: the format.
        options: fields of ExportOptions, such as `check=True`.

    Returns the paths, and by name what was measured: with `check` the "largest difference" between the
    outputs of the two models. Raises InputError for an unknown option, for files that exist, if a package is
    not installed, and for a part of the model that the format has no place for.

    """
    chosen = EXPORT.make(ExportOptions, EXPORT.read({"to": to, **options}))
    target, path = find_target(chosen.to), as_path("output", output)
    if isinstance(source, nn.Module):
        return _export_module(source, path, target, chosen)
    run = as_path("source", source)
    if target.is_file:
        check_new(path)
    else:
        check_folder(path)
    files, measured = target.of_run(run, chosen)
    named = {path if target.is_file else path / name: data for name, data in files.items()}
    return Exported(_write(named), measured)


def _write(files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    for path in files:
        check_new(path)
    for path, data in files.items():
        make_folder(path.parent)
        write_new(path, data)
    return tuple(files)


def _export_module(module: nn.Module, path: Path, target: Target, options: ExportOptions) -> Exported:
    check_new(path)
    if target.of_module is None:
        rule = f"the format {target.name} is for run folders"
        raise InputError("export", rule, type(module).__name__)
    stack = module if isinstance(module, Stack) else from_torch(module)
    if not isinstance(stack, Stack):
        rule = "expected a run folder, or a recurrent module with layers"
        raise WrongTypeError("export", rule, type(module).__name__)
    with evaluating(stack):
        files, measured = target.of_module(stack, options)
    return Exported(_write({path.with_name(path.name + end): data for end, data in files.items()}), measured)
