"""The options of the commands that look into a trained model: inspect and look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bptt.jobs.commands import DEVICE, RUN
from bptt.jobs.options import TextFiles
from bptt.languages.available import BY_ENVIRONMENT, Language
from bptt.options.field import argument, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True, kw_only=True)
class InspectOptions(TextFiles):
    """The options of `bptt inspect`: the examples to inspect, and the files to write."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    text: str | None = option(
        None,
        "Text, or a file of it, each line an example.",
        usual="the held-out text of a language model",
        common=True,
    )
    data: Path | None = option(None, "Labelled examples, in the format that was learned.", common=True)
    target: Path | None = option(None, "Target file of `data`: its line n is the target of example n.")
    output: Path | None = option(
        None,
        "Page to write.",
        usual="report.html in the run folder, if that is yours",
        flags="output o",
        common=True,
    )
    figures: Path | None = option(None, "Folder for all pictures, each as PNG and SVG.", common=True)
    json: bool = option(
        False, "Print the first example and the verdict as a JSON object (docs/json.md).", common=True
    )
    lang: Language | None = option(None, "Language of the verdict and of the page.", usual=BY_ENVIRONMENT)
    number: int = option(0, "The first example, or token of a text that is read as one; from 0.")
    examples: int = option(10, "Number of examples, or of stretches of a text.", least=1)
    limit: int = option(200, "Largest number of steps of each.", least=1)
    lags: int = option(100, "Steps that the gradient is followed back.")
    losses: int = option(
        200,
        "Largest number of losses of each example that are followed back, evenly spaced.",
    )
    property: tuple[str, ...] = option(
        (), "Property that units may follow: a name or a regular expression; may be repeated."
    )


@dataclass(frozen=True, kw_only=True)
class LookOptions(TextFiles):
    """The options of `bptt look`: the text, the unit that is shown over it, and how."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    text: str | None = argument(
        "Text, in quotes, or a file of one, or - for standard input. Not with `word`.", default=None
    )
    unit: int | None = option(
        None,
        "Unit, from 0 as in `bptt inspect`.",
        usual="the one that follows the property, or whose state moves most",
        common=True,
    )
    property: str | None = option(
        None,
        "Property that the unit is to follow: a name or a regular expression. It is looked for in the "
        "held-out text of a language model, else in the text.",
        common=True,
    )
    layer: int | None = option(
        None, "Layer, from 1.", usual="the last, or that of the unit that follows the property", common=True
    )
    reverse: bool = option(False, "Take the backward direction of the layer.")
    part: str | None = option(None, "Part of the model: encoder or decoder.", usual="the last")
    number: int = option(0, "Example of a file, or its line for a language model; from 0.", least=0)
    limit: int = option(1000, "Largest number of steps.", least=1)
    top: int = option(3, "Number of likeliest answers at each step.", least=1, common=True)
    notation: Literal["cell", "texts"] = option(
        "cell",
        "Names of gates and states: those of the cell, or those of the texts (Γ_u, c̃, c).",
        common=True,
    )
    figures: Path | None = option(None, "Folder for a picture of the table, as PNG and SVG.", common=True)
    lang: Language | None = option(None, "Language of column names and notes.", usual=BY_ENVIRONMENT)
    word: str | None = option(
        None,
        "Show how a language model reads a word: its number, its one-hot vector, its embedding.",
        common=True,
    )


INSPECT = OptionSet({"": InspectOptions})
LOOK = OptionSet({"": LookOptions})
