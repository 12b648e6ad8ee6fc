"""Title and unit of runs of version 0.1.0, whose config.json has neither."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# By job: the name of a model, and the unit over which losses are averaged.
JOBS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"classify": ("classifier", "example"), "tag": ("tagger", "word"), "translate": ("translator", "token")}
)
# The same unit for a language model, by the level of its vocabulary.
LEVELS: Mapping[str, str] = MappingProxyType(
    {"character": "character", "word": "word", "bpe": "token", "whitespace": "word", "jieba": "word"}
)


def older_names(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title of a model and the unit of its losses, from the config.json of an older run.

    Raises KeyError or TypeError if the configuration is not one of version 0.1.0.
    """
    if config["task"] in JOBS:
        return JOBS[config["task"]]
    return "language model", LEVELS[config["vocabulary"]["level"]]
