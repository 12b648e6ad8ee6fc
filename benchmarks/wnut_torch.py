"""The tagger of `bptt train tag` once more, in plain PyTorch, to be compared with on the same files.

    python benchmarks/wnut_torch.py train TRAIN DEV TEST ANSWERS --seed 0
    python benchmarks/wnut_torch.py score ANSWERS ...

writes the words, the tags and the tags found of TEST as columns, which `bptt predict RUN TEST` writes
too; and scores such files, of whomever, by one call of seqeval.

The same model, options and order of batches as in docs/results.md, with nn.LSTM on packed sequences and
a CRF of its own; the random numbers are others.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from math import cos, pi
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from seqeval.metrics import f1_score, precision_score, recall_score
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

WORD, CHARACTER, SPELLED, HIDDEN = 100, 25, 50, 128
DROPOUT, INPUT_DROPOUT, WORD_DROPOUT = 0.5, 0.3, 0.3
EPOCHS, BATCH, RATE, CLIP = 15, 32, 0.008, 1.0
# Of what is not known; of what is no character.
UNKNOWN, NOTHING = 0, 0
NEVER = -1e30

Sentence = list[list[str]]


def read(path: str) -> list[Sentence]:
    """The columns of each sentence."""
    sentences: list[Sentence] = [[]]
    for line in Path(path).read_text(encoding="utf-8").split("\n"):
        if line.strip():
            sentences[-1].append(line.split("\t"))
        elif sentences[-1]:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def column(sentences: list[Sentence], index: int) -> list[list[str]]:
    """One column of each sentence."""
    return [[cells[index] for cells in sentence] for sentence in sentences]


class Numbers:
    """Words, characters and tags by number, 0 for what is unknown; of characters 1 is."""

    def __init__(self, sentences: list[Sentence]) -> None:
        words = [cells[0] for sentence in sentences for cells in sentence]
        characters = Counter("".join(words))
        self.words = {word: n for n, word in enumerate(dict.fromkeys(map(str.lower, words)), 1)}
        self.characters = {c: n for n, c in enumerate((c for c in characters if characters[c] > 1), 2)}
        self.tags = sorted({cells[-1] for sentence in sentences for cells in sentence})

    def encode(self, words: list[str]) -> tuple[Tensor, Tensor]:
        """The words (T,), and their characters (T, W)."""
        spelled = [torch.tensor([self.characters.get(c, 1) for c in word]) for word in words]
        numbers = [self.words.get(word.lower(), UNKNOWN) for word in words]
        return torch.tensor(numbers), pad_sequence(spelled, batch_first=True, padding_value=NOTHING)


class CRF(nn.Module):
    """A linear chain whose transitions keep to BIO."""

    def __init__(self, tags: list[str]) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(len(tags)))
        self.end = nn.Parameter(torch.zeros(len(tags)))
        self.pairs = nn.Parameter(torch.zeros(len(tags), len(tags)))
        inside = torch.tensor([tag[0] == "I" for tag in tags])
        goes_on = torch.tensor([[a[0] in "BI" and a[1:] == b[1:] for b in tags] for a in tags])
        self.register_buffer("forbidden_start", inside)
        self.register_buffer("forbidden", inside & ~goes_on)

    def scores(self) -> tuple[Tensor, Tensor]:
        """Of the first tag, and of pairs of tags."""
        start = self.start.masked_fill(self.forbidden_start, NEVER)
        return start, self.pairs.masked_fill(self.forbidden, NEVER)

    def loss(self, emissions: Tensor, tags: Tensor, valid: Tensor) -> Tensor:
        """-ln P of `tags` (T, B), summed over the batch; `valid` (T, B) is 0 in the padding."""
        start, pairs = self.scores()
        rows = torch.arange(tags.shape[1])
        last = tags[valid.sum(0) - 1, rows]
        gold = (
            start[tags[0]] + self.end[last] + (emissions.gather(2, tags[:, :, None])[:, :, 0] * valid).sum(0)
        )
        gold = gold + torch.where(valid[1:], pairs[tags[:-1], tags[1:]], 0.0).sum(0)
        alpha = start + emissions[0]
        for emission, here in zip(emissions[1:], valid[1:], strict=True):
            moved = torch.logsumexp(alpha[:, :, None] + pairs, 1) + emission
            alpha = torch.where(here[:, None], moved, alpha)
        return (torch.logsumexp(alpha + self.end, 1) - gold).sum()

    def decode(self, emissions: Tensor, valid: Tensor) -> list[list[int]]:
        """The best tags of each row (Viterbi)."""
        start, pairs = self.scores()
        score, origins = start + emissions[0], []
        stay = torch.arange(len(start)).expand_as(score)
        for emission, here in zip(emissions[1:], valid[1:], strict=True):
            best, origin = (score[:, :, None] + pairs).max(1)
            score = torch.where(here[:, None], best + emission, score)
            origins.append(torch.where(here[:, None], origin, stay))
        path = [(score + self.end).argmax(1)]
        for origin in reversed(origins):
            path.append(origin.gather(1, path[-1][:, None])[:, 0])
        found = torch.stack(path[::-1])
        return [found[: int(n), row].tolist() for row, n in enumerate(valid.sum(0))]


class Tagger(nn.Module):
    """Words and their spelling, a bidirectional LSTM, a CRF."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__()
        self.words = nn.Embedding(len(numbers.words) + 1, WORD)
        self.characters = nn.Embedding(len(numbers.characters) + 2, CHARACTER)
        for embedding, size in ((self.words, WORD), (self.characters, CHARACTER)):
            nn.init.uniform_(embedding.weight, -((3 / size) ** 0.5), (3 / size) ** 0.5)
        self.speller = nn.LSTM(CHARACTER, SPELLED, bidirectional=True)
        self.encoder = nn.LSTM(WORD + 2 * SPELLED, HIDDEN, bidirectional=True)
        self.before, self.behind = nn.Dropout(INPUT_DROPOUT), nn.Dropout(DROPOUT)
        self.output = nn.Linear(2 * HIDDEN, len(numbers.tags))
        self.crf = CRF(numbers.tags)

    def forward(self, batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """The emissions (T, B, K), and where they are valid."""
        lengths = torch.tensor([len(words) for words, _ in batch])
        words = pad_sequence([words for words, _ in batch])
        valid = torch.arange(len(words))[:, None] < lengths
        if self.training:
            words = words.masked_fill(torch.rand(words.shape) < WORD_DROPOUT, UNKNOWN)
        values = self.before(torch.cat([self.words(words), self.spell(batch)], 2))
        packed = pack_padded_sequence(values, lengths, enforce_sorted=False)
        read, _ = pad_packed_sequence(self.encoder(packed)[0])
        return self.output(self.behind(read)), valid

    def spell(self, batch: list[tuple[Tensor, Tensor]]) -> Tensor:
        """What the speller has read of each word, (T, B, 2 * SPELLED)."""
        width = max(spelled.shape[1] for _, spelled in batch)
        wide = [nn.functional.pad(spelled, (0, width - spelled.shape[1])) for _, spelled in batch]
        spellings, places = torch.unique(torch.cat(wide), dim=0, return_inverse=True)
        lengths = (spellings != NOTHING).sum(1)
        packed = pack_padded_sequence(self.characters(spellings.t()), lengths, enforce_sorted=False)
        final = self.speller(packed)[1][0].transpose(0, 1).flatten(1)
        return pad_sequence(final[places].split([len(spelled) for _, spelled in batch]))


def in_batches(lengths: Tensor, epoch: tuple[int, int]) -> list[Tensor]:
    """The sentences of each batch, of similar length, in the order that bptt reads them in."""
    draw = np.random.default_rng(epoch)
    mixed = torch.from_numpy(draw.permutation(len(lengths)))
    batches = torch.split(mixed[torch.argsort(lengths[mixed], stable=True)], BATCH)
    return [batches[i] for i in draw.permutation(len(batches))]


@torch.no_grad()
def answer(model: Tagger, numbers: Numbers, sentences: list[Sentence]) -> list[list[str]]:
    """The tags found."""
    model.eval()
    inputs = [numbers.encode(words) for words in column(sentences, 0)]
    order = sorted(range(len(inputs)), key=lambda n: len(inputs[n][0]))
    found: dict[int, list[str]] = {}
    for first in range(0, len(order), BATCH):
        rows = order[first : first + BATCH]
        paths = model.crf.decode(*model([inputs[n] for n in rows]))
        found |= {n: [numbers.tags[k] for k in path] for n, path in zip(rows, paths, strict=True)}
    model.train()
    return [found[n] for n in range(len(inputs))]


def fit(train: list[Sentence], dev: list[Sentence], seed: int) -> tuple[Tagger, Numbers]:
    """The model that was best on `dev`."""
    torch.manual_seed(seed)
    numbers = Numbers(train)
    model = Tagger(numbers)
    optimiser = torch.optim.Adam(model.parameters(), RATE, fused=True)
    inputs = [numbers.encode(words) for words in column(train, 0)]
    targets = [torch.tensor([numbers.tags.index(tag) for tag in tags]) for tags in column(train, -1)]
    lengths = torch.tensor([len(each) for each in targets])
    best, kept = -1.0, model.state_dict()
    for epoch in range(EPOCHS):
        batches = in_batches(lengths, (seed, epoch))
        for index, rows in enumerate(batches):
            done = (epoch + index / len(batches)) / EPOCHS
            optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + cos(pi * done))
            optimiser.zero_grad()
            emissions, valid = model([inputs[n] for n in rows])
            tags = pad_sequence([targets[n] for n in rows])
            (model.crf.loss(emissions, tags, valid) / valid.sum()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimiser.step()
        f1 = f1_score(column(dev, -1), answer(model, numbers, dev), zero_division=0)
        print(f"epoch {epoch + 1}  dev f1 {f1:.4f}", flush=True)
        if f1 > best:
            best, kept = f1, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)
    return model, numbers


