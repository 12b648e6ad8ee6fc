"""`bptt export`: a trained model in the format of another program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptt.cli.commands import make_command
from bptt.exporting.options import EXPORT, ExportOptions

if TYPE_CHECKING:
    from bptt.options.choices import Choices

TITLE = "Export a trained model for another program: ONNX, or a page for a browser."
_ABOUT = (
    "onnx: graphs that onnxruntime runs, the vocabulary, and run.py, which samples, predicts or tags with "
    "numpy and onnxruntime alone. torch: recurrent layers as torch.nn or as plain source. hub: a folder with "
    "a model card. html: a page in which a model of text, DNA or series runs, without a server or a network."
)


def command() -> Any:
    """Return the command."""
    return make_command("export", EXPORT, _export, TITLE, _ABOUT)


def _export(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    prepare()
    from dataclasses import asdict

    from bptt.exporting.export import export

    found = export(choices.get("run"), choices.get("output"), **asdict(choices.make(ExportOptions)))
    for path in found.files:
        print(f"{path}\t{path.stat().st_size:,} bytes")
    for name, value in found.measured.items():
        print(f"{name}\t{value:.4g}")
