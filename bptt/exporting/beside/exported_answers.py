"""Answers of an exported model: a class for each job."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from itertools import islice, pairwise, takewhile
from math import log
from typing import Any

import numpy

from bptt.exporting.beside.exported_model import Array, ExportedModel
from bptt.exporting.beside.exported_text import END, NOTHING, split_into_words


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
        tokens = drawn_tokens(self.model, read, temperature, top_k, top_p, seed)
        # One that was learned from a whole text, not line by line, goes on after the end of a line.
        going = tokens if self.settings["goes_on"] else takewhile(END.__ne__, tokens)
        drawn = list(islice(going, length))
        begun = self.vocabulary.spell(read)
        return begun + self.vocabulary.spell(drawn, not begun or begun.endswith("\n"))

    def score(self, text: str, **other: Any) -> float:
        """Return the natural logarithm of the probability of a line, its end included."""
        # A model takes at least one step; with length 0 it is not read.
        tokens = self.vocabulary.encode(text)
        given = numpy.array([tokens or [END]], "i8")
        return -float(self.model.run("score", x=given, x_lens=numpy.array([len(tokens)]))["nll"][0])


def drawn_tokens(
    model: ExportedModel, read: list[int], temperature: float, top_k: int, top_p: float, seed: int
) -> Iterator[int]:
    """Yield the tokens that a model draws after those that it has read, without an end."""
    chance, tokens = numpy.random.default_rng(seed), [NOTHING, *read]
    states = {name: numpy.array(value, "f4") for name, value in model.settings["start"].items()}
    while True:
        found = model.run("model", tokens=numpy.array(tokens, "i8")[:, None], **states)
        states = {name: found[f"final_{name}"] for name in states}
        tokens = [draw_token(found["logits"][-1, 0].astype(float), temperature, top_k, top_p, chance)]
        yield tokens[0]


def draw_token(logits: Array, temperature: float, top_k: int, top_p: float, chance: Any) -> int:
    """Draw a token: of the `top_k` most probable ones (0: of all), whose sum reaches `top_p`."""
    if temperature == 0:
        return int(logits.argmax())
    order = (-logits).argsort(kind="stable")[: top_k or None]
    shares = numpy.exp((logits[order] - logits[order[0]]) / temperature)
    shares /= shares.sum()
    kept = shares[shares.cumsum() - shares < top_p]
    return int(order[numpy.searchsorted(kept.cumsum(), chance.random() * kept.sum())])


class ExportedClassifier:
    """The label of an input, or its labels, and the probabilities of all."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.settings = model, model.settings
        self._ngrams = json.loads(model.text("ngrams.json")) if self.settings["ngrams"] else None

    def predict(self, given: str, **other: Any) -> str:
        """Return the label and its probability, separated by a tab; of several labels those of ½ or more."""
        found, labels = self.probabilities(given), self.settings["labels"]
        if self.settings["several"]:
            chosen = found >= 0.5
            exactly = numpy.where(chosen, found, 1 - found).prod()
            return f"{';'.join(numpy.array(labels)[chosen])}\t{exactly:.4f}"
        offsets = self.settings["offsets"]
        best = int((found if offsets is None else numpy.log(found) + offsets).argmax())
        return f"{labels[best]}\t{found[best]:.4f}"

    def probabilities(self, given: str) -> Array:
        """Return the probability of each label."""
        found = self._of_one_strand(given)
        if not self.settings["both_strands"]:
            return found
        other = given.upper()[::-1].translate(str.maketrans("ACGTRYKMBVDH", "TGCAYRMKVBHD"))
        return (found + self._of_one_strand(other)) / 2

    def _of_one_strand(self, given: str) -> Array:
        inputs = self.model.read(given)
        if self._ngrams is not None:
            numbers, values = self._bag(given)
            inputs |= {"ngrams": numpy.array([numbers], "i8"), "ngram_values": numpy.array([values], "f4")}
        found: Array = self.model.run("model", **inputs)["probabilities"][0]
        return found

    def _bag(self, given: str) -> tuple[list[int], list[float]]:
        assert self._ngrams is not None
        cut = text_ngrams if self.settings["ngrams"] == "text" else self._kmers
        if self.settings["ngrams"] == "text" and self.settings["vocabulary"]["normalise"]:
            given = unicodedata.normalize("NFKC", given)
        numbers, values, first = [0], [0.0], 0
        for grams, group in zip(cut(given), self._ngrams["groups"], strict=True):
            places = {gram: first + n for n, gram in enumerate(group)}
            counts = {gram: grams.count(gram) for gram in dict.fromkeys(grams) if gram in group}
            weights = [(1 + log(count)) * group[gram] for gram, count in counts.items()]
            norm = sum(weight * weight for weight in weights) ** 0.5
            numbers += [places[gram] for gram in counts]
            values += [weight / norm for weight in weights]
            first += len(group)
        return numbers, values

    def _kmers(self, letters: str) -> list[list[str]]:
        letters = letters.upper()
        placed = self._ngrams is not None and self._ngrams["placed"]
        return [[f"{at + 1}:{gram}" if placed else gram for at, gram in _slices(letters, 1, 3)]]


