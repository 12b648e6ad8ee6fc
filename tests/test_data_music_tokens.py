"""Scores as tokens and back: what the grid holds comes back, what it moves is counted."""

from __future__ import annotations

import json
import random

import pytest
from tunes import melody, rough

from bptt.data.midi.music_tokens import decode_tokens, encode_score
from bptt.data.midi.music_vocabulary import MusicVocabulary, Representation, Token, TokenKind, fit_vocabulary
from bptt.data.midi.score import Note, Score, Tempo, TimeSignature
from bptt.errors import InputError

BARS, TIMES = Representation.BARS, Representation.TIMES


def names(score: Score, vocabulary: MusicVocabulary) -> str:
    return " ".join(vocabulary.names[number] for number in encode_score(score, vocabulary).ids)


def again(score: Score, vocabulary: MusicVocabulary) -> Score:
    return decode_tokens(encode_score(score, vocabulary).ids, vocabulary)


def test_a_tune_as_tokens_of_bars() -> None:
    score = Score(
        (
            Note(0, 60, 480, 80),
            Note(480, 64, 160, 80),
            Note(640, 67, 320, 100),
            Note(1440, 36, 30, 100, 0, True),
        ),
        480,
        (Tempo(0, 600_000),),
        (TimeSignature(0, 3, 4),),
    )
    vocabulary = fit_vocabulary([score], BARS)
    assert names(score, vocabulary) == (
        "Bar Position_0 Velocity_80 Pitch_60 Duration_12 Position_12 Pitch_64 Duration_4 "
        "Position_16 Velocity_100 Pitch_67 Duration_8 Bar Position_0 Drum_36 End"
    )
    # One part, one tempo, one metre: no tokens for them.
    assert set(map(str, vocabulary.fixed)) == {"Metre_3/4", "Tempo_100", "Part_0"}
    back = again(score, vocabulary)
    # Percussion has no length: a sixteenth; and a track of its own.
    assert back == Score(
        (*score.notes[:3], Note(1440, 36, 120, 100, 0, True, 1)), 480, score.tempos, score.time_signatures
    )


def test_a_tune_as_tokens_of_times() -> None:
    # 480 ticks at 100 quarters a minute are 600 ms; above 0.5 s durations are 5 % apart: 580 and 610 ms.
    score = Score(
        (Note(960, 60, 480), Note(1440, 64, 8), Note(1440, 67, 960, 80, 5)), 480, (Tempo(0, 600_000),)
    )
    vocabulary = fit_vocabulary([score], TIMES)
    assert names(score, vocabulary) == (
        "Part_0 Pitch_60 Duration_61 Shift_60 Pitch_64 Duration_1 Part_5 Pitch_67 Duration_120 End"
    )
    report = encode_score(score, vocabulary).report
    assert (report.notes, report.kept, report.moved, report.durations) == (3, 3, 0, 1)
    assert report.lost == (("seconds of silence left out", 1),)
    back = again(score, vocabulary)
    assert [note[:3] for note in back.notes] == [(0, 60, 610), (600, 64, 10), (600, 67, 1200)]
    assert back.seconds == pytest.approx(1.8, abs=1e-12)


@pytest.mark.parametrize("resolution", [12, 24])
def test_triplets_and_sixteenths_lie_on_the_grid(resolution: int) -> None:
    notes = [Note(step * 40, 60 + step, 40) for step in range(0, 48, 4)]
    notes += [Note(step * 30, 80 + step, 120) for step in range(0, 32, 4)]
    report = encode_score(Score(tuple(notes)), fit_vocabulary([Score(tuple(notes))], BARS, resolution)).report
    assert (report.moved, report.durations, report.lost) == (0, 0, ())


def test_onsets_moved_are_counted() -> None:
    # A step has 40 ticks: 10 and 15 off it.
    score = Score((Note(10, 60, 480), Note(440, 62, 480), Note(975, 64, 480)))
    report = encode_score(score, fit_vocabulary([score], BARS)).report
    assert (report.moved, report.shift, report.greatest) == (
        2,
        pytest.approx(12.5 / 40),
        pytest.approx(15 / 40),
    )
    assert "onsets moved: 66.7%, by 0.026 quarter on average, at most 0.0312" in report.lines()


@pytest.mark.parametrize("representation", Representation)
@pytest.mark.parametrize("seed", range(8))
def test_what_the_grid_holds_comes_back(representation: Representation, seed: int) -> None:
    score = rough(seed)
    vocabulary = fit_vocabulary([score], representation, 24 if seed % 2 and representation is BARS else None)
    first = encode_score(score, vocabulary)
    back = decode_tokens(first.ids, vocabulary)
    assert encode_score(back, vocabulary).ids.tolist() == first.ids.tolist()
    assert len(back.notes) == first.report.kept
    assert first.report.kept + sum(count for reason, count in first.report.lost if "notes" in reason) == 80
    moved = {(note.pitch, note.drum) for note in back.notes}
    assert moved == {(note.pitch, note.drum) for note in score.notes}
    if representation is TIMES:
        # From the first note on, an onset moves by 5 ms at most.
        begin = score.seconds_at([score.notes[0].onset])[0]
        wanted = sorted(score.seconds_at([note.onset for note in score.notes]) - begin)
        found = sorted(back.seconds_at([note.onset for note in back.notes]))
        if len(found) == len(wanted):
            assert found == pytest.approx(wanted, abs=0.005 + 1e-9)


