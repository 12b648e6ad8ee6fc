"""The names of the formats, for options that import nothing heavy."""

from __future__ import annotations

from typing import Literal

TargetName = Literal["onnx", "torch", "hub", "html"]
