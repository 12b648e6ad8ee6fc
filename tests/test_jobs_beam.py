"""The searches, asked of a table of probabilities: they are right whatever the network is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from bptt.cells import catalogue
from bptt.data.batches import NOTHING
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError, TrainingError
from bptt.jobs.language.sampling import SamplingOptions
from bptt.jobs.translate.beam import beam_search
from bptt.jobs.translate.drawing import draw
from bptt.jobs.translate.hypotheses import Hypothesis, LengthLimit
from bptt.jobs.translate.network import Generator, Translator
from bptt.jobs.translate.options import BeamOptions, DecoderOptions
from bptt.models.encoder import Encoder
from bptt.models.inputs import SeriesInput, TokenInput
from bptt.models.options import EncoderOptions, TokenOptions

V = 4
EPS = torch.finfo(torch.float64).eps


@cache
def prediction(source: int, length: int, written: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Ln P (V,) of what follows, and the attention (length,), both drawn for this history alone."""
    random = np.random.default_rng([source, length, len(written), *written])
    logits = torch.from_numpy(random.normal(0, 1.5, V))
    weights = torch.from_numpy(random.dirichlet([0.3] * length) if length else np.zeros(0))
    return logits.log_softmax(0), weights


@dataclass(frozen=True)
class Table:
    """Sources (number, length), each row with what was written; the attention is padded with NaN."""

    rows: tuple[tuple[int, int, tuple[int, ...]], ...]

    def select(self, rows: Tensor) -> Table:
        return Table(tuple(self.rows[row] for row in rows.tolist()))


def step(tokens: Tensor, table: Table) -> tuple[Tensor, Table, Tensor]:
    new = [() if token == NOTHING else (token,) for token in tokens.tolist()]
    rows = tuple((s, n, (*before, *one)) for (s, n, before), one in zip(table.rows, new, strict=True))
    found = [prediction(*row) for row in rows]
    widest = 7
    weights = [torch.cat([w, w.new_full((widest - len(w),), math.nan)]) for _, w in found]
    return torch.stack([p for p, _ in found]), Table(rows), torch.stack(weights)


def start(sources: Sequence[tuple[int, int]]) -> Table:
    return Table(tuple((number, length, ()) for number, length in sources))


def search(sources, options: BeamOptions, limit: LengthLimit) -> list[list[Hypothesis]]:
    return beam_search(step, start(sources), [length for _, length in sources], options, limit)


def judge(source: tuple[int, int], tokens: tuple[int, ...], options: BeamOptions) -> tuple[float, float]:
    """The score and ln P of a whole sequence, by the formulas of Wu et al. 2016, eq. 14."""
    whole = (*tokens, END)
    found = [prediction(*source, whole[:t]) for t in range(len(whole))]
    log_probability = math.fsum(float(p[token]) for (p, _), token in zip(found, whole, strict=True))
    length = (5 + len(whole)) / (5 + 1) if options.penalty == "gnmt" else len(whole)
    coverage = 0.0
    for place in range(source[1]):
        coverage += math.log(min(math.fsum(float(w[place]) for _, w in found), 1.0))
    return log_probability / length**options.alpha + options.beta * coverage, log_probability


def every(limit: int, without: tuple[int, ...] = (END,)) -> list[tuple[int, ...]]:
    """All sequences of at most `limit` tokens, the last of which, <eos>, is left out."""
    letters = [token for token in range(V) if token not in without]
    return [tokens for length in range(limit) for tokens in product(letters, repeat=length)]


def by_hand(source: tuple[int, int], options: BeamOptions, limit: int) -> list[tuple[int, ...]]:
    """A beam search over lists that never stops before `width` have ended or the length is reached."""
    opened, ended = [(0.0, ())], []
    for place in range(1, limit + 1):
        going = []
        for log_probability, tokens in opened:
            for token, p in enumerate(prediction(*source, tokens)[0].tolist()):
                if place < limit or token == END:
                    going.append((log_probability + p, (*tokens, token)))
        going.sort(reverse=True)
        ended += [tokens[:-1] for _, tokens in going[: options.width] if tokens[-1] == END]
        opened = [each for each in going if each[1][-1] != END][: options.width]
        if len(ended) >= options.width:
            break
    ended.sort(key=lambda tokens: -judge(source, tokens, options)[0])
    return ended[: options.n_best]


SCORINGS = [
    BeamOptions(alpha=0),
    BeamOptions(alpha=0.6),
    BeamOptions(penalty="power"),
    BeamOptions(penalty="power", alpha=0.5, beta=0.7),
    BeamOptions(alpha=2.5, beta=0.2),
]


