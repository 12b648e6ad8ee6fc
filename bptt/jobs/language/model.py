"""Training and loading of language models, which assign a probability to a text.

L1, the vocabulary, and L2, the probability of a sentence, in docs/equations.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from bptt.cells.load import names_of
from bptt.data.readers.vectors import Vectors
from bptt.data.text import Corpus, split_text
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.data.vocabulary_options import UNKNOWN
from bptt.errors import InputError
from bptt.jobs.group import WHOLE, Group
from bptt.jobs.language.config import (
    TASK,
    LanguageModelConfig,
    Source,
    read_language_config,
)
from bptt.jobs.language.evaluation import (
    check_sentences,
    encode_text,
    evaluate_text,
    make_batches,
    mean_loss,
)
from bptt.jobs.language.large import Counts, for_vocabulary, with_cutoffs
from bptt.jobs.language.network import START
from bptt.jobs.language.network import LanguageModel as LanguageModel
from bptt.jobs.language.options import OPTIONS
from bptt.jobs.task import Step, Task
from bptt.models.codecs.vectors import match_vectors, read_token_vectors
from bptt.options.sections import to_section
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, refuse_vectors, take_weights
from bptt.runs.placement import Placement
from bptt.runs.run_folder import CONFIG, HELD_OUT, WEIGHTS, write_bytes, write_config
from bptt.runs.spans import span
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

# The key of the vocabulary's fingerprint in the header of the weights.
_VOCABULARY = "vocabulary_sha256"


class LanguageModelTask(Task):
    """A training of a language model.

    The first part of the text is the training data and defines the vocabulary; the last part is held out,
    unless `dev`, another text, is given. Initial weights are drawn from torch's generator: seed it before.
    With an `origin`, the vocabulary extends that of another run, and its weights are the initial ones.
    `vectors` is a file of pretrained word vectors for the embedding of the tokens in it. Unless there is an
    origin, or the run `goes_on`, the size of the vocabulary decides on the output layer where the options
    leave it open.

    Raises InputError if the text is too short, a line is too long for a sentence, or a size is impossible;
    MachineError if the model does not fit into memory.
    """

    title = OPTIONS.called
    model: LanguageModel
    takes_groups = True

    def __init__(
        self,
        corpus: Corpus,
        config: LanguageModelConfig,
        dev: Corpus | None = None,
        origin: Origin[Trained] | None = None,
        vectors: Path | None = None,
        goes_on: bool = False,
    ) -> None:
        self._corpus, options = corpus, config.data
        if options.mode == "sentences":
            # Before the text is split, so that errors have line numbers in the whole text.
            check_sentences(corpus.text)
            check_sentences(dev.text if dev else "")
        whole_lines = options.mode == "sentences"
        self._parts = (
            (corpus.text, dev.text) if dev else split_text(corpus.text, options.held_out, whole_lines)
        )
        self.vocabulary = _vocabulary(self._parts[0], config, origin)
        tokens = encode_text(self.vocabulary, options, self._parts[0]).tokens
        self._batches, self._learned = make_batches(tokens, options, options.batch_size), len(tokens)
        self._build(config, partial(_counts, tokens, self.vocabulary.size), origin, vectors, goes_on)

    def _build(
        self,
        config: LanguageModelConfig,
        counts: Counts,
        origin: Origin[Trained] | None,
        vectors: Path | None,
        goes_on: bool,
    ) -> None:
        """Make the model for a vocabulary whose tokens have these `counts` in the training text."""
        refuse_vectors(origin, vectors)
        self.unit = self.vocabulary.unit
        found = None if vectors is None else read_token_vectors(self.vocabulary, vectors)
        if found is not None:
            config = replace(config, model=config.model.of_width(found.values.shape[1]))
        if origin or goes_on:
            # It has the layers of the run that it goes on from.
            config = replace(config, model=with_cutoffs(config.model, counts))
        else:
            config = replace(config, model=for_vocabulary(config.model, counts, self.vocabulary.size))
        self.config = config
        with within_memory("the model", "Make it smaller: fewer units or layers, a smaller vocabulary"):
            self.model = LanguageModel(self.vocabulary.size, config.cell, config.model)
        self._taken = self._take(origin) if origin else []
        if found is not None:
            self._taken = self._fill(found)

    def _take(self, origin: Origin[Trained]) -> list[str]:
        self.begun_from, (model, vocabulary, _) = origin.name, origin.trained
        here, there = self.model.token_rows(self.vocabulary.tokens), model.token_rows(vocabulary.tokens)
        return take_weights(self.model, here, model, there, origin.name)

    def _fill(self, found: Vectors) -> list[str]:
        tokens, values = match_vectors(self.vocabulary, found)
        self.model.fill(tokens, values)
        of = f"{len(tokens):,} of the {self.vocabulary.size:,} {self.unit} of the vocabulary"
        return [f"vectors: {of} begin with one, of {values.shape[1]:,} numbers"]

    @property
    def held_out(self) -> str:
        """The text that is excluded from training."""
        return self._parts[1]

    @property
    def holds_out(self) -> bool:
        """Whether there is a text to evaluate on."""
        return bool(self.held_out)

    def keep_half(self, half: int) -> None:
        """Keep the first or the second half of the held-out text, cut at the end of a line if it has some."""
        held = self.held_out
        self._parts = self._parts[0], split_text(held, 0.5, "\n" in held.rstrip("\n"))[half]

    @property
    def metadata(self) -> Mapping[str, str]:
        """The hash of the vocabulary, whose tokens correspond to rows of the weight matrices."""
        return {_VOCABULARY: self.vocabulary.sha256}

    def steps(self, epoch: int) -> int:
        """Return the number of batches in `epoch`."""
        return self._batches.steps

    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...], group: Group = WHOLE) -> Step:
        """Compute the loss on a batch; states are carried over within an epoch of a continuous text."""
        with span("input"):
            batch = self._batches.batch(epoch, index).to(self.model.device)
        if group != WHOLE:
            batch = batch.part(group.cut(batch.targets.shape[1]))
            if not batch.targets.shape[1]:
                return Step(torch.zeros(()), 0, ())
        loss, states = mean_loss(self.model, batch, carry if batch.continues else START)
        kept = states if self.config.data.mode == "continuous" else START
        return Step(loss, batch.units, tuple(state.detach() for state in kept))

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of `evaluate_text` on the held-out text."""
        asked = self.model, self.vocabulary, self.config.data, self.held_out
        return evaluate_text(*asked, sharing=self.sharing)

    def save(self, folder: Path) -> None:
        """Write config.json, tokenizer.json, and the held-out text."""
        self._save(folder, self._corpus.names, self._corpus.sha256, self.held_out)

    def _save(
        self, folder: Path, names: tuple[str, ...], text: str, held_out: str, prepared: str = ""
    ) -> None:
        source = Source(names, text, self.vocabulary.size, self.vocabulary.sha256, prepared)
        write_bytes(folder / HELD_OUT, held_out.encode("utf-8"))
        write_bytes(folder / FILE, self.vocabulary.to_bytes())
        write_config(folder, {"task": TASK, **self.config.to_dict(), "source": to_section(source)})

    def describe(self) -> list[str]:
        """Describe the text, its parts, the vocabulary, and the size of the model."""
        learned, held_out = self._parts
        return [
            *self._taken,
            f"text: {', '.join(self._corpus.names)}, {len(self._corpus.text):,} characters",
            f"learned: {describe_size(len(learned), self._learned, self.unit)}",
            f"held out: {self._describe_text(held_out) if held_out else 'nothing'}",
            *self._describe_model(),
        ]

    def _describe_model(self) -> list[str]:
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        cell = names_of(self.config.cell)
        return [
            f"vocabulary: {self.vocabulary.size:,} {self.unit}{self.vocabulary.folding}",
            f"model: {self.config.model.num_layers} x {self.config.model.hidden_size} {cell}, "
            f"{weights:,} weights",
            *self._describe_output(),
        ]

    def _describe_output(self) -> Iterator[str]:
        model = self.config.model
        if model.cutoffs:
            first = ", ".join(f"{cutoff:,}" for cutoff in model.cutoffs)
            yield f"output layer: {model.output_layer}, clusters from token {first}"
        if self.model.output.embeds:
            yield "embedding: the clusters of the output layer"
        if model.row_sparse:
            yield "embedding: an update changes the rows that its batch reads"

    def _describe_text(self, text: str) -> str:
        tokens = encode_text(self.vocabulary, self.config.data, text).tokens
        missing = int((tokens == UNKNOWN).sum()) / len(tokens)
        return f"{describe_size(len(text), len(tokens), self.unit)}, {missing:.2%} unknown"


