"""Perplexity per word on a text cut as the Penn Treebank is, counted in three ways that share no code.

`prepare TEXT FOLDER` writes train.txt, dev.txt and test.txt: contiguous parts of 80, 10 and 10 %, a sentence
a line with a space before and behind it, lower case, no punctuation, N for numbers, `<unk>` for all but the
5,000 most frequent words of train.txt. `kneser-ney TRAIN TEST` is an interpolated Kneser-Ney trigram.
`recount RUN TEST` computes what `bptt evaluate` and `bptt score` print for an LSTM by torch.nn.LSTM, from the
run's files.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import exp, log
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WORDS = 5_000
BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
_WORD = re.compile(r"n't|'(?:s|d|m|ll|re|ve)(?!\w)|[^\W\d_]+|\d+(?:[.,]\d+)*")

Sentence = tuple[str, ...]


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a book, without what Project Gutenberg has put around it."""
    # The names of the speakers of a play, each on a line of its own.
    text = re.sub(r"(?m)^[^\n:]+:$", "", text)
    book = re.split(r"\*\*\* ?(?:START|END) OF[^*]*\*\*\*", text)
    text = (book[1] if len(book) > 1 else text).split("End of the Project Gutenberg")[0]
    plain = re.sub(r"[’‘]", "'", text.lower())
    for sentence in re.split(r"(?<=[.?!])[\"'”)]*\s+|\n\s*\n", plain):
        found = _WORD.findall(sentence.replace("n't", " n't"))
        words = tuple("N" if word[0].isdigit() else word for word in found)
        if words:
            yield words


