"""ONNX: a model that onnxruntime, browsers and phones run, and a program that answers with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bptt.errors import InputError
from bptt.exporting.beside import program
from bptt.exporting.options import ExportOptions
from bptt.exporting.target import Target
from bptt.files import to_json
from bptt.graphs.eight_bits import in_eight_bits
from bptt.graphs.module_graph import FILE, module_graphs
from bptt.graphs.onnx_graph import check_onnx
from bptt.graphs.runtime_check import check_runtime, largest_difference
from bptt.graphs.written import WrittenGraphs
from bptt.jobs.loading import load
from bptt.jobs.registry import find_graphs, job_of
from bptt.nn.stack import Stack
from bptt.runs.evaluating import evaluating
from bptt.runs.run_folder import HELD_OUT, read_held_out
from bptt.version import __version__

SETTINGS = "export.json"


def _of_run(run: Path, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    _prepare(options)
    trained = load(run)
    job = job_of(trained)
    write = find_graphs(job)
    if write is None:
        raise InputError("onnx", "needs a job whose networks have graphs", job.name)
    with evaluating(trained.model):
        found = write(trained, options.opset)
        measured = dict(_checked(found, options))
        if options.int8:
            small = replace(found, models=in_eight_bits(found.models))
            measured |= _cost(run, found, small)
            found = small
    settings = {"job": job.name, "title": job.options.called, "bptt_version": __version__, **found.settings}
    text = to_json(settings, indent=1) + "\n"
    files = {**found.models, **found.files, SETTINGS: text.encode(), program.FILE: program.program()}
    return files, measured


def _cost(run: Path, whole: WrittenGraphs, small: WrittenGraphs) -> dict[str, float]:
    """Return what weights of 8 bits change: the perplexity of the held-out text of a language model before
    and after; of any other run, which keeps no such data, the largest difference of an output.
    """
    path = run / HELD_OUT
    if whole.perplexity is None or not path.exists() or not path.stat().st_size:
        return {"largest difference, int8": largest_difference(small.models, small.examples())}
    text = read_held_out(run)
    kinds = {"perplexity": whole, "perplexity, int8": small}
    return {name: whole.perplexity(each.models, text) for name, each in kinds.items()}


def _of_module(stack: Stack, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    _prepare(options)
    found = module_graphs(stack, options.opset)
    measured = dict(_checked(found, options))
    if options.int8:
        found = replace(found, models=in_eight_bits(found.models))
        measured["largest difference, int8"] = largest_difference(found.models, found.examples())
    return {"": found.models[FILE]}, measured


def _prepare(options: ExportOptions) -> None:
    check_onnx(options.opset)
    for name in ("check", "int8"):
        if getattr(options, name):
            check_runtime(name)


def _checked(found: WrittenGraphs, options: ExportOptions) -> Mapping[str, float]:
    if not options.check:
        return {}
    return {"largest difference": largest_difference(found.models, found.examples())}


TARGET = Target("onnx", _of_run, _of_module)
