"""Evaluation of a language model: the loss of a batch, and the metrics of a whole text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import exp, inf, log
from typing import NamedTuple

from torch import Tensor

from bptt.data.batches import Batch, Batches, Continuous, Sentences
from bptt.data.prepared.stored_streams import StoredStreams
from bptt.data.prepared.token_store import TokenStore
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError
from bptt.jobs.group import Group
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.network import START, LanguageModel, States
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.running_text import RunningText, pieces
from bptt.jobs.sharing import ALONE, WorkSharing
from bptt.runs.evaluating import evaluating

# The least number of tokens of each stream into which a held-out text is divided: at the start of a stream,
# without context, a model predicts worse.
_STREAM = 1000
# The most characters of a line that is read as a sentence: the states of all its steps are kept in memory for
# the gradient.
_SENTENCE = 10_000
_NO_MEMORY = MemoryOptions()
# The batches after which processes that share an evaluation wait for each other.
_TOGETHER = 64


# The definition of the metrics, for the user.
COUNTED = (
    "perplexity is per token, <eos> counted; word_perplexity per word between white space and line end, as "
    "KenLM and SRILM count; bits_per_character counts newlines"
)


class EncodedText(NamedTuple):
    """The tokens (T,) to predict, and their numbers of characters, with newlines, and of words."""

    tokens: Tensor
    characters: int
    words: int


class TextExtent(NamedTuple):
    """The characters of a text, with newlines, its words, newlines and unknown tokens."""

    characters: int
    words: int
    line_ends: int
    unknown: int


def mean_loss(model: LanguageModel, batch: Batch, states: States) -> tuple[Tensor, States]:
    """Return the mean of -ln P over the tokens of a batch, in nats, and the states after it."""
    output, states = model.read(batch.inputs, states)
    return model.loss(output, batch.targets), states


def make_batches(tokens: Tensor | TokenStore, options: DataOptions, streams: int) -> Batches:
    """Return batches of `tokens` as `options` define them; a continuous text is divided into `streams`.

    Raises InputError for tokens that stay in files if they are to be read as sentences.
    """
    if isinstance(tokens, TokenStore):
        if options.mode == "sentences":
            cure = "Leave `mode` out, or train on the texts themselves"
            raise InputError("mode", "of prepared tokens is continuous", "sentences", cure)
        return StoredStreams(tokens, streams, options.sequence_length)
    if options.mode == "sentences":
        return Sentences(tokens, options.batch_size, options.seed)
    return Continuous(tokens, streams, options.sequence_length)


def check_sentences(text: str) -> None:
    """Raise InputError if a line is too long to be read as one sentence."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _SENTENCE:
            rule = f"a line that is read as a sentence has at most {_SENTENCE} characters"
            cure = "Break the line, or train in the mode continuous"
            raise InputError(f"text:{number}", rule, len(line), cure)


def encode_text(vocabulary: Vocabulary, options: DataOptions, text: str) -> EncodedText:
    """Encode the part of `text` that a model has to predict: if it reads sentences, the lines not blank.

    Raises InputError if there is nothing to predict, or a line is too long for a sentence.
    """
    if options.mode == "sentences":
        check_sentences(text)
        text = "".join(line + "\n" for line in text.split("\n") if line.strip())
    tokens = vocabulary.encode(text)
    if not len(tokens):
        raise InputError("text", "must hold something to predict", cure="Give more text")
    return EncodedText(tokens, vocabulary.characters(text), vocabulary.words(text))


def evaluate_text(
    model: LanguageModel,
    vocabulary: Vocabulary,
    options: DataOptions,
    text: str,
    memory: MemoryOptions = _NO_MEMORY,
    sharing: WorkSharing = ALONE,
) -> dict[str, float]:
    """Return the metrics of a model that predicts every token of `text`, in the mode of its training.

    "loss" is the mean of -ln P per token in nats, `<eos>` counted, "perplexity" its exponential.
    "word_perplexity" is the exponential of the sum of -ln P, divided by the number of "words", separated by
    white space, and "line_ends", as KenLM and SRILM print it. "bits_per_character" is the sum in bits,
    divided by the number of characters, newlines counted. Both compare models of any level, as long as few
    tokens are unknown: `<unk>` costs less than its spelling. "tokens" counts the predicted tokens, "unknown"
    the `<unk>` among them. With a `memory`, the text is read as one stream, from its first token to its last.
    Raises the errors of `encode_text`.
    """
    tokens, characters, words = encode_text(vocabulary, options, text)
    extent = TextExtent(characters, words, int((tokens == END).sum()), int((tokens == UNKNOWN).sum()))
    return evaluate_tokens(model, options, tokens, extent, memory, sharing)


def evaluate_tokens(
    model: LanguageModel,
    options: DataOptions,
    tokens: Tensor | TokenStore,
    extent: TextExtent,
    memory: MemoryOptions = _NO_MEMORY,
    sharing: WorkSharing = ALONE,
) -> dict[str, float]:
    """Return the metrics of `evaluate_text` on the tokens of a text of this extent."""
    if memory:
        total = _remembered_loss(model, options, tokens, memory)
    else:
        total = _loss(model, options, tokens, sharing)
    return {
        "loss": total / len(tokens),
        "perplexity": perplexity(total / len(tokens)),
        "word_perplexity": perplexity(total / (extent.words + extent.line_ends)),
        "bits_per_character": total / log(2) / extent.characters,
        "tokens": len(tokens),
        "words": extent.words,
        "line_ends": extent.line_ends,
        "unknown": extent.unknown,
    }


def _loss(
    model: LanguageModel, options: DataOptions, tokens: Tensor | TokenStore, sharing: WorkSharing
) -> float:
    """Return the sum of -ln P of all tokens, added up by groups of streams, or of lines."""
    streams = max(1, min(options.batch_size, len(tokens) // _STREAM))
    batches = make_batches(tokens, options, streams)
    groups = [Group(number, sharing.groups, range(sharing.groups)) for number in range(sharing.groups)]
    totals, states = [0.0 for _ in groups], [START for _ in groups]

    def read(steps: range, number: int) -> float:
        for index in steps:
            batch = batches.batch(0, index)
            batch = batch.part(groups[number].cut(batch.targets.shape[1])).to(model.device)
            if batch.units:
                carried = states[number] if batch.continues else START
                loss, states[number] = mean_loss(model, batch, carried)
                totals[number] += loss.item() * batch.units
        return totals[number]

    found = totals
    with evaluating(model):
        for first in range(0, batches.steps, _TOGETHER):
            steps = range(first, min(first + _TOGETHER, batches.steps))
            found = sharing.divided(len(groups), partial(read, steps))
    return sum(found)


def _remembered_loss(
    model: LanguageModel, options: DataOptions, tokens: Tensor | TokenStore, memory: MemoryOptions
) -> float:
    running, total, states = RunningText(model, memory), 0.0, START
    for batch in pieces(tokens, options) if isinstance(tokens, Tensor) else _in_order(tokens, options):
        found, states = running.read(batch.to(model.device), states if batch.continues else START)
        total -= found.sum().item()
    return total


def _in_order(tokens: TokenStore, options: DataOptions) -> Iterator[Batch]:
    stream = make_batches(tokens, options, 1)
    return (stream.batch(0, index) for index in range(stream.steps))


def perplexity(loss: float) -> float:
    """Return the exponential of `loss`, infinity on overflow."""
    try:
        return exp(loss)
    except OverflowError:
        return inf