@pytest.mark.parametrize("options", SCORINGS, ids=str)
def test_a_beam_as_wide_as_the_space_finds_the_best_of_all(options: BeamOptions) -> None:
    limit, sources = 5, [(seed, 3) for seed in range(5)]
    space = every(limit)
    options = replace(options, width=len(space), n_best=len(space))
    for source, found in zip(sources, search(sources, options, LengthLimit(limit, 0)), strict=True):
        wanted = sorted(space, key=lambda tokens: -judge(source, tokens, options)[0])
        assert [each.tokens for each in found] == wanted


@pytest.mark.parametrize("options", SCORINGS, ids=str)
@pytest.mark.parametrize(("width", "n_best"), [(1, 1), (2, 1), (3, 3), (5, 2)])
def test_to_stop_early_changes_nothing(options: BeamOptions, width: int, n_best: int) -> None:
    options = replace(options, width=width, n_best=n_best)
    sources = [(seed, 1 + seed % 4) for seed in range(40)]
    limit = LengthLimit(3, 1.5)
    found = search(sources, options, limit)
    for source, hypotheses in zip(sources, found, strict=True):
        wanted = by_hand(source, options, 3 + int(1.5 * source[1]))
        assert [each.tokens for each in hypotheses] == wanted
        for each in hypotheses:
            score, log_probability = judge(source, each.tokens, options)
            # At most 9 sums, and coverage of at most 4 places, each of magnitude below 50.
            assert each.log_probability == pytest.approx(log_probability, abs=EPS * 9 * 50)
            assert each.score == pytest.approx(score, abs=EPS * (9 + 4 * 9) * 50)


def test_a_search_stops_when_nothing_better_can_come() -> None:
    """2 and then <eos> have P = 0.81; nothing else is above 0.1, whatever comes of it."""
    calls = []

    def sure(tokens: Tensor, table: Table) -> tuple[Tensor, Table, Tensor]:
        calls.append(len(tokens))
        log_probabilities = torch.full((len(tokens), V), 0.1 / (V - 1)).log()
        log_probabilities[:, 2] = math.log(0.9)
        log_probabilities[tokens == 2] = log_probabilities[tokens == 2][:, [0, 2, 1, 3]]
        return log_probabilities, table, torch.zeros(len(tokens), 0)

    # The best open hypothesis, P = 0.03, may grow to 50 tokens and score ln 0.03 / (55 / 6)^alpha: more than
    # the ended one, ln 0.81 / (7 / 6)^alpha, if alpha is above 1.36.
    for alpha, at_once in ((0.0, True), (1.3, True), (1.4, False)):
        calls.clear()
        options = BeamOptions(width=3, alpha=alpha)
        found = beam_search(sure, start([(0, 0)]), [0], options, LengthLimit(50))
        assert found[0][0].tokens == (2,)
        assert (len(calls) == 2) == at_once


def test_a_beam_of_one_is_the_greedy_search() -> None:
    sources = [(seed, 2) for seed in range(60)]
    limit = LengthLimit(6, 0.5)
    greedy = draw(step, start(sources), [2] * 60, SamplingOptions(temperature=0), range(60), limit)
    for alpha in (0.0, 1.0):
        beams = search(sources, BeamOptions(width=1, alpha=alpha), limit)
        assert [each.tokens for (each,) in beams] == [each.tokens for each in greedy]
        assert [each.log_probability for (each,) in beams] == [each.log_probability for each in greedy]
    assert {len(each.tokens) for each in greedy} >= {0, 1, 2, 6}


def test_what_is_found_for_a_source_does_not_depend_on_the_others() -> None:
    sources = [(seed, seed % 5) for seed in range(12)]
    options, limit = BeamOptions(width=3, n_best=3, beta=0.5), LengthLimit(2, 2)
    together = search(sources, options, limit)
    for source, beside in zip(sources, together, strict=True):
        (alone,) = search([source], options, limit)
        assert [(each.tokens, each.score) for each in alone] == [(each.tokens, each.score) for each in beside]
        assert all(torch.equal(a.attention, b.attention) for a, b in zip(alone, beside, strict=True))


def test_the_attention_of_each_token_is_kept() -> None:
    sources = [(1, 4), (2, 2), (3, 0)]
    drawn = draw(step, start(sources), [4, 2, 0], SamplingOptions(seed=5), range(3))
    for source, found in zip(sources, search(sources, BeamOptions(n_best=4), LengthLimit(7)), strict=True):
        for each in [*found, drawn[source[0] - 1]]:
            assert each.attention.shape == (len(each.tokens) + 1, source[1])
            for place, weights in enumerate(each.attention):
                assert torch.equal(weights, prediction(*source, each.tokens[:place])[1])


def test_the_unknown_word_is_never_written_if_asked() -> None:
    limit, sources = 4, [(seed, 1) for seed in range(30)]
    space = every(limit, (END, UNKNOWN))
    options = BeamOptions(width=len(space), n_best=len(space), refuse_unknown=True)
    for source, found in zip(sources, search(sources, options, LengthLimit(limit, 0)), strict=True):
        wanted = sorted(space, key=lambda tokens: -judge(source, tokens, options)[0])
        assert [each.tokens for each in found] == wanted
    assert any(UNKNOWN in found[0].tokens for found in search(sources, BeamOptions(), LengthLimit(limit)))


