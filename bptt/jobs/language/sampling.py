"""New text from a language model, drawn token by token from its softmax (L3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.data.vocabulary import TextStream
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.language.network import Continuation, LanguageModel
from bptt.jobs.language.sampling_options import SamplingOptions

# Random numbers that are drawn at a time, for they take as long one by one.
_AHEAD = 1000


@dataclass(frozen=True)
class Prompt:
    """What a sample continues: `text` as the model reads it, its tokens (T,), the `<unk>` among them."""

    text: str
    tokens: Tensor
    unknown: int


def read_prompt(trained: Trained, text: str) -> Prompt:
    """Cut a prompt into tokens, as the text of the training was.

    Where tokens bring the space before them (words, BPE), one that the prompt ends with is left to the
    next token. Raises InputError: not Unicode, or a newline for a model of sentences.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("prompt", "must be UTF-8", ascii(text)) from error
    if "\n" in text and trained.config.data.mode == "sentences":
        cure = "Leave the newline out: this model knows one sentence at a time"
        raise InputError("prompt", "must be the start of a sentence", repr(text), cure)
    if trained.vocabulary.options.level != "character":
        text = text.removesuffix(" ")
    tokens = trained.vocabulary.encode(text)
    read = trained.vocabulary.decode(tokens.tolist())
    return Prompt(read, tokens, int((tokens == UNKNOWN).sum()))


def sample(trained: Trained, prompt: Prompt, options: SamplingOptions, number: int = 0) -> Iterator[str]:
    """Draw sample `number` of a seed, and give its text out piece by piece as soon as it is whole.

    The states are carried on from token to token. The prompt is read, not given out.
    """
    return (piece for _, piece in _draw_texts(trained, prompt, options, [number]))


def sample_many(trained: Trained, prompt: Prompt, options: SamplingOptions, count: int) -> list[str]:
    """Draw the samples 0 to `count` - 1 of a seed side by side: the same that `sample` gives."""
    texts = [""] * count
    for number, piece in _draw_texts(trained, prompt, options, range(count)):
        texts[number] += piece
    return texts


def distribution(logits: Tensor, options: SamplingOptions) -> Tensor:
    """The probabilities (B, V), float64, from which the next tokens are drawn, for logits (B, V)."""
    logits = logits.double()
    if options.refuse_unknown:
        logits = logits.index_fill(1, torch.tensor(UNKNOWN, device=logits.device), -inf)
    if options.temperature == 0:
        return functional.one_hot(logits.argmax(1), logits.shape[1]).double()
    if 0 < options.top_k < logits.shape[1]:
        kept = logits.topk(options.top_k).indices
        logits = torch.full_like(logits, -inf).scatter(1, kept, logits.gather(1, kept))
    if options.temperature != 1:
        # The largest is 0, so that no temperature, however small, can overflow.
        logits = (logits - logits.amax(1, keepdim=True)) / options.temperature
    return _nucleus(logits.softmax(1), options.top_p)


def _nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Zero outside the smallest set of the most probable tokens that together reach `top_p`."""
    if top_p == 1:
        return probabilities
    falling, order = probabilities.sort(dim=1, descending=True, stable=True)
    more_probable = falling.cumsum(1) - falling
    falling = falling.masked_fill(more_probable >= top_p, 0.0)
    kept = torch.zeros_like(probabilities).scatter(1, order, falling)
    return kept / kept.sum(1, keepdim=True)


def _draw_texts(
    trained: Trained, prompt: Prompt, options: SamplingOptions, numbers: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Pieces of the samples `numbers`, each with its number, until the last of them has ended."""
    stops = options.stop_at_end or trained.config.data.mode == "sentences"
    at_start = not prompt.text or prompt.text.endswith("\n")
    running = {number: TextStream(trained.vocabulary, at_start) for number in numbers}
    for drawn in _draw_tokens(trained.model, prompt, options, numbers):
        for number, token in zip(numbers, drawn.tolist(), strict=True):
            if number in running and stops and token == END:
                yield number, running.pop(number).close()
            elif number in running:
                yield number, running[number].push(token)
        if not running:
            return
    yield from ((number, stream.close()) for number, stream in running.items())


def _draw_tokens(
    model: LanguageModel, prompt: Prompt, options: SamplingOptions, numbers: Sequence[int]
) -> Iterator[Tensor]:
    """The next token of every sample, (B,), `length` times."""
    nothing = prompt.tokens.new_full((1,), NOTHING)
    read = torch.cat([nothing, prompt.tokens]).long()[:, None].expand(-1, len(numbers))
    continuation = Continuation(model, read)
    for places in places_of(options, numbers):
        drawn = pick(distribution(continuation.logits, options).cpu(), places)
        yield drawn
        continuation.read(drawn)


def places_of(options: SamplingOptions, numbers: Sequence[int]) -> Iterator[Tensor]:
    """For each token the place in [0, 1) that every sample draws, (B,), float64."""
    generators = [_generator(options.seed, number) for number in numbers]
    for first in range(0, options.length, _AHEAD):
        count = min(_AHEAD, options.length - first)
        drawn = [torch.rand(count, generator=g, dtype=torch.float64) for g in generators]
        yield from torch.stack(drawn, 1)


def _generator(seed: int, number: int) -> torch.Generator:
    """The random numbers of one sample, whatever other samples are drawn with it."""
    seeds = torch.randint(2**62, (number + 1,), generator=torch.Generator().manual_seed(seed))
    return torch.Generator().manual_seed(int(seeds[number]))


def pick(probabilities: Tensor, places: Tensor) -> Tensor:
    """For each row of (B, V) the token in whose share of [0, 1) the place (B,) lies."""
    shares = probabilities.cumsum(1)
    # The last is exactly 1, and a token of probability 0 has no share at all.
    shares = shares / shares[:, -1:]
    return torch.searchsorted(shares, places[:, None], right=True).squeeze(1)
