"""The metadata of a model card, YAML between two lines, checked here: the hub checks at the upload alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bptt.errors import InternalError
from bptt.exporting.model_index import is_model_index

# Results; the one key whose value is neither text nor a list of texts.
_INDEX = "model-index"
# The other keys that are used here, with the type of their values; https://huggingface.co/docs/hub/model-cards.
_KEYS = {"library_name": str, "pipeline_tag": str, "tags": list, "license": str, "language": list}


def front_matter(metadata: Mapping[str, object]) -> str:
    """Return the metadata as YAML, of which JSON is a part. Raises InternalError for what the hub refuses."""
    check_metadata(metadata)
    lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in metadata.items())
    return "\n".join(["---", *lines, "---"])


def check_metadata(metadata: Mapping[str, object]) -> None:
    """Raise InternalError for an unknown key, or a value that the hub does not take."""
    for key, value in metadata.items():
        if key == _INDEX:
            if not is_model_index(value):
                rule = f"{key} needs task type, dataset type and name, and the type and value of each metric"
                raise InternalError("model card", rule, repr(value))
            continue
        kind = _KEYS.get(key)
        texts = value if isinstance(value, list) else [value]
        if kind is None or not isinstance(value, kind) or not all(isinstance(t, str) and t for t in texts):
            raise InternalError("model card", f"{key} is a key of a card, with text in it", repr(value))


def read_front_matter(card: str) -> dict[str, object]:
    """Return the metadata of a card. Raises InternalError for what the hub refuses."""
    _, head, _ = card.split("---\n", 2)
    pairs = (line.partition(": ") for line in head.splitlines())
    found = {key: json.loads(value) for key, _, value in pairs}
    check_metadata(found)
    return found
