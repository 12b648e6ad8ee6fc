"""The options of a derivation, of a cell or of a trained model's layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bptt.errors import InputError
from bptt.explain.diagrams.diagram_names import DiagramName
from bptt.explain.document import Stage
from bptt.explain.network_options import NetworkOptions
from bptt.explain.notation_of_texts import NamesFrom
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.unrolled.options import UnrollOptions
from bptt.languages.available import BY_ENVIRONMENT, Language
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True)
class DeriveOptions:
    """The cell or run to derive, the sections to show, and the notation.

    Raises InputError for two notations at once.
    """

    cell: str = argument("Cells of `bptt cells` or mycell.py:MyCell, as lstm,gru; crf; ctc; or a run folder.")
    stage: Stage | None = option(None, "One section alone.")
    numbers: bool = option(
        False, "Show numbers: of a step of a run; of a small network, of a cell or, with `steps`, of a run."
    )
    latex: bool = option(False, "Write LaTeX for a document with amsmath.")
    html: bool = option(False, "Write one self-contained page; for a run folder with kernel and numbers.")
    draw: DiagramName | None = option(None, "One diagram alone, of the cell or of an architecture.")
    figures: Path | None = option(None, "Folder for all diagrams, an SVG file each.")
    output: Path | None = option(None, "File to write instead of printing.", flags="output o")
    notation: NamesFrom = option(NamesFrom.CELL, "Names of a cell: its own, or those of the texts (Γ_u, c̃).")
    lang: Language | None = option(None, "Language of the text.", usual=BY_ENVIRONMENT)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.latex and self.html:
            raise InputError("bptt derive", "one of `latex` and `html`")

    @property
    def draws_all(self) -> bool:
        """Whether all diagrams are part of the document."""
        wanted = self.html or self.figures is not None
        return self.stage is Stage.DIAGRAMS or (self.stage is None and wanted)

    @property
    def asks_for_figures_alone(self) -> bool:
        """Whether files of figures are all that is asked for."""
        return self.stage is None and self.output is None and not (self.latex or self.html)


@dataclass(frozen=True)
class LayerOptions:
    """The layer of a trained model to derive, and the step that is shown in numbers.

    Steps, layers and units count from 1. Raises InputError for two examples at once.
    """

    text: str | None = option(None, "Text for a run folder, or a file of it.", usual="the held-out text")
    data: Path | None = option(None, "File in the format that a run learned; its first example is used.")
    step: int | None = option(None, "Step of the text.", usual="one with a typical loss")
    layer: int = option(1, "Layer of the model, from 1.")
    reverse: bool = option(False, "Take the layer's backward direction.")
    part: str | None = option(None, "Part of the model: encoder or decoder.")
    unit: int | None = option(None, "Unit whose numbers are shown.", usual="the one with the largest δ")

    def __post_init__(self) -> None:
        check_fields(self)
        if self.text is not None and self.data is not None:
            raise InputError("bptt derive", "one of `text` and `data`")

    @property
    def of_a_step(self) -> bool:
        """Whether something is asked that only the numbers of a step have."""
        return any(each is not None for each in (self.text, self.data, self.step, self.unit))


DERIVE = OptionSet(
    {
        "": DeriveOptions,
        "layer": LayerOptions,
        "network": NetworkOptions,
        "unrolled": UnrollOptions,
        "numbers": NumbersOptions,
    }
)
