"""The engine of a live page, run as a script on what the page holds."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bptt.live
from bptt.jobs.language.model import Trained
from bptt.live.live_model import cells_text, language_data

FILES = Path(bptt.live.__file__).parent / "page_parts"
ENGINE = "".join((FILES / f"{name}.js").read_text() for name in ("vocabulary", "language", "numbers"))
KINDS = {"u8": "<u1", "u16": "<u2", "i32": "<i4", "f32": "<f4", "f64": "<f8"}


def opened(letters: str) -> Any:
    """Read a payload as the page does, with plain lists in the place of arrays."""
    raw = zlib.decompress(base64.b64decode(letters))
    length = int.from_bytes(raw[:4], "little")
    arrays = raw[4 + length :]

    def plain(value: Any) -> Any:
        if isinstance(value, dict) and value.get("array") in KINDS:
            kind = np.dtype(KINDS[value["array"]])
            return np.frombuffer(arrays, kind, value["length"], value["at"]).tolist()
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return plain(json.loads(raw[4 : 4 + length]))


def script(trained: Trained, body: str) -> str:
    """Return a body that has `model`, the language model of the page."""
    page = json.dumps(opened(language_data(trained, "a model", "a text")))
    cells = cells_text(trained.model.recurrent)
    return f"const CELLS = {cells};\n{ENGINE}\nconst model = new LanguageModel({page});\n{body}"


@torch.no_grad()
def in_halves(trained: Trained) -> Trained:
    """Return the model with weights that float16 has."""
    for parameter in trained.model.parameters():
        parameter.copy_(parameter.half())
    return trained
