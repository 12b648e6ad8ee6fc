"""The graphs of a folder, and its inputs as the arrays that they take."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy
import onnxruntime

from bptt.exporting.beside.exported_text import NOTHING, UNKNOWN, ExportedVocabulary

Array = Any


class ExportedModel:
    """The graphs of a folder, by the names of their files without ending, and the files beside them."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = json.loads(self.text("export.json"))
        self._threads = threads
        self._sessions: dict[str, Any] = {}

    def run(self, name: str, **inputs: Array) -> dict[str, Array]:
        """Return the outputs of a graph by name. The operators of onnxruntime end the process of a batch of 0
        rows, so such a batch is refused here.
        """
        session = self._session(name)
        if any(0 in array.shape for array in inputs.values()):
            raise ValueError(f"{name}: a batch has at least one row and one step")
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, inputs), strict=True))

    def inputs(self, name: str) -> set[str]:
        """Return the names of the inputs of a graph."""
        return {each.name for each in self._session(name).get_inputs()}

    def _session(self, name: str) -> Any:
        if name not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            path = str(self.folder / f"{name}.onnx")
            self._sessions[name] = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        return self._sessions[name]

    def text(self, file: str) -> str:
        """Return the content of a file of this folder."""
        return (self.folder / file).read_text(encoding="utf-8")

    def vocabulary(self, file: str = "tokenizer.json", key: str = "vocabulary") -> ExportedVocabulary:
        """Return a vocabulary of this folder."""
        return ExportedVocabulary(self.folder / file, self.settings[key])

    def read(self, given: str) -> dict[str, Array]:
        """Return an input as a batch of one row: a text, letters of DNA, words between white space, or
        numbers (T, D), as a file .npy or in JSON.
        """
        kind, limit = self.settings["reads"], self.settings["max_length"] or None
        if kind == "words":
            return self._words(given.split()[:limit])
        if kind == "series":
            values = numpy.load(given) if given.endswith(".npy") else numpy.array(json.loads(given), "f4")
            values = values.astype("f4").reshape(-1, values.shape[-1])[:limit]
            return {"series": values[:, None], "lengths": numpy.array([len(values)])}
        if kind == "letters":
            alphabet = self.settings["alphabet"]
            return _batch("letters", [alphabet.index(letter) for letter in given.upper()][:limit])
        return _batch("tokens", self.vocabulary().encode(given)[:limit])

    def _words(self, words: list[str]) -> dict[str, Array]:
        said = self.settings
        read = [unicodedata.normalize("NFKC", word) if said["normalise"] else word for word in words]
        known = {word: n for n, word in enumerate(json.loads(self.text("words.json")))}
        numbers = [known.get(word.lower() if said["lowercase"] else word, UNKNOWN) for word in read]
        if (self.folder / "vector_words.json").exists():
            others = {word: n for n, word in enumerate(json.loads(self.text("vector_words.json")))}
            forms = [word.lower() if said["lowercase"] else word for word in read]
            numbers = [
                len(known) + others[form] if not n and others.get(form) else n
                for n, form in zip(numbers, forms, strict=True)
            ]
        if not said["spelled"]:
            return _batch("tokens", numbers)
        letters = {letter: n for n, letter in enumerate(json.loads(self.text("characters.json")))}
        width = max(map(len, read), default=1)
        spelled = numpy.full((max(1, len(read)), 1, width), NOTHING, "i8")
        for row, word in zip(spelled, read, strict=False):
            row[0, : len(word)] = [letters.get(letter, UNKNOWN) for letter in word]
        return {**_batch("words", numbers), "characters": spelled}


def _batch(name: str, numbers: list[int]) -> dict[str, Array]:
    """Return whole numbers as a batch of one row, with a step of nothing if there are none."""
    return {
        name: numpy.array(numbers or [NOTHING], "i8")[:, None],
        "lengths": numpy.array([len(numbers)], "i8"),
    }
