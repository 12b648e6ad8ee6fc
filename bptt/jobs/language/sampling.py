"""Sampling: text drawn from a language model, token by token (L3 in docs/equations.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from bptt.jobs.language.sampling_options import DrawOptions, LineOptions, SamplingOptions
from bptt.jobs.language.verse import PlaceInVerse, Verse

# Random numbers drawn at a time: drawing one takes about as long as drawing many.
_AHEAD = 1000
_NO_FORM = LineOptions()


@dataclass(frozen=True)
class Prompt:
    """The text that a sample continues, as the model reads it; its tokens (T,); the number of `<unk>`."""

    text: str
    tokens: Tensor
    unknown: int


def read_prompt(trained: Trained, text: str) -> Prompt:
    """Encode a prompt as the training text was encoded.

    Tokens of words and BPE include the space before them, so a space at the end of the prompt is left to the
    next token. Raises InputError if the prompt is no valid Unicode, or has a newline and the model reads
    sentences.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("prompt", "must be UTF-8", ascii(text)) from error
    if "\n" in text and trained.config.data.mode == "sentences":
        cure = "Leave the newline out: this model knows one sentence at a time"
        raise InputError("prompt", "must be the start of a sentence", repr(text), cure)
    if trained.vocabulary.options.level not in ("character", "jieba"):
        text = text.removesuffix(" ")
    tokens = trained.vocabulary.encode(text)
    read = trained.vocabulary.decode(tokens.tolist())
    return Prompt(read, tokens, int((tokens == UNKNOWN).sum()))


def sample(
    trained: Trained, prompt: Prompt, options: SamplingOptions, number: int = 0, lines: LineOptions = _NO_FORM
) -> Iterator[str]:
    """Draw sample `number` of a seed; yield its text piece by piece, as soon as characters are complete.

    The states are carried over from token to token. The prompt is not part of the result. `lines` says what
    form they have. Raises InputError as `Verse` does.
    """
    return (piece for _, piece in _draw_texts(trained, prompt, options, [number], lines))


def sample_many(
    trained: Trained, prompt: Prompt, options: SamplingOptions, count: int, lines: LineOptions = _NO_FORM
) -> list[str]:
    """Draw the samples 0 to `count` - 1 of a seed in one batch; they equal those of `sample`."""
    texts = [""] * count
    for number, piece in _draw_texts(trained, prompt, options, range(count), lines):
        texts[number] += piece
    return texts


def distribution(logits: Tensor, options: SamplingOptions, allowed: Tensor | None = None) -> Tensor:
    """Return the probabilities (B, V), float64, with which the next tokens are drawn, for logits (B, V).

    Of those `allowed`, (B, V) bool, they are P given that one of them comes, before the options apply.
    """
    if options.refuse_unknown:
        logits = logits.index_fill(1, torch.tensor(UNKNOWN, device=logits.device), -inf)
    return shares(logits, options, allowed)


def shares(logits: Tensor, options: DrawOptions, allowed: Tensor | None = None) -> Tensor:
    """Return the result of `distribution` for tokens of any vocabulary."""
    logits = logits.double()
    if allowed is not None:
        logits = logits.masked_fill(~allowed.to(logits.device), -inf)
    if options.temperature == 0:
        return functional.one_hot(logits.argmax(1), logits.shape[1]).double()
    if 0 < options.top_k < logits.shape[1]:
        kept = logits.topk(options.top_k).indices
        logits = torch.full_like(logits, -inf).scatter(1, kept, logits.gather(1, kept))
    if options.temperature != 1:
        # The largest logit is shifted to 0, so that no temperature, however small, can overflow.
        logits = (logits - logits.amax(1, keepdim=True)) / options.temperature
    return _nucleus(logits.softmax(1), options.top_p)


