"""ONNX: a model that onnxruntime, browsers and phones run, and a program that answers with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bptt.exporting.beside import program
from bptt.exporting.graphs.job_graphs import job_graphs
from bptt.exporting.graphs.module_graph import FILE, module_graphs
from bptt.exporting.graphs.onnx_graph import check_onnx
from bptt.exporting.graphs.runtime_check import check_runtime, largest_difference
from bptt.exporting.graphs.written import WrittenGraphs
from bptt.exporting.options import ExportOptions
from bptt.exporting.target import Target
from bptt.files import to_json
from bptt.jobs.loading import load
from bptt.jobs.registry import job_of
from bptt.nn.stack import Stack
from bptt.runs.evaluating import evaluating
from bptt.version import __version__

SETTINGS = "export.json"


def _of_run(run: Path, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    _prepare(options)
    trained = load(run)
    job = job_of(trained)
    with evaluating(trained.model):
        found = job_graphs(trained, options.opset)
        measured = _checked(found, options)
    settings = {"job": job.name, "title": job.options.called, "bptt_version": __version__, **found.settings}
    text = to_json(settings, indent=1) + "\n"
    files = {**found.models, **found.files, SETTINGS: text.encode(), program.FILE: program.program()}
    return files, measured


def _of_module(stack: Stack, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    _prepare(options)
    found = module_graphs(stack, options.opset)
    return {"": found.models[FILE]}, _checked(found, options)


def _prepare(options: ExportOptions) -> None:
    check_onnx(options.opset)
    if options.check:
        check_runtime("check")


def _checked(found: WrittenGraphs, options: ExportOptions) -> Mapping[str, float]:
    if not options.check:
        return {}
    return {"largest difference": largest_difference(found.models, found.examples())}


TARGET = Target("onnx", _of_run, _of_module)
