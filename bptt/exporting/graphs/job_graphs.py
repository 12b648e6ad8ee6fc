"""The graphs of each job: the module that writes them, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.exporting.graphs.written import WrittenGraphs
from bptt.jobs.job import TrainedModel
from bptt.jobs.registry import job_of

# By the name of the job: from a trained model and an operator set to its graphs.
_WRITERS: Mapping[str, Callable[..., Any]] = {
    "lm": deferred("bptt.exporting.graphs.language_graphs", "write"),
    "music": deferred("bptt.exporting.graphs.language_graphs", "write_music"),
    "tag": deferred("bptt.exporting.graphs.tag_graphs", "write"),
    "mark": deferred("bptt.exporting.graphs.tag_graphs", "write"),
    "translate": deferred("bptt.exporting.graphs.translate_graphs", "write"),
    "regress": deferred("bptt.exporting.graphs.number_graphs", "write"),
    "forecast": deferred("bptt.exporting.graphs.number_graphs", "write_forecast"),
    "transcribe": deferred("bptt.exporting.graphs.speech_graphs", "write"),
    "classify": deferred("bptt.exporting.graphs.classify_graphs", "write"),
}


def job_graphs(trained: TrainedModel, opset: int) -> WrittenGraphs:
    """Return the graphs of a trained model. Raises InputError for a job, or a part, that has no graph."""
    job = job_of(trained)
    if job.name not in _WRITERS:
        rule = f"the format onnx has the jobs {', '.join(_WRITERS)}"
        raise InputError("export", rule, job.name)
    found: WrittenGraphs = _WRITERS[job.name](trained, opset)
    return found