def _nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Keep the smallest set of most probable tokens whose sum reaches `top_p`; renormalise (nucleus)."""
    if top_p == 1:
        return probabilities
    falling, order = probabilities.sort(dim=1, descending=True, stable=True)
    more_probable = falling.cumsum(1) - falling
    falling = falling.masked_fill(more_probable >= top_p, 0.0)
    kept = torch.zeros_like(probabilities).scatter(1, order, falling)
    return kept / kept.sum(1, keepdim=True)


def _draw_texts(
    trained: Trained, prompt: Prompt, options: SamplingOptions, numbers: Sequence[int], lines: LineOptions
) -> Iterator[tuple[int, str]]:
    """Return pieces of the samples `numbers`, each with its number, until all have ended."""
    goes_on = trained.config.data.mode != "sentences"
    verse = Verse(trained.vocabulary, lines, goes_on, prompt.tokens) if lines else None
    stops = options.stop_at_end or not goes_on
    return _pieces(trained, prompt, options, numbers, verse, stops)


def _pieces(
    trained: Trained,
    prompt: Prompt,
    options: SamplingOptions,
    numbers: Sequence[int],
    verse: Verse | None,
    stops: bool,
) -> Iterator[tuple[int, str]]:
    """Yield the pieces of samples, which end at `<eos>` if it `stops` them, or where the verse is over."""
    at_start = not prompt.text or prompt.text.endswith("\n")
    running = {number: TextStream(trained.vocabulary, at_start) for number in numbers}
    places = dict.fromkeys(numbers, PlaceInVerse() if verse is None else verse.first)

    def allowed() -> Tensor | None:
        return None if verse is None else torch.stack([verse.allowed(places[number]) for number in numbers])

    for drawn in _draw_tokens(trained.model, prompt, options, numbers, allowed):
        for number, token in zip(numbers, drawn.tolist(), strict=True):
            if number not in running:
                continue
            if verse is not None:
                places[number] = verse.after(places[number], token)
            is_over = places[number].at == "over"
            if token == END and (stops or is_over):
                yield number, running.pop(number).close()
            elif is_over:
                stream = running.pop(number)
                yield number, stream.push(token) + stream.close()
            else:
                yield number, running[number].push(token)
        if not running:
            return
    yield from ((number, stream.close()) for number, stream in running.items())


def _draw_tokens(
    model: LanguageModel,
    prompt: Prompt,
    options: SamplingOptions,
    numbers: Sequence[int],
    allowed: Callable[[], Tensor | None],
) -> Iterator[Tensor]:
    """Yield the next token of every sample, (B,), `length` times: one that is allowed, (B, V)."""
    nothing = prompt.tokens.new_full((1,), NOTHING)
    read = torch.cat([nothing, prompt.tokens]).long()[:, None].expand(-1, len(numbers))
    continuation = Continuation(model, read)
    for places in places_of(options.seed, options.length, numbers):
        drawn = pick(distribution(continuation.logits, options, allowed()).cpu(), places)
        yield drawn
        continuation.read(drawn)


def places_of(seed: int, length: int, numbers: Sequence[int]) -> Iterator[Tensor]:
    """Yield, for each of `length` tokens, the random number in [0, 1) of every sample, (B,), float64."""
    generators = [generator_of(seed, number) for number in numbers]
    for first in range(0, length, _AHEAD):
        count = min(_AHEAD, length - first)
        drawn = [torch.rand(count, generator=g, dtype=torch.float64) for g in generators]
        yield from torch.stack(drawn, 1)


def generator_of(seed: int, number: int) -> torch.Generator:
    """Return the generator of one sample, which does not depend on the other samples."""
    seeds = torch.randint(2**62, (number + 1,), generator=torch.Generator().manual_seed(seed))
    return torch.Generator().manual_seed(int(seeds[number]))


def pick(probabilities: Tensor, places: Tensor) -> Tensor:
    """Return the token of each row of (B, V) whose part of [0, 1) contains the place (B,)."""
    shares = probabilities.cumsum(1)
    # After division the last is exactly 1, and the part of a token with probability 0 is empty.
    shares = shares / shares[:, -1:]
    return torch.searchsorted(shares, places[:, None], right=True).squeeze(1)
