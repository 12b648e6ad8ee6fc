"""Run the model of this folder: `python run.py --help`. It needs numpy and onnxruntime, nothing else."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bptt.exporting.beside.exported_answers import (
    ExportedClassifier,
    ExportedLanguageModel,
    ExportedMusicModel,
    ExportedRegressor,
    ExportedTagger,
    ExportedTranscriber,
    ExportedTranslator,
)
from bptt.exporting.beside.exported_model import ExportedModel

# Each job with the class that answers, and the methods of it that are verbs of the command line.
JOBS: dict[str, tuple[Callable[[ExportedModel], Any], tuple[str, ...]]] = {
    "lm": (ExportedLanguageModel, ("sample", "score")),
    "classify": (ExportedClassifier, ("predict",)),
    "music": (ExportedMusicModel, ("sample",)),
    "tag": (ExportedTagger, ("tag",)),
    "mark": (ExportedTagger, ("tag",)),
    "translate": (ExportedTranslator, ("predict",)),
    "regress": (ExportedRegressor, ("predict",)),
    "forecast": (ExportedRegressor, ("predict",)),
    "transcribe": (ExportedTranscriber, ("transcribe",)),
}


def load(folder: str | Path) -> Any:
    """Return the model of a folder, ready to answer."""
    model = ExportedModel(Path(folder))
    return JOBS[model.settings["job"]][0](model)


def _inputs(given: list[str]) -> Iterator[str]:
    """Yield the inputs that were given, the lines of standard input for `-`."""
    for each in given:
        yield from (line.removesuffix("\n") for line in sys.stdin) if each == "-" else (each,)


def main() -> None:
    """Answer each input that is given."""
    model = load(Path(__file__).parent)
    settings = model.model.settings
    _, verbs = JOBS[settings["job"]]
    parser = argparse.ArgumentParser(description=f"A {settings['title']}, exported by bptt")
    parser.add_argument("verb", choices=verbs)
    parser.add_argument("inputs", nargs="*", help="texts, or as the model reads; - for standard input")
    for name, kind, usual in (
        ("length", int, 300),
        ("temperature", float, 1.0),
        ("top-k", int, 0),
        ("beam", int, 5),
    ):
        parser.add_argument(f"--{name}", type=kind, default=usual)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    said = vars(parser.parse_args())
    verb, inputs = said.pop("verb"), said.pop("inputs")
    for each in _inputs(inputs or ([""] if verb == "sample" else ["-"])):
        sys.stdout.write(f"{getattr(model, verb)(each, **said)}\n")


if __name__ == "__main__":
    main()
