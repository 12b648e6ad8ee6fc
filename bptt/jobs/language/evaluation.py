"""How well a language model predicts a text: one batch, and a whole text with the states carried over."""

from __future__ import annotations

from math import exp, inf, log
from typing import NamedTuple

from torch import Tensor

from bptt.data.batches import Batch, Batches, Continuous, Sentences
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError
from bptt.jobs.language.network import START, LanguageModel, States
from bptt.jobs.language.options import DataOptions
from bptt.runs.evaluating import evaluating

# A held-out text is read in as many streams as leave at least so many tokens to each: at the start of a
# stream, where nothing was read yet, a model predicts worse than it could.
_STREAM = 1000
# The states of every step of a sentence are kept for the gradient.
_SENTENCE = 10_000


# What the metrics of a text count, for the user.
COUNTED = (
    "perplexity is per token, <eos> counted; word_perplexity per word between white space and line end, as "
    "KenLM and SRILM count; bits_per_character counts newlines"
)


class EncodedText(NamedTuple):
    """The tokens (T,) that a model has to predict, the number of characters that they are, newlines
    counted, and of words between white space.
    """

    tokens: Tensor
    characters: int
    words: int


def mean_loss(model: LanguageModel, batch: Batch, states: States) -> tuple[Tensor, States]:
    """The mean of -ln P over the tokens of a batch, in nats, and the states after it."""
    output, states = model.read(batch.inputs, states)
    return model.loss(output, batch.targets), states


def make_batches(tokens: Tensor, options: DataOptions, streams: int) -> Batches:
    """Read `tokens` as `options` say; a continuous text in so many streams."""
    if options.mode == "sentences":
        return Sentences(tokens, options.batch_size, options.seed)
    return Continuous(tokens, streams, options.sequence_length)


def check_sentences(text: str) -> None:
    """Raise InputError for a line that is too long to be read in one piece."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _SENTENCE:
            rule = f"a line that is read as a sentence has at most {_SENTENCE} characters"
            cure = "Break the line, or train in the mode continuous"
            raise InputError(f"text:{number}", rule, len(line), cure)


def encode_text(vocabulary: Vocabulary, options: DataOptions, text: str) -> EncodedText:
    """Encode what a model has to predict of `text`.

    Where sentences are read, that is the lines that hold something. Raises InputError if nothing is,
    and for a line that is too long for a sentence.
    """
    if options.mode == "sentences":
        check_sentences(text)
        text = "".join(line + "\n" for line in text.split("\n") if line.strip())
    tokens = vocabulary.encode(text)
    if not len(tokens):
        raise InputError("text", "must hold something to predict", cure="Give more text")
    return EncodedText(tokens, vocabulary.characters(text), vocabulary.words(text))


def evaluate_text(
    model: LanguageModel, vocabulary: Vocabulary, options: DataOptions, text: str
) -> dict[str, float]:
    """Predict every token of `text`, read in the mode in which the model was trained.

    "loss" is the mean in nats per token, `<eos>` counted, "perplexity" its exponential. "word_perplexity" is
    the exponential of the sum over "words", those between white space, and "line_ends"; it is what KenLM and
    SRILM print, and compares models of any level. So does "bits_per_character", the sum in bits over the
    characters of the text, newlines counted; both as long as few tokens are unknown: `<unk>` costs less than
    its spelling. "tokens" and "unknown" count what was predicted, and the `<unk>` in it.
    """
    tokens, characters, words = encode_text(vocabulary, options, text)
    streams = max(1, min(options.batch_size, len(tokens) // _STREAM))
    batches = make_batches(tokens, options, streams)
    total, states = 0.0, START
    with evaluating(model):
        for index in range(batches.steps):
            batch = batches.batch(0, index).to(model.device)
            loss, states = mean_loss(model, batch, states if batch.continues else START)
            total += loss.item() * batch.units
    line_ends = int((tokens == END).sum())
    return {
        "loss": total / len(tokens),
        "perplexity": perplexity(total / len(tokens)),
        "word_perplexity": perplexity(total / (words + line_ends)),
        "bits_per_character": total / log(2) / characters,
        "tokens": len(tokens),
        "words": words,
        "line_ends": line_ends,
        "unknown": int((tokens == UNKNOWN).sum()),
    }


def perplexity(loss: float) -> float:
    """The exponential of `loss`, infinite where a float has no room for it."""
    try:
        return exp(loss)
    except OverflowError:
        return inf