def test_bars_follow_the_time_signatures_and_an_upbeat() -> None:
    signatures = (TimeSignature(0, 1, 4), TimeSignature(480, 4, 4), TimeSignature(480 + 1920, 6, 8))
    notes = tuple(Note(tick, 60, 240) for tick in (0, 480, 2400, 2400 + 1440))
    score = Score(notes, 480, (), signatures)
    vocabulary = fit_vocabulary([score], BARS)
    assert names(score, vocabulary).replace(" Pitch_60 Duration_6", "") == (
        "Bar Metre_1/4 Position_0 Bar Metre_4/4 Position_0 Bar Metre_6/8 Position_0 Bar Position_0 End"
    )
    assert again(score, vocabulary).time_signatures == signatures


def test_a_bar_that_is_cut_short_has_a_time_signature_of_its_own() -> None:
    # After one and a half quarters 3/4 begins; and a change off the 16ths waits for the bar line.
    score = Score(
        (Note(0, 60, 9), Note(720, 60, 9)), 480, (), (TimeSignature(0, 4, 4), TimeSignature(720, 3, 4))
    )
    assert "Bar Metre_3/8 " in names(score, fit_vocabulary([score], BARS))
    assert [note.onset for note in again(score, fit_vocabulary([score], BARS)).notes] == [0, 720]
    odd = Score(score.notes, 480, (), (TimeSignature(0, 4, 4), TimeSignature(700, 3, 4)))
    assert [note.onset for note in again(odd, fit_vocabulary([odd], BARS)).notes] == [0, 720]


def test_silence_is_cut_and_counted() -> None:
    score = Score((Note(1920 * 250, 60, 480), Note(1920 * 300, 60, 480)))
    for representation, lost, end in ((BARS, 250 + 33, 17 * 2), (TIMES, 500 + 70, 30)):
        vocabulary = fit_vocabulary([score], representation)
        assert [count for _, count in encode_score(score, vocabulary).report.lost] == [lost]
        assert again(score, vocabulary).seconds == pytest.approx(end + 0.5)


def test_notes_that_the_vocabulary_lacks_are_named() -> None:
    vocabulary = fit_vocabulary([melody(drums=True)], BARS, transposed=(-5, 6))
    pitches = [token.value for token in vocabulary.values[TokenKind.PITCH]]
    assert (pitches[0], pitches[-1]) == (31, 78)
    strange = Score(
        (Note(0, 100, 480), Note(0, 60, 480, 80, 99), Note(0, 90, 480, 80, 0, True), Note(0, 60, 480, 81)),
        480,
        (),
        (TimeSignature(0, 5, 4),),
    )
    encoded = encode_score(strange, vocabulary)
    assert encoded.report.lost == (
        ("notes of programs that the corpus lacks", 1),
        ("notes of percussion that the corpus lacks", 1),
        ("notes outside of the range of the corpus", 1),
    )
    assert [note.pitch for note in decode_tokens(encoded.ids, vocabulary).notes] == [60]


def test_parts_are_tracks_of_a_program() -> None:
    score = Score((Note(0, 60, 480), Note(0, 60, 480, 80, 0, False, 1), Note(0, 60, 480, 80, 7, False, 2)))
    vocabulary = fit_vocabulary([score], BARS)
    assert names(score, vocabulary).replace(" Duration_12", "") == (
        "Bar Position_0 Part_0 Pitch_60 Part_0.1 Pitch_60 Part_7 Pitch_60 End"
    )
    assert again(score, vocabulary).notes == score.notes


@pytest.mark.parametrize("representation", Representation)
def test_any_tokens_are_read(representation: Representation) -> None:
    vocabulary = fit_vocabulary([rough(1), rough(2)], representation)
    drawn = random.Random(0)
    for _ in range(50):
        ids = [drawn.randrange(len(vocabulary)) for _ in range(60)]
        score = decode_tokens(ids, vocabulary)
        assert all(note.duration > 0 for note in score.notes)


@pytest.mark.parametrize("representation", Representation)
def test_a_vocabulary_is_kept_as_json(representation: Representation) -> None:
    vocabulary = fit_vocabulary([rough(1), melody()], representation)
    text = json.dumps(vocabulary.to_json())
    assert MusicVocabulary.from_json(json.loads(text), "v.json") == vocabulary
    assert len(set(vocabulary.names)) == len(vocabulary)


@pytest.mark.parametrize(
    "value", [{}, {"tokens": ["Bar"], "fixed": [], "representation": "bars", "resolution": 12}]
)
def test_a_vocabulary_that_is_none_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"v\.json"):
        MusicVocabulary.from_json(value, "v.json")


def test_an_empty_score_is_its_end() -> None:
    vocabulary = fit_vocabulary([melody()], BARS)
    assert names(Score(()), vocabulary).endswith("End")
    assert str(Token(TokenKind.PART, 3, 1)) == "Part_3.1"
