"""Which tokens may follow: every score is allowed, and what is drawn within the grammar is a score."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tunes import melody, rough

from bptt.data.midi.bars import bars_of
from bptt.data.midi.music_grammar import MusicGrammar, MusicLimits
from bptt.data.midi.music_tokens import decode_tokens, encode_score
from bptt.data.midi.music_vocabulary import MusicVocabulary, Representation, fit_vocabulary
from bptt.data.midi.score import Score

BARS, TIMES = Representation.BARS, Representation.TIMES


def drawn(grammar: MusicGrammar, seed: int, primer: tuple[int, ...] = (), most: int = 300) -> list[int]:
    """Tokens that follow a primer, each drawn from those allowed, by kind first."""
    chance = random.Random(seed)
    state, ids = grammar.after(primer), list(primer)
    while len(ids) < most:
        allowed = np.flatnonzero(grammar.allowed(state)).tolist()
        kinds = sorted({grammar.vocabulary.tokens[number].kind.value for number in allowed})
        kind = chance.choice(kinds)
        ids.append(chance.choice([n for n in allowed if grammar.vocabulary.tokens[n].kind.value == kind]))
        state = grammar.step(state, ids[-1])
        if ids[-1] == grammar.vocabulary.end:
            break
    return ids


def polyphony(score: Score) -> int:
    pitched = [note for note in score.notes if not note.drum]
    return max((sum(a.onset <= b.onset < a.end for a in pitched) for b in pitched), default=0)


@pytest.mark.parametrize("representation", Representation)
@pytest.mark.parametrize("seed", range(6))
def test_every_score_is_allowed(representation: Representation, seed: int) -> None:
    scores = [rough(seed), melody(seed, drums=True), melody(seed)]
    vocabulary = fit_vocabulary(scores[: 1 + seed % 3], representation)
    grammar = MusicGrammar(vocabulary)
    for score in scores:
        state = grammar.start()
        for number in encode_score(score, vocabulary).ids:
            assert grammar.allowed(state)[number], vocabulary.names[number]
            state = grammar.step(state, number)


@pytest.mark.parametrize("representation", Representation)
@pytest.mark.parametrize("seed", range(6))
def test_drawn_tokens_are_those_of_the_score_that_they_say(representation: Representation, seed: int) -> None:
    # One track a program: a drawn piece need not have the tracks that come before its own.
    scores = [
        score.with_notes(note._replace(track=0) for note in score.notes) for score in (rough(1), rough(2))
    ]
    vocabulary = fit_vocabulary(scores, representation)
    grammar = MusicGrammar(vocabulary)
    ids = drawn(grammar, seed, most=500)
    # Behind the last note silence is not written.
    last = (
        max((n for n, each in enumerate(ids) if vocabulary.names[each][:3] in ("Dur", "Dru")), default=-1) + 1
    )
    found = encode_score(decode_tokens(ids, vocabulary), vocabulary)
    names = vocabulary.names
    assert [names[n] for n in found.ids][:last] == [names[n] for n in ids[:last]]
    assert not any("notes" in reason for reason, _ in found.report.lost)


@pytest.mark.parametrize("seed", range(6))
def test_limits_hold(seed: int) -> None:
    vocabulary = fit_vocabulary([rough(1), rough(2)], BARS)
    scale = frozenset(pitch for pitch in range(128) if pitch % 12 in (0, 2, 4, 5, 7, 9, 11))
    limits = MusicLimits(scale, frozenset({5}), False, 2, 6)
    ids = drawn(MusicGrammar(vocabulary, limits), seed, most=3000)
    assert ids[-1] == vocabulary.end
    assert [vocabulary.names[number] for number in ids].count("Bar") == 6
    score = decode_tokens(ids, vocabulary)
    assert {note.pitch for note in score.notes} <= scale
    assert {(note.program, note.drum) for note in score.notes} <= {(5, False)}
    assert polyphony(score) <= 2


@pytest.mark.parametrize("seed", range(4))
def test_a_length_in_steps_holds_behind_a_primer(seed: int) -> None:
    vocabulary = fit_vocabulary([rough(1), rough(2)], TIMES)
    primer = tuple(encode_score(rough(1), vocabulary).ids.tolist()[:50])
    begin = max(note.onset for note in decode_tokens(primer, vocabulary).notes)
    grammar = MusicGrammar(vocabulary, MusicLimits(polyphony=3, length=400))
    ids = drawn(grammar, seed, primer, 20_000)
    assert tuple(ids[:50]) == primer
    assert ids[-1] == vocabulary.end
    last = max(note.onset for note in decode_tokens(ids, vocabulary).notes)
    # Within 4 s, of which the longest shift, 1 s, may be left.
    assert begin + 3000 <= last <= begin + 4000 or last <= begin + 4000


def test_bars_of_a_primer_are_counted_apart() -> None:
    vocabulary = fit_vocabulary([melody()], BARS)
    primer = tuple(encode_score(melody(bars=3), vocabulary).ids.tolist()[:-1])
    ids = drawn(MusicGrammar(vocabulary, MusicLimits(length=2)), 1, primer, 3000)
    assert [vocabulary.names[number] for number in ids].count("Bar") == 5
    assert sum(1 for _ in bars_of(decode_tokens(ids, vocabulary), 12)) <= 5


def test_limits_that_leave_nothing_end_the_piece() -> None:
    vocabulary = fit_vocabulary([melody()], TIMES)
    grammar = MusicGrammar(vocabulary, MusicLimits(pitches=frozenset()))
    assert np.flatnonzero(grammar.allowed(grammar.start())).tolist() == [vocabulary.end]
    bars: MusicVocabulary = fit_vocabulary([melody()], BARS)
    assert drawn(MusicGrammar(bars, MusicLimits(pitches=frozenset(), length=3)), 0)[-1] == bars.end
