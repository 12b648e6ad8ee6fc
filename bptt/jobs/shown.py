"""How trained models show themselves: job, cell, sizes and number of parameters; in notebooks more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from bptt.cells.load import Cells, as_cells, names_of
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.jobs.sharing import ALONE, WorkSharing
from bptt.models.options import StackOptions
from bptt.notebook import block_html, rows_html, table_html

# Of notebooks alone.
_equations_text = deferred("bptt.graphs.equations_text", "equations_text")
_job_of = deferred("bptt.jobs.registry", "job_of")
_held_out_records = deferred("bptt.jobs.held_out_results", "held_out_records")
_best_evaluation = deferred("bptt.jobs.held_out_results", "best_evaluation")
_metrics_of = deferred("bptt.jobs.held_out_results", "metrics_of")


@dataclass(frozen=True)
class TrainedFacts:
    """The network, its cell, None without recurrence, the options of its layers, and facts about its data."""

    model: nn.Module
    cell: Cells | None
    options: StackOptions
    about: Mapping[str, object]


class ShownModel(ABC):
    """A trained model that shows what it is.

    `run` is the folder that it was loaded from; of an ensemble, `runs` are those that are averaged, and
    `members` their models. `sharing` is how several processes share what is asked.
    """

    task: ClassVar[str]
    run: Path | None = None
    runs: tuple[Path, ...] = ()
    members: tuple[Any, ...] = ()
    sharing: WorkSharing = ALONE

    @property
    @abstractmethod
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self._sizes().items())
        return f"{type(self).__name__}({inside})"

    def _repr_html_(self) -> str:
        """Return sizes, equations and the result on held-out data, for a notebook."""
        return "".join(self._parts())

    def _sizes(self) -> dict[str, object]:
        found = self.facts
        cell, options = found.cell, found.options
        sizes: dict[str, object] = {"job": self.task}
        if self.runs:
            sizes["runs"] = ", ".join(run.name for run in self.runs)
        if cell is not None:
            layers = {"num_layers": options.num_layers, "hidden_size": options.hidden_size}
            sizes |= {"cell": names_of(cell), **layers}
        networks = [each.model for each in self.members] or [found.model]
        count = sum(parameter.numel() for each in networks for parameter in each.parameters())
        return {**sizes, **found.about, "parameters": count}

    def _parts(self) -> Iterator[str]:
        rows = [(name, _written(value)) for name, value in self._sizes().items()]
        yield table_html((type(self).__name__, ""), rows)
        if self.facts.cell is not None:
            cells = as_cells(self.facts.cell)
            yield block_html(_equations_text(cells if isinstance(cells, tuple) else (cells,)))
        result = self._result()
        if result:
            metrics = {name: _number(value) for name, value in _metrics_of(result).items()}
            yield rows_html([metrics], [str(result["epoch"])], "held-out data, epoch")

    def _result(self) -> Mapping[str, Any] | None:
        """Return the evaluation that chose the weights; None if the run has none, or is there no more."""
        if self.run is None:
            return None
        try:
            records = _held_out_records(self.run)
        except InputError:
            return None
        found: Mapping[str, Any] | None = _best_evaluation(records, _job_of(self).criterion(self))
        return found


def _written(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _written(value)