def describe_size(characters: int, tokens: int, unit: str) -> str:
    """Return the size of a text in characters and, if these are no characters, in tokens."""
    size = f"{characters:,} characters"
    return size if unit == "characters" else f"{size}, {tokens:,} {unit}"


class Trained(NamedTuple):
    """A language model read from its run folder."""

    model: LanguageModel
    vocabulary: Vocabulary
    config: LanguageModelConfig


def _counts(tokens: Tensor, size: int) -> list[int]:
    counts: list[int] = torch.bincount(tokens.long(), minlength=size).tolist()
    return counts


def _vocabulary(text: str, config: LanguageModelConfig, origin: Origin[Trained] | None) -> Vocabulary:
    if origin is None:
        return Vocabulary.build(text, config.vocabulary)
    found = origin.trained.vocabulary.continued(text, config.vocabulary, origin.grow)
    if not config.model.width and found.size > origin.trained.vocabulary.size:
        rule, cure = "must have an embedding if its vocabulary is to grow", "Keep it (`keep_vocabulary`)"
        raise InputError(origin.name, rule, "one-hot input", cure)
    return found


def load_language_model(run: Path, device: str = "cpu") -> Trained:
    """Load the model of a run folder with its best weights, in evaluation mode, onto a device.

    Raises InputError with file and cure if the folder, or a file in it, is missing, damaged, or belongs to
    another run, or if this machine lacks the device.
    """
    placement = Placement.parse(device)
    config, source = read_language_config(run)
    vocabulary = Vocabulary.load(run / FILE, config.vocabulary)
    cure = f"Bring back the one that belongs to {run / CONFIG}"
    if vocabulary.sha256 != source.vocabulary_sha256:
        rule = f"must be the vocabulary of this run, {source.vocabulary_size} {vocabulary.unit}"
        raise InputError(str(run / FILE), rule, f"another one, of {vocabulary.size}", cure)
    layers = {"model.num_layers": config.model.num_layers}
    model = build_unset(run, layers, lambda: LanguageModel(vocabulary.size, config.cell, config.model))
    metadata = read_weights(model, run / WEIGHTS)
    if metadata.get(_VOCABULARY, vocabulary.sha256) != vocabulary.sha256:
        rule = "must be the weights of this run"
        raise InputError(str(run / WEIGHTS), rule, "those of a model with another vocabulary", cure)
    return Trained(placement.place(model.eval()), vocabulary, config)