def train(arguments: argparse.Namespace) -> None:
    """Learn, answer, and say how long that took."""
    torch.set_num_threads(arguments.threads or torch.get_num_threads())
    began = time.perf_counter()
    model, numbers = fit(read(arguments.train), read(arguments.dev), arguments.seed)
    print(f"{time.perf_counter() - began:.1f} s")
    test = read(arguments.test)
    with Path(arguments.answers).open("w", encoding="utf-8") as file:
        for sentence, tags in zip(test, answer(model, numbers, test), strict=True):
            rows = zip(sentence, tags, strict=True)
            file.write("".join(f"{cells[0]}\t{cells[-1]}\t{tag}\n" for cells, tag in rows) + "\n")


def score(arguments: argparse.Namespace) -> None:
    """The scores of each file of answers, and the mean and deviation of F1."""
    found = []
    for path in arguments.answers:
        gold, answers = column(read(path), 1), column(read(path), 2)
        scores = [100 * metric(gold, answers) for metric in (precision_score, recall_score, f1_score)]
        print(f"{path}  precision {scores[0]:.2f}  recall {scores[1]:.2f}  F1 {scores[2]:.2f}")
        found.append(scores[2])
    spread = f" ± {stdev(found):.2f}" if len(found) > 1 else ""
    print(f"F1 {mean(found):.2f}{spread}")


def main() -> None:
    """Do what the command line says."""
    commands = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = commands.add_subparsers(required=True)
    learn = verbs.add_parser("train")
    for name in ("train", "dev", "test", "answers"):
        learn.add_argument(name)
    learn.add_argument("--seed", type=int, default=0)
    learn.add_argument("--threads", type=int, default=0)
    learn.set_defaults(do=train)
    count = verbs.add_parser("score")
    count.add_argument("answers", nargs="+")
    count.set_defaults(do=score)
    arguments = commands.parse_args()
    arguments.do(arguments)


main()