def prepare(text: Path, folder: Path) -> None:
    """Write the three parts."""
    found = list(sentences(text.read_text(encoding="utf-8")))
    first, second = len(found) * 8 // 10, len(found) * 9 // 10
    parts = {"train": found[:first], "dev": found[first:second], "test": found[second:]}
    counts = Counter(word for sentence in parts["train"] for word in sentence)
    known = {word for word, _ in counts.most_common(WORDS)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        lines = (" ".join(word if word in known else UNKNOWN for word in sentence) for sentence in part)
        (folder / f"{name}.txt").write_text("".join(f" {line} \n" for line in lines), encoding="utf-8")
        print(f"{name}: {len(part):,} sentences, {sum(map(len, part)):,} words")


def read(path: Path) -> list[Sentence]:
    """The words of each line."""
    return [tuple(line.split()) for line in path.read_text(encoding="utf-8").splitlines()]


class KneserNey:
    """An interpolated trigram (Kneser and Ney 1995; Chen and Goodman 1999), a discount for each order."""

    def __init__(self, training: list[Sentence]) -> None:
        trigrams = Counter(
            gram for each in training for gram in zip(*_shifted((BEGIN, BEGIN, *each, END)), strict=False)
        )
        bigrams: Counter[tuple[str, str]] = Counter()
        for (first, second, third), count in trigrams.items():
            # What begins a sentence has nothing else before it: its occurrences count, not what precedes.
            bigrams[second, third] += count if (first, second) == (BEGIN, BEGIN) else 1
        words = Counter(second for first, second in bigrams if second != BEGIN)
        self._size = len(words)
        grams: list[dict[tuple[str, ...], int]] = [
            {(word,): n for word, n in words.items()},
            {**bigrams},
            {**trigrams},
        ]
        self._grams, self._discounts = grams, [_discount(counts) for counts in grams]
        self._totals: list[defaultdict[tuple[str, ...], int]] = [defaultdict(int) for _ in grams]
        self._kinds: list[defaultdict[tuple[str, ...], int]] = [defaultdict(int) for _ in grams]
        for order, counts in enumerate(grams):
            for gram, count in counts.items():
                self._totals[order][gram[:-1]] += count
                self._kinds[order][gram[:-1]] += 1

    def probability(self, *gram: str) -> float:
        """P of the last word after the others."""
        if not gram:
            return 1 / self._size
        order, context = len(gram) - 1, gram[:-1]
        shorter = self.probability(*gram[1:])
        total = self._totals[order][context]
        if not total:
            return shorter
        discount = self._discounts[order]
        found = max(self._grams[order].get(gram, 0) - discount, 0)
        return (found + discount * self._kinds[order][context] * shorter) / total

    def log_probability(self, sentence: Sentence) -> float:
        """The ln P of a sentence with its end; the first word comes after one beginning only."""
        grams = zip(*_shifted((BEGIN, BEGIN, *sentence, END)), strict=False)
        return sum(log(self.probability(*(g[1:] if g[1] == BEGIN else g))) for g in grams)


def _shifted(words: Sentence) -> tuple[Sentence, ...]:
    return words, words[1:], words[2:]


def _discount(counts: dict[tuple[str, ...], int]) -> float:
    once, twice = (sum(count == n for count in counts.values()) for n in (1, 2))
    return once / (once + 2 * twice)


class Plain(nn.Module):
    """The language model of a run as plain torch: an embedding, torch.nn.LSTM, a matrix."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        weights = load_file(run / "model.safetensors")
        self.embedding, self.bias = weights["embedding"], weights["output_bias"]
        self.output = weights.get("output_weight", self.embedding)
        layers = sum(name.startswith("recurrent.R_l") for name in weights)
        self.lstm = nn.LSTM(self.embedding.shape[1], weights["recurrent.R_l0"].shape[1], layers)
        for layer in range(layers):
            for theirs, ours in (("weight_ih", "W"), ("weight_hh", "R"), ("bias_ih", "b")):
                getattr(self.lstm, f"{theirs}_l{layer}").data = weights[f"recurrent.{ours}_l{layer}"]
            getattr(self.lstm, f"bias_hh_l{layer}").data.zero_()
        vocabulary = json.loads((run / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        self.numbers = {token.strip(): number for token, number in vocabulary.items()}

    def encode(self, sentence: Sentence) -> list[int]:
        """The numbers of the words, and of the end of the line, 1."""
        return [*(self.numbers.get(word, 0) for word in sentence), 1]

    @torch.no_grad()
    def log_probability(self, read: Tensor, targets: Tensor) -> float:
        """The sum of ln P of `targets` (T,) where vectors (T, D) are read, from zero states."""
        states, total = None, 0.0
        for first in range(0, len(targets), 1000):
            output, states = self.lstm(read[first : first + 1000], states)
            logits = (output @ self.output.T + self.bias).double()
            known = logits.log_softmax(1).gather(1, targets[first : first + 1000, None])
            total += float(known.sum())
        return total


def recount(run: Path, test: Path) -> None:
    """As one text from zero; line by line after the end of a line, and from zero, as no line was learned."""
    model, lines = Plain(run), read(test)
    encoded = [torch.tensor(model.encode(line)) for line in lines]
    whole = torch.cat(encoded)
    nothing = torch.zeros(1, model.embedding.shape[1])
    units = sum(len(line) + 1 for line in lines)
    show(
        "as one text", model.log_probability(torch.cat([nothing, model.embedding[whole[:-1]]]), whole), units
    )
    after_end = (
        model.log_probability(model.embedding[torch.cat([row[-1:], row[:-1]])], row) for row in encoded
    )
    show("line by line", sum(after_end), units)
    from_zero = (
        model.log_probability(torch.cat([nothing, model.embedding[row[:-1]]]), row) for row in encoded
    )
    show("line by line, from zero", sum(from_zero), units)


def kneser_ney(train: Path, test: Path) -> None:
    """The trigram's perplexity per word."""
    model, lines = KneserNey(read(train)), read(test)
    total = sum(model.log_probability(line) for line in lines)
    show("Kneser-Ney trigram", total, sum(len(line) + 1 for line in lines))


def show(what: str, log_probability: float, units: int) -> None:
    """A line for a figure."""
    print(f"{what}: {exp(-log_probability / units):.4f} per word, over {units:,} words and line ends")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["prepare", "kneser-ney", "recount"])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    arguments = parser.parse_args()
    called = {"prepare": prepare, "kneser-ney": kneser_ney, "recount": recount}[arguments.what]
    called(arguments.first, arguments.second)
