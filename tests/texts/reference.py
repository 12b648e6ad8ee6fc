"""The models of the page computed again in numpy, in float64, from their files alone."""

from __future__ import annotations

import csv
import io
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


class Table:
    """The numbers that `bptt derive ... --numbers --csv` prints, as arrays."""

    def __init__(self, printed: str) -> None:
        self.rows = list(csv.DictReader(io.StringIO(printed)))

    def __call__(self, what: str, name: str, layer: str = "", step: str = "") -> Array:
        """The vector or matrix of these columns."""
        wanted = {"what": what, "name": name, "layer": layer, "step": step}
        found = [row for row in self.rows if all(row[key] == value for key, value in wanted.items())]
        assert found, wanted
        if not found[0]["row"]:
            return np.array(float(found[0]["value"]))
        shape = [max(int(row[place] or 1) for row in found) for place in ("row", "column")]
        array = np.zeros(shape)
        for row in found:
            array[int(row["row"]) - 1, int(row["column"] or 1) - 1] = float(row["value"])
        return array if found[0]["column"] else array[:, 0]


class Elman:
    """Back-propagation through time of s = tanh(U x + W s + b) under a softmax, as S1 and S0 have it.

    U, W, V and the biases, inputs and targets are those of a table; everything else is computed here.
    """

    def __init__(self, given: Table, steps: int) -> None:
        self.u, self.w, self.bias = (given("weight", name, "1") for name in ("W_h", "R_h", "b_h"))
        self.v, self.c = given("weight", "V", "output"), given("weight", "b", "output")
        times = [str(t) for t in range(1, steps + 1)]
        self.x = [given("input", "x", "", t) for t in times]
        self.t = [given("target", "t", "output", t) for t in times]
        s = np.zeros(len(self.w))
        self.s, self.net, self.o, self.e = [s], [], [], []
        for x, t in zip(self.x, self.t, strict=True):
            self.net.append(self.u @ x + self.w @ s + self.bias)
            s = np.tanh(self.net[-1])
            self.s.append(s)
            self.o.append(softmax(self.v @ s + self.c))
            self.e.append(float(-t @ np.log(self.o[-1])))

    def delta(self, m: int, k: int) -> Array:
        """∂E_m/∂net_k, steps from 0: a chain of Jacobians W diag(1 - s²), a factor for each step between."""
        chain = (self.v.T @ (self.o[m] - self.t[m])) * (1 - self.s[m + 1] ** 2)
        for i in range(m - 1, k - 1, -1):
            chain = (self.w @ np.diag(1 - self.s[i + 1] ** 2)).T @ chain
        return chain

    def at(self, k: int) -> Array:
        """δ at step k: the sum over the losses from there on."""
        return np.sum([self.delta(m, k) for m in range(k, len(self.x))], 0)
