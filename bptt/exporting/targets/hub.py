"""hub: a folder for the model hub of Hugging Face, a run with a model card; `bptt.load` reads it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bptt.cells.load import names_of
from bptt.data.reading import read_bytes
from bptt.exporting.card_metadata import front_matter
from bptt.exporting.model_index import model_index
from bptt.exporting.options import ExportOptions
from bptt.exporting.target import Target
from bptt.graphs.equations_text import equations_text
from bptt.graphs.network_parts import cells_of
from bptt.jobs.held_out_results import best_evaluation, held_out_records, metrics_of
from bptt.jobs.loading import load
from bptt.jobs.registry import job_of
from bptt.report.run_records import RECORDS
from bptt.runs.run_folder import CONFIG, HELD_OUT, WEIGHTS, read_config

CARD = "README.md"


def _of_run(run: Path, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    options.refuse_others("hub")
    trained = load(run)
    files = {name: read_bytes(run / name) for name in _names(run)}
    return {CARD: _card(run, trained).encode(), **files}, {}


def _names(run: Path) -> list[str]:
    """Return the names of the files that the model is read from."""
    there = {each.name for each in run.iterdir() if each.is_file()}
    listed = read_config(run).get("files")
    if isinstance(listed, list | tuple):
        # Other files are not the model's, and may be private: a page of `bptt inspect` holds held-out text.
        there &= {CONFIG, WEIGHTS, *(name for name in listed if isinstance(name, str))}
    # Records are in the card, and held-out data may be private, of music held_out.json.
    held_out = Path(HELD_OUT).stem
    return sorted(name for name in there if name not in (CARD, RECORDS) and Path(name).stem != held_out)


def _card(run: Path, trained: Any) -> str:
    """Return the text of the card."""
    job, config = job_of(trained), read_config(run)
    cells = cells_of(trained.model)
    kind = "" if isinstance(job.hub_task, str) else trained.config.source.kind
    tag = job.hub_task_of(kind)
    words = ["recurrent-neural-network", *dict.fromkeys(cell.name for cell in cells)]
    held_out = held_out_records(run)
    numbers = sorted({part["seed"] for part in config.values() if isinstance(part, dict) and "seed" in part})
    seeds = ", ".join(map(str, numbers)) or "unknown"
    criterion = job.criterion(trained)
    best = best_evaluation(held_out, criterion)
    index = []
    if best is not None:
        data = ", ".join(_data(config))
        index = model_index(run.resolve().name, (tag, job.options.called), data, seeds, metrics_of(best))
    metadata = {
        "library_name": "bptt",
        "tags": words,
        **({"pipeline_tag": tag} if tag else {}),
        **({"model-index": index} if index else {}),
    }
    size = sum(parameter.numel() for parameter in trained.model.parameters())
    parts = [
        front_matter(metadata),
        f"# {run.resolve().name}\n\nA {job.options.called} with {size:,} weights, trained by bptt "
        f"{config.get('bptt', '')}; cells: {names_of(tuple(dict.fromkeys(cells))) or 'none'}.",
        f'```python\nimport bptt\n\nmodel = bptt.load("{run.resolve().name}")\nprint(model)\n```',
        "## Data\n\n"
        + ("\n".join(f"- {name}" for name in _data(config)) or "The run does not name its data."),
        f"## Results\n\nOn held-out data, one evaluation a line; seed {seeds}, one training. "
        f"The weights are those of the best {criterion}.\n\n{_table(held_out)}",
        f"## Equations\n\n```text\n{equations_text(cells) or 'no recurrent layer'}\n```",
        "## Limits\n\nOne training with one seed: other seeds give other results. The results hold for data "
        "like those above; nobody has measured this model on others, nor looked for bias in its data. Its "
        "options are in `config.json`.",
    ]
    return "\n\n".join(parts) + "\n"


def _data(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the data as the run recorded them, without folders."""
    # Folders are those of the machine that trained.
    return [Path(name).name for name in config.get("source", {}).get("names", ())]


def _table(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the metrics of all evaluations as a table."""
    if not records:
        return "Nothing was held out."
    metrics = list(metrics_of(records[-1]))
    lines = ["| epoch | " + " | ".join(metrics) + " |", "|---" * (1 + len(metrics)) + "|"]
    for record in records:
        values = (record.get(name, "") for name in metrics)
        cells = (f"{each:.4g}" if isinstance(each, float) else str(each) for each in values)
        lines.append(f"| {record['epoch']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


TARGET = Target("hub", _of_run)
