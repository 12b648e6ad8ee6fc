"""The title and unit of runs whose config.json has neither: those of version 0.1.0."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# By job: what the model is called, and what its losses are per.
JOBS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"classify": ("classifier", "example"), "tag": ("tagger", "word"), "translate": ("translator", "token")}
)
# By the level of a language model's vocabulary, what its losses are per.
LEVELS: Mapping[str, str] = MappingProxyType(
    {"character": "character", "word": "word", "bpe": "token", "whitespace": "word"}
)


def older_names(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title of a model and the unit of its losses, from the config.json of an older run.

    Raises KeyError or TypeError if the configuration is none of a job of version 0.1.0.
    """
    if config["task"] in JOBS:
        return JOBS[config["task"]]
    return "language model", LEVELS[config["vocabulary"]["level"]]
