"""The results of a run as the `model-index` of a model card, for the best evaluation on held-out data.

Format: https://github.com/huggingface/hub-docs/blob/main/modelcard.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Identifiers in the hub's list of metrics, where they differ from ours.
_TYPES = {"macro_f1": "f1", "micro_f1": "f1", "r2": "r_squared"}
# Results of a constant prediction, beside those of the model.
_BASELINE = "baseline_"
# The hub's identifiers of a task that it does not list, and of data that have no name.
OTHER, UNKNOWN = "other", "unknown"


def model_index(
    name: str, task: tuple[str, str], data: str, seeds: str, record: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the index of a model: the metrics of one evaluation, without counts and numbers not finite.

    `task` is the hub's identifier of the task, and its name; `data` names the data, and is "" if nothing
    does. They are held-out data that chose the weights, so their split is "validation". There is no index,
    [], if the record has no metric.
    """
    metrics = [
        {"type": _TYPES.get(key, key), "value": value, "name": f"{key}, seed {seeds}"}
        for key, value in record.items()
        # Counts are whole numbers; metrics are not, nor is 1.0 in a record.
        if isinstance(value, float) and math.isfinite(value) and not key.startswith(_BASELINE)
    ]
    result = {
        "task": {"type": task[0] or OTHER, "name": task[1]},
        "dataset": {"type": data or UNKNOWN, "name": data or UNKNOWN, "split": "validation"},
        "metrics": metrics,
    }
    return [{"name": name, "results": [result]}] if metrics else []


def is_model_index(value: object) -> bool:
    """Return whether the hub takes a value as the results of a model."""
    try:
        return _is_complete(value)
    except (KeyError, TypeError):
        return False


def _is_complete(models: Any) -> bool:
    """Return whether no required text or number is empty. Raises KeyError or TypeError if one is missing."""
    results = [result for model in models for result in model["results"]]
    metrics = [metric for result in results for metric in result["metrics"]]
    texts = [
        *(model["name"] for model in models),
        *(result["task"]["type"] for result in results),
        *(result["dataset"][key] for result in results for key in ("type", "name")),
        *(metric["type"] for metric in metrics),
    ]
    numbers = [metric["value"] for metric in metrics]
    return (
        bool(numbers)
        and all(isinstance(text, str) and text for text in texts)
        and all(isinstance(number, float) and math.isfinite(number) for number in numbers)
    )
