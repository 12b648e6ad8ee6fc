"""Run the models of this folder: `python run.py --help`. It needs numpy and onnxruntime, nothing else."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import onnxruntime

from bptt.exporting.beside.exported_text import END, NOTHING, ExportedVocabulary

Array = Any


class ExportedModel:
    """The models of a folder, by the names of their files without ending, and what belongs to them."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        self._threads = threads
        self._sessions: dict[str, Any] = {}

    def run(self, name: str, **inputs: Array) -> dict[str, Array]:
        """Return the outputs of a model by name. The operators of onnxruntime end the process of a batch of 0
        rows, so such a batch is refused here.
        """
        if name not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            path = str(self.folder / f"{name}.onnx")
            self._sessions[name] = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        session = self._sessions[name]
        if any(0 in array.shape for array in inputs.values()):
            raise ValueError(f"{name}: a batch has at least one row and one step")
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, inputs), strict=True))

    def vocabulary(self, file: str = "tokenizer.json", key: str = "vocabulary") -> ExportedVocabulary:
        """Return a vocabulary of this folder."""
        return ExportedVocabulary(self.folder / file, self.settings[key])


class ExportedLanguageModel:
    """Samples, and the probability of sentences."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.vocabulary, self.settings = model, model.vocabulary(), model.settings

    def sample(
        self,
        prompt: str = "",
        length: int = 300,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        **other: Any,
    ) -> str:
        """Return a prompt with `length` more tokens; temperature 0 takes the most probable one."""
        if self.vocabulary.level not in ("character", "jieba"):
            prompt = prompt.removesuffix(" ")
        read = self.vocabulary.encode(prompt)
        chance, drawn = numpy.random.default_rng(seed), list[int]()
        states = {name: numpy.array(value, "f4") for name, value in self.settings["start"].items()}
        tokens = [NOTHING, *read]
        for _ in range(length):
            given = numpy.array(tokens, "i8")[:, None]
            found = self.model.run("model", tokens=given, **states)
            states = {name: found[f"final_{name}"] for name in states}
            token = _draw(found["logits"][-1, 0].astype(float), temperature, top_k, top_p, chance)
            if token == END and not self.settings["goes_on"]:
                break
            drawn.append(token)
            tokens = [token]
        begun = self.vocabulary.spell(read)
        return begun + self.vocabulary.spell(drawn, not begun or begun.endswith("\n"))

    def score(self, text: str, **other: Any) -> float:
        """Return the natural logarithm of the probability of a line, its end included."""
        tokens = self.vocabulary.encode(text)
        if not tokens:
            # A model takes at least one step; with length 0 it is not read.
            return -float(self.model.run("score", x=numpy.array([[END]]), x_lens=numpy.array([0]))["nll"][0])
        found = self.model.run("score", x=numpy.array([tokens]), x_lens=numpy.array([len(tokens)]))
        return -float(found["nll"][0])


def _draw(logits: Array, temperature: float, top_k: int, top_p: float, chance: Any) -> int:
    """Draw a token: of the `top_k` most probable ones (0: of all), whose sum reaches `top_p`."""
    if temperature == 0:
        return int(logits.argmax())
    order = (-logits).argsort(kind="stable")[: top_k or None]
    shares = numpy.exp((logits[order] - logits[order[0]]) / temperature)
    shares /= shares.sum()
    kept = shares.cumsum() - shares < top_p
    return int(order[kept][numpy.searchsorted(shares[kept].cumsum(), chance.random() * shares[kept].sum())])


# Each job with the class that answers, and the methods of it that are verbs of the command line.
JOBS: dict[str, tuple[Callable[[ExportedModel], Any], tuple[str, ...]]] = {
    "lm": (ExportedLanguageModel, ("sample", "score")),
}


def load(folder: str | Path) -> Any:
    """Return the model of a folder, ready to answer."""
    model = ExportedModel(Path(folder))
    return JOBS[model.settings["job"]][0](model)


def _lines(given: list[str]) -> Iterator[str]:
    """Yield the texts that were given, the lines of standard input for `-`."""
    for each in given:
        yield from (line.removesuffix("\n") for line in sys.stdin) if each == "-" else (each,)


def main() -> None:
    """Answer each text that is given, a line for each."""
    here = Path(__file__).parent
    model = load(here)
    _, verbs = JOBS[model.settings["job"]]
    parser = argparse.ArgumentParser(description=f"A model written by bptt: {model.settings['title']}")
    parser.add_argument("verb", choices=verbs)
    parser.add_argument("texts", nargs="*", help="texts; - for the lines of standard input")
    for name, kind, usual in (("length", int, 300), ("temperature", float, 1.0), ("top-k", int, 0)):
        parser.add_argument(f"--{name}", type=kind, default=usual)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    said = vars(parser.parse_args())
    verb, texts = said.pop("verb"), said.pop("texts")
    for text in _lines(texts or ([""] if verb == "sample" else ["-"])):
        sys.stdout.write(f"{getattr(model, verb)(text, **said)}\n")


if __name__ == "__main__":
    main()
