"""The engine of a live page, run as a script on what the page holds."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import bptt.live
from bptt.jobs.model_page import ModelPage
from bptt.live.live_model import cells_text, encoded

FILES = Path(bptt.live.__file__).parent / "page_parts"
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


def script(page: ModelPage, body: str, exact: bool = False) -> str:
    """Return a body that has `createReading` and `model`, that of the page; if `exact`, in 64 bits."""

    def store(tensor: Tensor) -> Any:
        numbers = tensor if exact else tensor.half()
        return numbers.double().flatten().tolist()

    names = ("layers", "numbers", *page.engine)
    engine = "".join((FILES / f"{name}.js").read_text(encoding="utf-8") for name in names)
    numbers = "Float64Array" if exact else "Float32Array"
    data = json.dumps(encoded(page, store))
    return (
        f"const CELLS = {cells_text(page)};\n{engine}\nconst model = createModel({data}, {numbers});\n{body}"
    )


@torch.no_grad()
def halved(model: nn.Module) -> None:
    """Round the weights of a model to those that float16 has."""
    for parameter in model.parameters():
        parameter.copy_(parameter.half())
