"""The models of the page computed again in numpy, in float64, from their files alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Array = NDArray[np.float64]


def weights(run: Path) -> dict[str, Array]:
    """The weights of a run, by name."""
    return {name: value.astype(float) for name, value in load_file(run / "model.safetensors").items()}


def vocabulary(run: Path) -> list[str]:
    """The tokens of a language model, by number."""
    numbers = json.loads((run / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return [token.strip() for token in sorted(numbers, key=numbers.get)]


def softmax(logits: Array) -> Array:
    """exp(z) / Σ exp(z) over the last axis."""
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(u: Array) -> Array:
    """The logistic function."""
    return 1 / (1 + np.exp(-u))


class Words:
    """The language model `words`: a GRU as published (Cho et al. 2014, eq. 5-8) under a softmax."""

    def __init__(self, folder: Path) -> None:
        self.tokens = vocabulary(folder / "words")
        w = weights(folder / "words")
        self.embedding, self.v, self.c = w["embedding"], w["output.weight"], w["output.bias"]
        self.w = np.split(w["recurrent.W_l0"], 3)
        self.r = np.split(w["recurrent.R_l0"], 3)
        self.b = np.split(w["recurrent.b_l0"], 3)

    def step(self, x: Array, h: Array) -> tuple[Array, dict[str, Array]]:
        """The state after an input, and the gates on the way: r, z, n."""
        (wr, wz, wn), (rr, rz, rn), (br, bz, bn) = self.w, self.r, self.b
        r, z = sigmoid(wr @ x + rr @ h + br), sigmoid(wz @ x + rz @ h + bz)
        n = np.tanh(wn @ x + rn @ (r * h) + bn)
        return z * h + (1 - z) * n, {"r": r, "z": z, "n": n}

    def read(self, words: list[str]) -> tuple[list[Array], list[dict[str, Array]]]:
        """P of every token at each step, the first before any word, and the gates and state of each step.

        The first input is a vector of zeros, as the texts have it.
        """
        h, x = np.zeros(len(self.r[0])), np.zeros(self.embedding.shape[1])
        seen, gates = [], []
        for word in [*words, ""]:
            h, inside = self.step(x, h)
            seen.append(softmax(self.v @ h + self.c))
            gates.append({**inside, "h": h})
            if word:
                x = self.embedding[self.tokens.index(word)]
        return seen, gates

    def log_probabilities(self, words: list[str]) -> list[float]:
        """ln P of each word given those before it, and of the end of the sentence."""
        seen, _ = self.read(words)
        ends = [*(self.tokens.index(word) for word in words), self.tokens.index("<eos>")]
        return [float(np.log(p[k])) for p, k in zip(seen, ends, strict=True)]
