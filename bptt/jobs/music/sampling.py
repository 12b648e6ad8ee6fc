"""Drawing pieces from a model of tokens: step by step, within the grammar and the limits of the user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bptt.data.batches import NOTHING
from bptt.data.midi.music_grammar import GrammarState, MusicGrammar, MusicLimits
from bptt.data.midi.music_vocabulary import Representation, Token, TokenKind
from bptt.errors import InputError
from bptt.jobs.language.network import Continuation, LanguageModel
from bptt.jobs.language.sampling import pick, places_of, shares
from bptt.jobs.language.sampling_options import DrawOptions
from bptt.jobs.music.piece_notation import TokenNotation
from bptt.nn.float64 import doubles

# A piece that a model does not end is cut at the last whole bar within this number of tokens.
_MOST_TOKENS = 8192
_TIMES = (TokenKind.BAR, TokenKind.POSITION, TokenKind.SHIFT)


@dataclass(frozen=True)
class Length:
    """The length of a continuation in bars or in seconds; as the model ends it if both are None."""

    bars: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Drawn:
    """The steps that were drawn, and ln P of each under the model as it is, without limits, in nats."""

    steps: Tensor
    log_probabilities: Tensor


class _Writing:
    """A sample being written: the place in the grammar, and the seconds since the primer."""

    def __init__(self, grammar: MusicGrammar, state: GrammarState, earliest: int, length: Length) -> None:
        self.grammar, self.state, self.earliest, self.length = grammar, state, earliest, length
        self.tokens: list[int] = []
        self.log_p: list[float] = []
        self._seconds, self._bars = 0.0, 0
        self.is_over = False

    def allowed(self) -> Tensor:
        """Return which tokens may follow, (V,) bool."""
        found = torch.from_numpy(self.grammar.allowed(self.state))
        if self.earliest > self.state.step:
            found = self._later(found)
        end = self.grammar.vocabulary.end
        if self.length.seconds is not None and found.sum() > 1:
            found[end] = False
        return found

    def _later(self, found: Tensor) -> Tensor:
        """Return the tokens that lead to the earliest step of the continuation, the first of them a time."""
        of_kind = self.grammar.vocabulary.of_kind
        kept = torch.zeros_like(found)
        for kind in (*_TIMES, TokenKind.METRE):
            kept[of_kind[kind]] = found[of_kind[kind]]
        state, tokens = self.state, self.grammar.vocabulary.tokens
        for number in of_kind[TokenKind.POSITION]:
            kept[number] &= state.bar_start + tokens[number].value >= self.earliest
        shifts = of_kind[TokenKind.SHIFT]
        for number in shifts[:-1]:
            kept[number] &= state.step + tokens[number].value >= self.earliest
        return kept if kept.any() else found

    def read(self, token: int, log_p: float) -> None:
        """Take the next token."""
        grammar = self.grammar
        before = self.state
        self.state = grammar.step(before, token)
        kind = grammar.vocabulary.tokens[token].kind
        if kind is TokenKind.BAR:
            self._seconds += _bar_seconds(before, grammar.vocabulary.resolution) if self._bars else 0.0
            self._bars += 1
        wanted = self.length.seconds
        if token == grammar.vocabulary.end or (wanted is not None and self._seconds >= wanted):
            self.is_over = True
        else:
            self.tokens.append(token)
            self.log_p.append(log_p)


def _bar_seconds(state: GrammarState, resolution: int) -> float:
    """Return how long the present bar lasts."""
    tempo = state.lasting.get(TokenKind.TEMPO, Token(TokenKind.TEMPO, 120)).value
    return (state.bar_end - state.bar_start) / resolution * 60 / tempo


def draw_tokens(
    model: LanguageModel,
    notation: TokenNotation,
    primer: Tensor,
    earliest: int,
    limits: MusicLimits,
    length: Length,
    options: DrawOptions,
    count: int,
) -> list[Drawn]:
    """Draw `count` continuations of a primer, tokens (P,) without End, side by side in one batch.

    None has a note before the step `earliest`. Sample number n of a seed is the same whatever the count.
    Raises InputError for a length that the tokens cannot count.
    """
    vocabulary = notation.vocabulary
    bars = vocabulary.representation is Representation.BARS
    if length.bars is not None and not bars:
        cure = "Give `seconds`"
        raise InputError("bars", "needs a model of bars and positions", "one of performances", cure)
    steps = length.bars
    if length.seconds is not None and not bars:
        steps = max(1, round(length.seconds * vocabulary.resolution))
    grammar = MusicGrammar(vocabulary, replace(limits, length=steps))
    state = grammar.after(primer.tolist()) if len(primer) else grammar.start()
    own = length if bars else Length()
    samples = [_Writing(grammar, state, earliest, own) for _ in range(count)]
    for drawn, log_p in _drawn(model, primer, options, samples):
        for sample, token, value in zip(samples, drawn, log_p, strict=True):
            if not sample.is_over:
                sample.read(token, value)
        if all(sample.is_over for sample in samples):
            break
    return [Drawn(torch.tensor(s.tokens, dtype=torch.int64), torch.tensor(s.log_p)) for s in samples]


def _drawn(
    model: LanguageModel, primer: Tensor, options: DrawOptions, samples: Sequence[_Writing]
) -> Iterator[tuple[list[int], list[float]]]:
    """Yield the next token of every sample, and its ln P."""
    read = torch.cat([primer.new_full((1,), NOTHING), primer])[:, None].expand(-1, len(samples))
    continuation = Continuation(model, read)
    anything = torch.ones(model.vocabulary_size, dtype=torch.bool)
    for places in places_of(options.seed, _MOST_TOKENS, range(len(samples))):
        rows = [anything if sample.is_over else sample.allowed() for sample in samples]
        logits = continuation.logits
        drawn = pick(shares(logits, options, torch.stack(rows)).cpu(), places)
        log_p = doubles(logits).log_softmax(-1).cpu().gather(1, drawn[:, None])[:, 0]
        yield drawn.tolist(), log_p.tolist()
        continuation.read(drawn)
