"""The options of an export, shared by `bptt export` and `bptt.export`."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from bptt.errors import InputError
from bptt.exporting.target_names import TargetName
from bptt.graphs.operator_sets import DEFAULT_OPSET, OLDEST_OPSET
from bptt.languages.available import BY_ENVIRONMENT, Language
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True)
class ExportFiles:
    """The run to export, and the folder to write."""

    run: Path = argument("Run folder written by `bptt train`.")
    output: Path = option(MISSING, "New folder to write; of html the file.", flags="output o", common=True)


@dataclass(frozen=True)
class ExportOptions:
    """The format, and the choices that some formats have. Raises InputError naming an option out of range."""

    to: TargetName = option("onnx", "Format to write.", common=True)
    opset: int = option(DEFAULT_OPSET, "Operator set of ONNX.", least=OLDEST_OPSET, common=True)
    check: bool = option(
        False, "Run both models on the same inputs, and print the largest difference.", common=True
    )

    int8: bool = option(
        False,
        "Store the weights of LSTMs and matrix products in 8 bits, and print what that changes (onnx).",
        common=True,
    )

    lang: Language | None = option(None, "Language of the page (html).", usual=BY_ENVIRONMENT, common=True)

    def __post_init__(self) -> None:
        check_fields(self)

    def refuse_others(self, target: str, *taken: str) -> None:
        """Raise InputError if an option was chosen that a target does not take."""
        for each in fields(self):
            if each.name not in ("to", *taken) and getattr(self, each.name) != each.default:
                raise InputError(each.name, f"is no option of the format {target}", cure="Leave it out")


EXPORT = OptionSet({"files": ExportFiles, "export": ExportOptions})