def test_samples_have_the_probabilities_of_the_network() -> None:
    count, limit = 4000, 3
    lengths = [0] * count
    drawn = draw(step, start([(7, 0)] * count), lengths, SamplingOptions(), range(count), LengthLimit(limit))
    counts = Counter(each.tokens for each in drawn)
    for tokens in every(limit):
        # In the last place <eos> is certain.
        free = judge((7, 0), tokens, BeamOptions())[1]
        free -= float(prediction(7, 0, tokens)[0][END]) if len(tokens) == limit - 1 else 0.0
        p = math.exp(free)
        assert abs(counts[tokens] - count * p) <= 5 * (count * p * (1 - p)) ** 0.5 + 1
    assert sum(counts.values()) == count


def test_a_sample_depends_on_its_number_and_its_source_alone() -> None:
    sources, numbers = [(seed, 1) for seed in range(8)], range(10, 18)
    options = SamplingOptions(seed=2, temperature=0.9, top_k=3, top_p=0.95)
    together = draw(step, start(sources), [1] * 8, options, numbers)
    for source, number, wanted in zip(sources, numbers, together, strict=True):
        (alone,) = draw(step, start([source]), [1], options, [number])
        assert (alone.tokens, alone.score) == (wanted.tokens, wanted.score)
    assert together[0].log_probability == pytest.approx(judge((0, 1), together[0].tokens, BeamOptions())[1])
    short = draw(step, start(sources), [1] * 8, replace(options, length=2), numbers)
    assert {len(each.tokens) for each in short} <= {0, 1}


@pytest.mark.parametrize(("attention", "fed"), [("additive", True), ("general", False), ("none", False)])
def test_scores_are_those_of_teacher_forcing(attention: str, fed: bool) -> None:
    torch.manual_seed(3)
    encoder = Encoder(TokenInput(7, TokenOptions(4)), catalogue.get("gru"), EncoderOptions(hidden_size=6))
    options = DecoderOptions(8, 2, embedding_size=5, attention=attention, input_feeding=fed)
    model = Translator(encoder, 6, catalogue.get("lstm"), options).double().eval()
    source = torch.tensor([[3, 4, 5, 6], [2, 2, NOTHING, NOTHING], [NOTHING] * 4]).t()
    lengths = torch.tensor([4, 2, 0])
    # Flat as it is at first, it would write the longest sequences alone.
    model.output.weight.data *= 8
    options = BeamOptions(width=4, n_best=4, alpha=0)
    found = beam_search(
        model.step, model.start((source,), lengths), lengths.tolist(), options, LengthLimit(9)
    )
    # Each of at most 9 tokens: sums of 8 units in some ten products, magnitudes below 20.
    close = EPS * 9 * 10 * 10 * 20
    for row, hypotheses in enumerate(found):
        assert len(hypotheses) == 4
        for each in hypotheses:
            inputs = torch.tensor([NOTHING, *each.tokens])[:, None]
            targets = torch.tensor([*each.tokens, END])[:, None]
            state = model.start((source[:, row : row + 1],), lengths[row : row + 1])
            output, weights, _ = model.read(inputs, state)
            loss = model.loss(output, targets, "sum")
            assert each.log_probability == pytest.approx(-loss.item(), abs=close)
            assert torch.allclose(each.attention, weights[:, 0, : lengths[row]], rtol=0, atol=close)


def test_a_network_without_numbers_is_an_error() -> None:
    def broken(tokens: Tensor, table: Table) -> tuple[Tensor, Table, Tensor]:
        return torch.full((len(tokens), V), math.nan), table, torch.zeros(len(tokens), 0)

    with pytest.raises(TrainingError, match="must give some token a probability"):
        beam_search(broken, start([(0, 0)]), [0], limit=LengthLimit(3))


def test_coverage_needs_attention() -> None:
    torch.manual_seed(0)
    none = DecoderOptions(4, attention="none")
    model = Generator(SeriesInput(3), 6, catalogue.get("gru"), none).eval()
    with pytest.raises(InputError, match=r"beta: a coverage penalty needs a network with attention, got 0.5"):
        beam_search(
            model.step, model.start((torch.eye(3)[None],), torch.ones(3)), [0] * 3, BeamOptions(beta=0.5)
        )


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"width": 0}, "width: is a whole number of at least 1"),
        ({"width": 2, "n_best": 3}, "n_best: is at most the width of the beam, 2, got 3"),
        ({"alpha": -0.1}, "alpha: is from 0 to 10, got -0.1"),
        ({"beta": math.nan}, "beta: is a finite number of at least 0"),
        ({"penalty": "none"}, "penalty: is one of gnmt, power"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        BeamOptions(**options)
