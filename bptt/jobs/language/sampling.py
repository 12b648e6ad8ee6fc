"""Sampling: text drawn from a language model, token by token (L3 in docs/equations.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

import torch
from torch import Tensor
from torch.nn import functional

from bptt.data.vocabulary_options import UNKNOWN
from bptt.jobs.language.model import Trained
from bptt.jobs.language.network import Continuation, LanguageModel
from bptt.jobs.language.prompt import Prompt
from bptt.jobs.language.prompt import read_prompt as read_prompt
from bptt.jobs.language.sampled_text import Sample, SampledText, SampleForm
from bptt.jobs.language.sampling_options import DrawOptions, LineOptions, SamplingOptions
from bptt.nn.float64 import doubles

# Random numbers drawn at a time: drawing one takes about as long as drawing many.
_AHEAD = 1000
_NO_FORM = LineOptions()


def sample(
    trained: Trained, prompt: Prompt, options: SamplingOptions, number: int = 0, lines: LineOptions = _NO_FORM
) -> Iterator[str]:
    """Draw sample `number` of a seed; yield its text piece by piece, as soon as characters are complete.

    The states are carried over from token to token. The prompt is not part of the result. `lines` says what
    form they have. Raises InputError as `Verse` does.
    """
    form = SampleForm(trained, prompt, options, lines)
    return (piece for _, piece in _pieces(trained.model, form, options, {number: SampledText(form)}))


def sample_many(
    trained: Trained, prompt: Prompt, options: SamplingOptions, count: int, lines: LineOptions = _NO_FORM
) -> list[str]:
    """Draw the samples 0 to `count` - 1 of a seed in one batch; they equal those of `sample`."""
    return [each.text for each in sample_records(trained, prompt, options, count, lines)]


def sample_records(
    trained: Trained, prompt: Prompt, options: SamplingOptions, count: int, lines: LineOptions = _NO_FORM
) -> list[Sample]:
    """Draw the samples of `sample_many`, each with the number of its tokens and why it has ended."""
    form = SampleForm(trained, prompt, options, lines)
    drawn, texts = [SampledText(form) for _ in range(count)], [""] * count
    for number, piece in _pieces(trained.model, form, options, dict(enumerate(drawn))):
        texts[number] += piece
    return [each.record(row, text) for row, (each, text) in enumerate(zip(drawn, texts, strict=True), 1)]


def distribution(logits: Tensor, options: SamplingOptions, allowed: Tensor | None = None) -> Tensor:
    """Return the probabilities (B, V), float64, with which the next tokens are drawn, for logits (B, V).

    Of those `allowed`, (B, V) bool, they are P given that one of them comes, before the options apply.
    """
    if options.refuse_unknown:
        logits = logits.index_fill(1, torch.tensor(UNKNOWN, device=logits.device), -inf)
    return shares(logits, options, allowed)


def shares(logits: Tensor, options: DrawOptions, allowed: Tensor | None = None) -> Tensor:
    """Return the result of `distribution` for tokens of any vocabulary."""
    logits = doubles(logits)
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


def _pieces(
    model: LanguageModel, form: SampleForm, options: SamplingOptions, samples: Mapping[int, SampledText]
) -> Iterator[tuple[int, str]]:
    """Yield pieces of samples by their numbers, each with its number, until all have ended."""
    numbers = list(samples)
    read = form.prompt.behind.inputs(form.prompt.tokens)[:, None].expand(-1, len(numbers))
    states = tuple(state.expand(-1, len(numbers), -1) for state in form.prompt.behind.states)
    continuation = Continuation(model, read, states)
    for places in places_of(options.seed, options.length, numbers):
        allowed = None
        if form.verse is not None:
            allowed = torch.stack([form.verse.allowed(each.place) for each in samples.values()])
        drawn = pick(distribution(continuation.logits, options, allowed).cpu(), places)
        for (number, each), token in zip(samples.items(), drawn.tolist(), strict=True):
            if each.ended is None:
                yield number, each.push(token)
        if all(each.ended for each in samples.values()):
            return
        continuation.read(drawn)


def places_of(seed: int, length: int, numbers: Sequence[int]) -> Iterator[Tensor]:
    """Yield, for each of `length` tokens, the random number in [0, 1) of every sample, (B,), float64."""
    for drawn in zip(*(places_of_one(seed, length, number) for number in numbers), strict=True):
        yield torch.tensor(drawn, dtype=torch.float64)


def places_of_one(seed: int, length: int, number: int) -> Iterator[float]:
    """Yield, for each of `length` tokens, the random number in [0, 1) of one sample."""
    generator = generator_of(seed, number)
    for first in range(0, length, _AHEAD):
        count = min(_AHEAD, length - first)
        yield from torch.rand(count, generator=generator, dtype=torch.float64).tolist()


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