def text_ngrams(text: str) -> list[list[str]]:
    """Return the n-grams of words, n up to 2, and those of the characters of each word, n up to 5."""
    words = [word for piece in split_into_words(text.lower()) if (word := piece.strip())]
    spelled = [gram for word in words if len(word) > 1 for _, gram in _slices(f" {word} ", 2, 5)]
    return [[*words, *map(" ".join, pairwise(words))], spelled]


def _slices(text: str, least: int, most: int) -> list[tuple[int, str]]:
    lengths = range(least, most + 1)
    return [(at, text[at : at + n]) for n in lengths for at in range(len(text) - n + 1)]


class ExportedTagger:
    """A tag for each word; words are separated by white space."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.settings = model, model.settings

    def tag(self, given: str, **other: Any) -> str:
        """Return the words of a sentence with their tags: a line for each, separated by a tab."""
        words = given.split()
        found = self.model.run("model", **self.model.read(given))["tags"][: len(words), 0]
        return "\n".join(f"{word}\t{self.settings['tags'][n]}" for word, n in zip(words, found, strict=True))


class ExportedTranslator:
    """The most probable text for an input."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.settings = model, model.settings
        self.vocabulary = model.vocabulary("target_tokenizer.json", "target_vocabulary")

    def predict(self, given: str, beam: int = 5, **other: Any) -> str:
        """Return the best text that a beam search finds; 1: the most probable token at each step.

        An ended text of N tokens is ranked by ln P · 6 / (5 + N) (Wu et al. 2016, eq. 14).
        """
        inputs = self.model.read(given)
        steps = int(inputs["lengths"][0])
        constant, factor = self.settings["limit"]
        limit, ended = constant + int(factor * steps), list[tuple[float, list[int]]]()
        state = self.model.run("encoder", **inputs)
        state["output"] = numpy.zeros((1, self.settings["output_size"]), "f4")
        rows, sums = [list[int]()], numpy.zeros(1)
        while steps and rows and len(ended) < beam:
            length = len(rows[0]) + 1
            found, state = self._step(state, [row[-1] if row else NOTHING for row in rows])
            if length == limit:
                found = numpy.where(numpy.arange(found.shape[1]) == END, found, -numpy.inf)
            total = sums[:, None] + found
            best = (-total).argsort(axis=None, kind="stable")[: 2 * beam]
            pairs = [divmod(int(place), total.shape[1]) for place in best if total.flat[place] > -numpy.inf]
            for row, token in pairs[:beam]:
                if token == END:
                    ended.append((total[row, token] * 6 / (5 + length), rows[row]))
            going = [(row, token) for row, token in pairs if token != END][:beam]
            top = max(ended, default=(-numpy.inf, []))[0]
            if not going or total[going[0]] * 6 / (5 + limit) <= top:
                break
            sums = numpy.array([total[pair] for pair in going])
            rows = [[*rows[row], token] for row, token in going]
            state = self._rows(state, [row for row, _ in going])
        return self.vocabulary.spell(max(ended, key=lambda each: each[0])[1]) if ended else ""

    def _step(self, state: dict[str, Array], tokens: list[int]) -> tuple[Array, dict[str, Array]]:
        names = self.model.inputs("decoder_step") - {"token"}
        given = {name: state[name] for name in names}
        found = self.model.run("decoder_step", token=numpy.array(tokens, "i8"), **given)
        after = {name: found[f"final_{name}"] for name in (*self.settings["states"], "output")}
        return found["log_probabilities"].astype(float), {**state, **after}

    def _rows(self, state: dict[str, Array], rows: list[int]) -> dict[str, Array]:
        """Return the state of these rows, which states have as their second axis."""
        states = self.settings["states"]
        return {name: each[:, rows] if name in states else each[rows] for name, each in state.items()}


class ExportedRegressor:
    """The numbers of an input."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.settings = model, model.settings

    def predict(self, given: str, **other: Any) -> str:
        """Return the number of each target, separated by tabs; a line for each step if there are several."""
        inputs = self.model.read(given)
        found = self.model.run("model", **inputs)["numbers"]
        rows = found[: int(inputs["lengths"][0]), 0] if self.settings["every_step"] else found[:1]
        return "\n".join("\t".join(f"{each:.6g}" for each in row[:, self.settings["point"]]) for row in rows)


class ExportedTranscriber:
    """The text of a recording, whose features are given."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.vocabulary, self.settings = model, model.vocabulary(), model.settings

    def transcribe(self, given: str, **other: Any) -> str:
        """Return the likeliest symbols of features (T, D), a file .npy or in JSON."""
        inputs = self.model.read(given)
        found = self.model.run("model", **inputs)["log_probabilities"][:, 0].argmax(1).tolist()
        changes = [symbol for before, symbol in pairwise([None, *found]) if symbol != before]
        said = [symbol for symbol in changes if symbol != self.settings["blank"]]
        return " ".join(self.vocabulary.spell(said).split())


class ExportedMusicModel:
    """Samples of music, as the names of tokens."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.settings = model, model.settings

    def sample(
        self,
        primer: str = "",
        length: int = 300,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        **other: Any,
    ) -> str:
        """Return a primer, names between spaces, with `length` more tokens, or up to the end of a piece."""
        names = self.settings["names"]
        read = list(map(names.index, primer.split()))
        tokens = drawn_tokens(self.model, read, temperature, top_k, top_p, seed)
        drawn = islice(takewhile(END.__ne__, tokens), length)
        return " ".join(names[token] for token in (*read, *drawn))
