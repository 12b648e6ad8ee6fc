"""Keys, histograms, polyphony, copied runs and variations of scores, against values worked out by hand."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from tunes import melody, rough

from bptt.data.midi.copied_runs import CorpusRuns, variants
from bptt.data.midi.key_profiles import Key, estimate_key, key_of, share_in_key
from bptt.data.midi.score import KeySignature, Note, Score, Tempo
from bptt.data.midi.score_measures import distance, histogram, measure_scores
from bptt.data.midi.score_variation import ScoreVariation, faster_by, louder_by, transposed, vary
from bptt.errors import InputError

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0), (0, 2, 3, 5, 7, 8, 11, 12, 7, 3, 0)


def line(*pitches: int, duration: int = 240, drum: bool = False) -> Score:
    return Score(tuple(Note(240 * n, pitch, duration, drum=drum) for n, pitch in enumerate(pitches)))


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("steps", "minor"), [(MAJOR, False), (MINOR, True)])
def test_the_key_of_a_scale_is_found(tonic: int, steps: tuple[int, ...], minor: bool) -> None:
    score = line(*(60 + tonic + step for step in steps))
    assert estimate_key(score) == Key(tonic, minor)
    assert share_in_key(score) == 1
    signature = Key(tonic, minor).signature
    assert (signature.tonic, signature.minor) == (tonic, minor)
    assert abs(signature.sharps) <= 6


def test_the_share_in_key() -> None:
    score = line(60, 62, 61, 66, 64)
    assert share_in_key(score, Key(0)) == 3 / 5
    assert share_in_key(line(61, drum=True), Key(0)) == 1
    assert key_of(Score(score.notes, 480, (), (), (KeySignature(0, -1, True),))) == Key(2, True)
    assert str(Key(10, True)) == "Bb minor"


def test_measures_by_hand() -> None:
    score = Score(
        (Note(0, 60, 480, 80), Note(240, 64, 240, 80), Note(960, 67, 960, 40), Note(960, 36, 10, 80, 0, True))
    )
    found = measure_scores([score, Score(())])
    assert (found.notes, found.in_key, found.most, found.hanging) == (4, 1, 2, 0)
    # 480 + 240 + 960 ticks of notes over 480 + 960 ticks.
    assert found.polyphony == pytest.approx(1680 / 1440)
    assert found.gaps == {Fraction(1, 2): 0.5, Fraction(3, 2): 0.5}
    assert found.durations == {Fraction(1): 1 / 3, Fraction(1, 2): 1 / 3, Fraction(2): 1 / 3}
    assert found.velocities == {80: 0.75, 40: 0.25}
    assert measure_scores([Score((Note(0, 60, 480 * 40),))]).hanging == 1


def test_distances_of_histograms() -> None:
    first, second = histogram("aab"), histogram("abb")
    assert distance(first, first) == 0
    assert distance(first, second) == pytest.approx(1 / 3)
    assert distance(first, histogram("c")) == pytest.approx(1)


def run_by_brute_force(first: list[int], second: list[int]) -> int:
    """The longest run of intervals that two lines share, in notes."""
    a, b = ([y - x for x, y in pairwise(pitches)] for pitches in (first, second))
    best = 0
    for i in range(len(a)):
        for j in range(len(b)):
            size = 0
            while i + size < len(a) and j + size < len(b) and a[i + size] == b[j + size]:
                size += 1
            best = max(best, size)
    return best + 1 if best else 0


@pytest.mark.parametrize("seed", range(10))
def test_the_longest_run_is_that_of_brute_force(seed: int) -> None:
    drawn = random.Random(seed)
    corpus = [[drawn.randrange(60, 64) for _ in range(40)] for _ in range(4)]
    asked = [drawn.randrange(70, 74) for _ in range(40)]
    found = CorpusRuns([line(*pitches) for pitches in corpus]).longest(line(*asked))
    assert found.notes == max(run_by_brute_force(asked, pitches) for pitches in corpus)
    # The place that it names holds the run.
    there = corpus[found.score][found.at : found.at + found.notes]
    assert run_by_brute_force(asked, there) == found.notes


def test_a_copy_in_another_key_and_tempo_is_found() -> None:
    corpus = [melody(seed, 8) for seed in range(20)]
    runs = CorpusRuns(corpus)
    moved = faster_by(transposed(corpus[7], 4), 1.3)
    slower = Score(
        tuple(note._replace(onset=2 * note.onset, duration=2 * note.duration) for note in moved.notes)
    )
    for score in (moved, slower):
        found = runs.longest(score)
        assert (found.notes, found.score) == (32, 7)
    assert runs.longest(line(60)).notes == 0
    assert CorpusRuns([]).longest(melody()).notes == 0


def test_chords_and_percussion_are_compared_by_what_sounds() -> None:
    chords = Score(tuple(Note(480 * n, pitch, 480) for n in range(5) for pitch in (60, 64, 67 + n % 2)))
    assert CorpusRuns([chords]).longest(transposed(chords, 3)).notes == 5
    assert CorpusRuns([chords]).longest(line(60, 61, 60)).notes == 0
    beat = line(36, 42, 38, 42, 36, drum=True)
    assert CorpusRuns([beat]).longest(beat).notes == 5
    assert CorpusRuns([beat]).longest(line(37, 43, 39, 43, 37, drum=True)).notes == 0


def joined(*pitches: Sequence[int]) -> Score:
    return line(*(pitch for part in pitches for pitch in part))


def test_variants_share_a_run_directly_or_through_another() -> None:
    draw = random.Random(3)
    a, b, c, d = ([draw.randrange(60, 72) for _ in range(30)] for _ in range(4))
    first, both, last, other = joined(a, b), joined(c, b[2:]), joined(c[2:], d), joined(d[15:], a[15:])
    half = Score(
        tuple(note._replace(onset=note.onset // 2, duration=note.duration // 2) for note in last.notes), 240
    )
    slow = Score(tuple(note._replace(onset=2 * note.onset) for note in other.notes))
    scores = [first, other, both, slow, transposed(last, 5), half]
    # 24 steps are 25 notes: `other` has 15 of two of them, `slow` other times between its notes.
    one, two, three, four, five, six = variants(scores, 24)
    assert one == three == five == six and len({one, two, four}) == 3
    assert len(set(variants(scores, 14))) == 2


def test_variants_of_short_tunes_and_of_percussion_are_equal() -> None:
    beat, chord = line(36, 42, drum=True), melody(2, drums=True)
    scores = [line(60, 62), line(65, 67), line(60, 62, 64), line(60), line(71), beat, beat, chord]
    chord_up = transposed(chord, 4)
    found = variants([*scores, chord_up, line(42, 36, drum=True), melody(3)], 24)
    groups = [sorted(n for n, each in enumerate(found) if each == one) for one in dict.fromkeys(found)]
    assert groups == [[0, 1], [2], [3, 4], [5, 6], [7, 8], [9], [10]]
    assert variants([], 24) == []


def test_runs_are_found_fast() -> None:
    corpus = [melody(seed, 200, grid=1) for seed in range(20)]
    begin = time.process_time()
    runs = CorpusRuns(corpus)
    assert runs.longest(corpus[10]).notes == 800
    # 24,000 notes; by brute force it would take an hour.
    assert time.process_time() - begin < 5


def test_transposition_stays_in_the_range_and_spares_percussion() -> None:
    score = melody(drums=True)
    up = transposed(score, 5)
    assert [a.pitch - b.pitch for a, b in zip(up.notes, score.notes, strict=True) if not b.drum] == [5] * 24
    assert sorted(note.pitch for note in up.notes if note.drum) == sorted(
        note.pitch for note in score.notes if note.drum
    )
    assert max(note.pitch for note in transposed(score, 100).notes) == 127
    assert min(note.pitch for note in transposed(score, -12, lowest=30).notes if not note.drum) == 30
    assert transposed(transposed(score, 5), -5) == score
    keyed = Score(score.notes, 480, (), (), (KeySignature(0, 0),))
    assert [transposed(keyed, n).key_signatures[0].tonic for n in range(-5, 7)] == [
        n % 12 for n in range(-5, 7)
    ]


def test_tempo_and_velocity() -> None:
    score = Score((Note(0, 60, 480, 120), Note(480, 60, 480, 3)), 480, (Tempo(480, 1_000_000),))
    assert faster_by(score, 2).tempos == (Tempo(0, 250_000), Tempo(480, 500_000))
    assert faster_by(score, 2).seconds == pytest.approx(score.seconds / 2)
    assert [note.velocity for note in louder_by(score, 20).notes] == [127, 23]
    assert [note.velocity for note in louder_by(score, -20).notes] == [100, 1]
    with pytest.raises(InputError, match="above 0"):
        faster_by(score, 0)


def test_variations_are_drawn_from_their_seed() -> None:
    score, variation = rough(1), ScoreVariation()
    assert vary(score, variation, 3) == vary(score, variation, 3)
    found = [vary(score, variation, seed) for seed in range(60)]
    shifts = {
        next(a.pitch - b.pitch for a, b in zip(each.notes, score.notes, strict=True) if not b.drum)
        for each in found
    }
    assert shifts == set(range(-5, 7))
    ratios = [each.seconds / score.seconds for each in found]
    assert 0.94 < min(ratios) < 0.97 < 1.03 < max(ratios) < 1.06
    assert vary(score, ScoreVariation(0, 0, 0, 0), 1).notes == score.notes
    with pytest.raises(InputError, match="ranges of at least 0"):
        ScoreVariation(-1)
