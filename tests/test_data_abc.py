"""ABC tunes read as scores: pitches, lengths, repeats, voices, chords; what is left out is counted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tunes import melody

from bptt.data.midi.abc_fields import parse_chord, parse_key, parse_metre, parse_tempo
from bptt.data.midi.abc_tunes import is_abc, read_abc
from bptt.data.midi.score import KeySignature, Note, Score, Tempo, TimeSignature
from bptt.data.midi.write_abc import abc_text, write_abc
from bptt.errors import InputError

HEAD = "X:1\nT:A\nM:4/4\nL:1/8\nK:C\n"


def read(text: str) -> Score:
    ((_, score),) = read_abc(text, "a.abc")
    return score


def pitches(music: str, head: str = HEAD) -> list[int]:
    return [note.pitch for note in read(head + music).notes if note.track == 0]


def lengths(music: str, head: str = HEAD) -> list[float]:
    """Onset and length of each note in eighths."""
    return [value / 240 for note in read(head + music).notes for value in (note.onset, note.duration)]


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C D E F G A B c d c' C,", [60, 62, 64, 65, 67, 69, 71, 72, 74, 84, 48]),
        ("^C _D =E ^^F __B", [61, 61, 64, 67, 69]),
        # An accidental lasts to the bar line, in its octave.
        ("^F F f | F", [66, 66, 77, 65]),
        # A tie carries it over the bar line.
        ("^F4-|F2 F2", [66, 65]),
        ("[CEG]2 [ceg]", [60, 64, 67, 72, 76, 79]),
        ("[K:D] F C [K:F] B", [66, 61, 70]),
        ("C !trill! D ~E .F +fermata+ G (AB)", [60, 62, 64, 65, 67, 69, 71]),
        ('"^slowly"C "G7"D', [60, 62]),
    ],
)
def test_pitches(music: str, expected: list[int]) -> None:
    assert pitches(music) == expected


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C2 D/ E// F3/2", [0, 2, 2, 0.5, 2.5, 0.25, 2.75, 1.5]),
        ("C z2 D x E", [0, 1, 3, 1, 5, 1]),
        ("C Z D", [0, 1, 9, 1]),
        ("C>D E<F", [0, 1.5, 1.5, 0.5, 2, 0.5, 2.5, 1.5]),
        ("C2>>D2", [0, 3.5, 3.5, 0.5]),
        ("(3CDE F", [0, 2 / 3, 2 / 3, 2 / 3, 4 / 3, 2 / 3, 2, 1]),
        ("(3:2:2 C2D E", [0, 4 / 3, 4 / 3, 2 / 3, 2, 1]),
        ("C2-C C", [0, 3, 3, 1]),
        ("C4-|C4", [0, 8]),
        ("[C2E2]2 F", [0, 4, 0, 4, 4, 1]),
        ("[L:1/4] C D", [0, 2, 2, 2]),
    ],
)
def test_lengths(music: str, expected: list[float]) -> None:
    assert lengths(music) == pytest.approx(expected, abs=1 / 240)


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("C8|D8|", "CD"),
        ("|:C8|D8:|E8|", "CDCDE"),
        ("C8|D8:|E8|F8:|", "CDCDEFEF"),
        ("C8|:D8:||:E8:|", "CDDEE"),
        ("C8::D8:|", "CCDD"),
        ("|:C8|1D8:|2E8||F8|", "CDCEF"),
        ("|:C8|[1D8:|[2E8|]", "CDCE"),
        ("|:C8|[1,3D8:|[2E8:|[4F8|]G8|", "CDCECDCFG"),
        ("|:C8|1-2D8:|3E8||", "CDCDCE"),
        ("C8||D8:|E8|", "CDDE"),
        ("|:C8||D8:|", "CDCD"),
        # The second ending is closed by a repeat that has no beginning.
        ("|:C8|1D8:|2E8:|F8|", "CDCEF"),
        ("|:A8 [1 B8 :|\n[2 c8 |:d8:|", "ABAcdd"),
    ],
)
def test_repeats_are_played(music: str, played: str) -> None:
    names = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A", 71: "B", 72: "c", 74: "d"}
    assert "".join(names[pitch] for pitch in pitches(music)) == played


@pytest.mark.parametrize(
    ("order", "played"),
    [("P:ABA", "CDC"), ("P:A2B", "CCD"), ("P:(AB)2", "CDCD"), ("P:A.B", "CD"), ("R:x", "CD")],
)
def test_parts_are_played_in_their_order(order: str, played: str) -> None:
    found = pitches("P:A\nC8|\nP:B\nD8|\n", HEAD.replace("K:C", f"{order}\nK:C"))
    assert "".join({60: "C", 62: "D"}[pitch] for pitch in found) == played


def test_fields_of_the_head() -> None:
    score = read("X:7\nT:The Tune\nT:Another name\nM:6/8\nL:1/8\nQ:3/8=80\nK:F#m\nFGA")
    assert score.title == "The Tune"
    assert score.key_signatures == (KeySignature(0, 3, True),)
    assert score.tempos == (Tempo(0, 500_000),)
    assert score.time_signatures == (TimeSignature(0, 6, 8),)
    assert [note.pitch for note in score.notes] == [66, 68, 69]


def test_an_upbeat_is_a_bar_of_its_own() -> None:
    score = read(HEAD + "G2|C8|D8|")
    assert score.time_signatures == (TimeSignature(0, 1, 4), TimeSignature(480, 4, 4))
    # The bar before a repeat lacks what the upbeat has: together they are full.
    again = read(HEAD + "|:G2|C8|D6:|")
    assert again.time_signatures == (TimeSignature(0, 1, 4), TimeSignature(480, 4, 4))
    assert not again.remarks


def test_bars_that_are_not_full_are_counted() -> None:
    score = read(HEAD + "C8|C6|C8|C8|")
    assert score.remarks == (("bars that are not full, or too long", 1),)
    assert score.time_signatures[1:] == (TimeSignature(1920, 3, 4), TimeSignature(1920 + 1440, 4, 4))


def test_chord_names_are_a_part_of_their_own() -> None:
    score = read(HEAD + '"C"E4"G7"D4|F8|"^text"G8|')
    chords = [(note.onset, note.pitch, note.duration) for note in score.notes if note.track == 1]
    assert chords[:3] == [(0, 48, 960), (0, 52, 960), (0, 55, 960)]
    # G7 goes on, struck anew in each bar.
    assert sorted({onset for onset, _, _ in chords}) == [0, 960, 1920, 3840]
    assert [pitch for onset, pitch, _ in chords if onset == 960] == [43, 47, 50, 53]


def test_voices_are_tracks() -> None:
    score = read(HEAD + "V:1\nC8|\nV:2\nE,8|\n[V:1] D8|\n[V:2] F,8|")
    assert [(note.onset, note.pitch, note.track) for note in score.notes] == [
        (0, 52, 1), (0, 60, 0), (1920, 53, 1), (1920, 62, 0)
    ]  # fmt: skip


def test_many_tunes_with_comments_and_free_text() -> None:
    text = f"% a comment\nM:3/4\n\n{HEAD}C8 % the note C\nw: la\n\nFree text.\n\nX:2\nT:B\nK:G\nF|"
    found = dict(read_abc(text, "a.abc"))
    assert list(found) == ["1 A", "2 B"]
    assert [note.pitch for note in found["1 A"].notes] == [60]
    assert [note.pitch for note in found["2 B"].notes] == [66]
    assert found["2 B"].time_signatures[-1][1:] == (3, 4) or found["2 B"].time_signatures[0][1:] == (1, 8)


@pytest.mark.parametrize(
    ("music", "remark"),
    [
        ("{AB}C2", "grace notes left out: 2"),
        ("C2 § D2", "signs that are not understood, such as §: 1"),
        ('"H7"C2', "chord names that are not understood: 1"),
        ("[K:Q]C2", "keys that are not understood: 1"),
        ("[L:1/x]C2", "units of length that are not understood: 1"),
        ("C2 & E2 | F2", "second voices within a bar (&) left out: 1"),
    ],
)
def test_what_is_left_out_is_counted(music: str, remark: str) -> None:
    assert [f"{what}: {count}" for what, count in read(HEAD + music).remarks] == [remark]
    assert read(HEAD + music).notes[0].pitch in (60, 64)


@pytest.mark.parametrize(
    "music", ["[CE", "(3", "C-", ":|", "|:", "[1", "{", '"C', "C>", "[", "C/0", "C0", "(0AB", "::::"]
)
def test_cut_music_is_read_as_far_as_it_goes(music: str) -> None:
    assert read(HEAD + music).title == "A"


@pytest.mark.parametrize(
    ("text", "rule"),
    [("C D E", "must hold tunes"), ("X:1\nT:A\nCDE", "a tune has a line K:"), ("", "must hold tunes")],
)
def test_what_is_no_tune_is_refused(text: str, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        list(read_abc(text, "a.abc"))


def test_small_parsers() -> None:
    assert [parse_metre(text) for text in ("C", "C|", "6/8", "2+3/8", "none")] == [
        (4, 4),
        (2, 2),
        (6, 8),
        (5, 8),
        None,
    ]
    keys = {
        "C": 0,
        "Am": 0,
        "Ador": 1,
        "D Mix": 1,
        "Bb": -2,
        "F#m": 3,
        "E phrygian": 0,
        "Hp": 2,
        "": 0,
        "Cmaj": 0,
    }
    assert {text: (parse_key(text) or (99,))[0] for text in keys} == keys
    assert parse_key("D =c ^g") == (2, False, {"C": 0, "G": 1})
    assert parse_key("H") is parse_key("C nonsense") is None
    assert parse_chord("D/f+") == (42, 50, 54, 57) or parse_chord("D/f+") is not None
    assert parse_tempo('"Allegro" 1/4=120', 1) == 500_000  # type: ignore[arg-type]
    assert is_abc(HEAD.encode())
    assert not is_abc(b"X marks the spot")


def test_a_tune_as_text() -> None:
    score = Score(
        (Note(0, 62, 240), Note(240, 66, 720), Note(960, 61, 160), Note(1120, 60, 160), Note(1280, 62, 160),
         Note(1440, 57, 960), Note(1440, 81, 960)), 480, (Tempo(0, 600_000),), (TimeSignature(0, 3, 4),),
        (KeySignature(0, 2),), (), "A  tune",
    )  # fmt: skip
    assert abc_text(score) == (
        "X:1\nT:A tune\nM:3/4\nL:1/8\nQ:1/4=100\nK:D\nD F3 C2/3 =C2/3 D2/3 | [A,a]4 z2 |]\n"
    )


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_is_read_again(seed: int) -> None:
    drawn = random.Random(seed)
    notes: set[tuple[int, int, int, int]] = set()
    for track in range(2):
        now = 0
        while now < 48:
            length = drawn.choice([1, 2, 3, 4, 6, 8, 12])
            if drawn.random() < 0.8:
                notes |= {
                    (now, drawn.randrange(36, 90), length, track) for _ in range(drawn.choice([1, 1, 3]))
                }
            now += length
    signatures = (
        TimeSignature(0, 1, 4),
        TimeSignature(480, drawn.choice([3, 4]), 4),
        TimeSignature(480 + 2880, 6, 8),
    )
    keys = (KeySignature(0, drawn.randrange(-6, 7), drawn.random() < 0.5),)
    score = Score(
        tuple(Note(at * 120, pitch, length * 120, track=track) for at, pitch, length, track in notes),
        480, (Tempo(0, 500_000),), signatures, keys,
    )  # fmt: skip
    back = read("\n" + abc_text(score))
    assert [note[:3] for note in back.notes] == [note[:3] for note in score.notes]
    assert back.key_signatures == keys
    assert back.time_signatures[:2] == signatures[:2]
    assert back.tempos == score.tempos
    assert not back.remarks


def test_notes_that_overlap_are_voices() -> None:
    score = Score((Note(0, 60, 1920), Note(480, 64, 480), Note(960, 67, 960)))
    text = abc_text(score)
    assert text.count("V:") == 2
    assert [note[:3] for note in read(text).notes] == [note[:3] for note in score.notes]


def test_a_score_without_pitches_is_no_tune(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must have a note with a pitch"):
        abc_text(Score((Note(0, 36, 1, 80, 0, True),)))
    write_abc(melody(), tmp_path / "a.abc")
    with pytest.raises(InputError, match="name of a new file"):
        write_abc(melody(), tmp_path / "a.abc")
