"""MIDI files read and written: against mido as an independent reader, and byte by byte."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest
from tunes import END, NOTE, SLOW, melody, midi

from bptt.data.midi.read_midi import midi_scores, read_midi
from bptt.data.midi.score import KeySignature, Note, Score, Tempo, TimeSignature
from bptt.data.midi.write_midi import midi_bytes, write_midi
from bptt.errors import InputError


def read(data: bytes) -> Score:
    (score,) = midi_scores(data, "x.mid")
    return score


def remarks(data: bytes) -> dict[str, int]:
    return dict(read(data).remarks)


def seconds(data: bytes) -> Iterator[tuple[float, int, int]]:
    """Onset in seconds, pitch and velocity of each note as mido plays them."""
    now = 0.0
    for message in mido.MidiFile(file=io.BytesIO(data)):
        now += message.time
        if message.type == "note_on" and message.velocity:
            yield now, message.note, message.velocity


def test_a_score_is_written_and_read_again_as_it_was() -> None:
    score = Score(
        (
            *melody(drums=True).notes,
            Note(960, 60, 0),
            Note(965, 61, 1, 1, 127),
            Note(2000, 61, 10, 127, 5, False, 1),
        ),
        480,
        (Tempo(0, 480_000), Tempo(700, 999_999)),
        (TimeSignature(0, 3, 8), TimeSignature(720, 12, 16)),
        (KeySignature(0, -3, True), KeySignature(720, 7)),
        ("Flöte", "笛", "c"),
        "Ein Stück",
    )
    assert read(midi_bytes(score)) == score


def test_mido_reads_what_is_written() -> None:
    score = melody(3, drums=True)
    score = Score(score.notes, 480, (Tempo(0, 480_000), Tempo(900, 300_000)), score.time_signatures)
    data = midi_bytes(score)
    onsets = score.seconds_at([note.onset for note in score.notes])
    wanted = sorted(
        (float(onset), note.pitch, note.velocity) for onset, note in zip(onsets, score.notes, strict=True)
    )
    found = sorted(seconds(data))
    assert [each[1:] for each in found] == [each[1:] for each in wanted]
    # mido adds up ticks of at least 0.6 ms in float64: 100 additions err by less than 1e-12 s.
    assert [each[0] for each in found] == pytest.approx([each[0] for each in wanted], abs=1e-12)
    file = mido.MidiFile(file=io.BytesIO(data))
    messages = [message for track in file.tracks for message in track]
    assert {message.program for message in messages if message.type == "program_change"} == {0, 32}
    assert {message.channel for message in messages if message.type == "note_on" and message.note == 42} == {
        9
    }
    ons = sum(message.type == "note_on" for message in messages)
    assert ons == sum(message.type == "note_off" for message in messages) == len(score.notes)


def test_what_mido_writes_is_read() -> None:
    file = mido.MidiFile(ticks_per_beat=220)
    conductor, piano = mido.MidiTrack(), mido.MidiTrack()
    file.tracks += [piano, conductor]
    conductor.append(mido.MetaMessage("time_signature", numerator=6, denominator=8, time=0))
    conductor.append(mido.MetaMessage("set_tempo", tempo=400_000, time=110))
    conductor.append(mido.MetaMessage("key_signature", key="F#m", time=0))
    piano.append(mido.MetaMessage("track_name", name="piano", time=0))
    piano.append(mido.Message("program_change", channel=3, program=12, time=0))
    piano.append(mido.Message("note_on", channel=3, note=60, velocity=33, time=110))
    piano.append(mido.Message("note_on", channel=3, note=60, velocity=0, time=220))
    piano.append(mido.Message("program_change", channel=3, program=40, time=0))
    piano.append(mido.Message("note_on", channel=3, note=72, velocity=44, time=0))
    piano.append(mido.Message("note_off", channel=3, note=72, velocity=0, time=55))
    out = io.BytesIO()
    file.save(file=out)
    score = read(out.getvalue())
    assert score == Score(
        (Note(110, 60, 220, 33, 12), Note(330, 72, 55, 44, 40)),
        220,
        (Tempo(110, 400_000),),
        (TimeSignature(0, 6, 8),),
        (KeySignature(110, 3, True),),
        ("piano",),
    )
    assert score.remarks == ()
    # Half a quarter at 120, then 1.25 at 150 quarters a minute.
    assert score.seconds == pytest.approx(0.25 + 1.25 * 0.4, abs=1e-12)
    assert score.ticks_at(score.seconds_at(range(0, 400, 7))).tolist() == list(range(0, 400, 7))


def test_the_first_on_ends_at_the_first_off() -> None:
    # On at 0 and 10, off at 20 and 50.
    data = midi(bytes.fromhex("00 90 3c 50  0a 3c 40  0a 3c 00  1e 3c 00") + END)
    assert read(data).notes == (Note(0, 60, 20, 80), Note(10, 60, 40, 64))
    assert remarks(data) == {"notes struck while their pitch sounds": 1}


def test_tracks_on_one_channel_are_kept_apart() -> None:
    score = read(midi(NOTE + END, NOTE + END))
    assert score.notes == (Note(0, 60, 96), Note(0, 60, 96, track=1))


def test_a_track_without_a_program_has_that_of_its_channel() -> None:
    program = bytes.fromhex("00 c0 07")
    assert [note.program for note in read(midi(program + END, NOTE + END)).notes] == [7]
    own = bytes.fromhex("00 c0 09")
    score = read(midi(program + NOTE + END, own + NOTE + END))
    assert [note.program for note in score.notes] == [7, 9]


def test_type_2_holds_a_piece_in_each_track() -> None:
    one, two = midi_scores(midi(NOTE + END, SLOW + NOTE + END, type=2), "x.mid")
    assert (one.seconds, two.seconds) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("division", "ticks", "seconds"),
    [(0xE728, 1000, 1.0), (0xE250, 2400, 1.0), (0xE350, 2400, 1.001), (0xE808, 192, 1.0)],
)
def test_smpte_division_counts_frames(division: int, ticks: int, seconds: float) -> None:
    # E7 28: 25 frames of 40 ticks; E2 50: 30 of 80; E3 50: 29.97 of 80; E8 08: 24 of 8. No tempo counts.
    delta = bytes([ticks >> 7 | 0x80, ticks & 0x7F])
    data = midi(
        SLOW + bytes.fromhex("00 90 3c 50") + delta + bytes.fromhex("80 3c 40") + END, division=division
    )
    assert read(data).seconds == pytest.approx(seconds, abs=1e-12)
    assert read(midi_bytes(read(data))).seconds == pytest.approx(seconds, abs=1e-12)


def test_the_pedal_lengthens_notes_until_it_rises_or_they_are_struck_again() -> None:
    down = "00 b0 40 7f  00 90 3c 50  0a 90 3c 00  0a 90 3c 50  0a 90 3c 00"
    up = "0a b0 40 00  00 90 3e 50  05 90 3e 00"
    score = read(midi(bytes.fromhex(down + up) + END))
    assert score.notes == (Note(0, 60, 20), Note(20, 60, 20), Note(40, 62, 5))
    assert dict(score.remarks) == {"notes lengthened by the pedal": 2}


def test_all_notes_off_ends_what_sounds() -> None:
    data = midi(bytes.fromhex("00 90 3c 50  00 91 3c 50  0a b0 7b 00  0a 91 3c 00") + END)
    assert [note.duration for note in read(data).notes] == [10, 20]


@pytest.mark.parametrize(("name", "text"), [("Flöte", "latin-1"), ("ピアノ", "shift_jis"), ("竹笛", "utf-8")])
def test_names_in_the_usual_encodings(name: str, text: str) -> None:
    data = name.encode(text)
    assert read(midi(bytes([0, 0xFF, 3, len(data)]) + data + NOTE + END)).track_names == (name,)


def test_more_programs_and_tracks_than_channels() -> None:
    many = Score(tuple(Note(10 * n, 60, 5, 80, n, False, n) for n in range(40)))
    assert read(midi_bytes(many)).notes == many.notes
    tracks = Score(tuple(Note(10 * n, 60, 5, 80, n % 3, False, n) for n in range(40)))
    assert read(midi_bytes(tracks)).notes == tracks.notes


def test_files_are_written_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    write_midi(melody(), path)
    assert read_midi(path) == (melody(),)
    with pytest.raises(InputError, match="must be the name of a new file"):
        write_midi(melody(), path)


@pytest.mark.parametrize(
    "score",
    [Score((Note(0, 128, 1),)), Score((Note(0, 60, 1, 0),)), Score((Note(-1, 60, 1),)), Score((), 40_000)],
)
def test_what_the_format_cannot_hold_is_refused(score: Score) -> None:
    with pytest.raises(InputError):
        midi_bytes(score)


BROKEN = {
    "velocity above 127": (NOTE[:3] + b"\xd0" + NOTE[4:] + END, 1, "data bytes above 127"),
    "pitch above 127": (b"\x00\x90\xbc\x50" + NOTE + END, 1, "data bytes above 127"),
    "no end": (NOTE[:4] + bytes.fromhex("60 ff 2f 00"), 1, "notes without an end, ended with their track"),
    "off alone": (NOTE[4:] + NOTE + END, 1, "ends of notes that do not sound"),
    "length 0": (b"\x00\x90\x3c\x50\x00\x80\x3c\x40" + END, 1, "notes of length 0"),
    "no status": (b"\x00\x3c" + NOTE[1:] + END, 1, "data bytes before the first status"),
    "tempo 0": (bytes.fromhex("00 ff 51 03 00 00 00") + NOTE + END, 1, "tempos of no length"),
    "tempo cut": (bytes.fromhex("00 ff 51 01 07") + NOTE + END, 1, "tempos of no length"),
    "metre 0/4": (bytes.fromhex("00 ff 58 04 00 02 18 08") + NOTE + END, 1, "time signatures that are none"),
    "metre 4/2^200": (
        bytes.fromhex("00 ff 58 04 04 c8 18 08") + NOTE + END,
        1,
        "time signatures that are none",
    ),
    "key of 40 sharps": (bytes.fromhex("00 ff 59 02 28 00") + NOTE + END, 1, "key signatures that are none"),
    "endless time": (
        NOTE + b"\xff\xff\xff\xff\xff\xff" + NOTE,
        1,
        "tracks left at a time of more than 4 bytes",
    ),
    "half an event": (NOTE + b"\x00\x90\x3c", 1, "tracks that end within an event"),
    "half a meta event": (NOTE + b"\x00\xff\x01\x7fab", 1, "tracks that end within an event"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_track_gives_what_is_there_and_a_count(name: str) -> None:
    events, notes, reason = BROKEN[name]
    score = read(midi(events))
    assert len(score.notes) == notes
    assert dict(score.remarks)[reason] == 1


def test_running_status_goes_on_behind_meta_and_sysex() -> None:
    data = midi(
        bytes.fromhex("00 90 3c 50  00 ff 01 01 41  60 3c 00  00 f0 02 01 f7  00 3e 50  60 3e 00") + END
    )
    assert read(data).notes == (Note(0, 60, 96), Note(96, 62, 96))


def test_a_cut_file_gives_every_whole_event() -> None:
    data = midi_bytes(melody())
    for size in range(len(data) - 1, 60, -7):
        score = read(data[:size])
        assert score.remarks
        # All onsets that were read are those of the whole file.
        assert {note[:2] for note in score.notes} <= {note[:2] for note in melody().notes}
    with pytest.raises(InputError, match="header"):
        read(data[:10])


def test_wrappers_are_passed() -> None:
    data = midi(NOTE + END)
    riff = (
        b"RIFF"
        + (len(data) + 12).to_bytes(4, "little")
        + b"RMIDdata"
        + len(data).to_bytes(4, "little")
        + data
    )
    assert read(riff).notes == read(b"\0" * 128 + data).notes == (Note(0, 60, 96),)
    unknown = data[:14] + b"XFIH" + (3).to_bytes(4, "big") + b"abc" + data[14:]
    assert read(unknown).notes == (Note(0, 60, 96),)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "must begin with the header"),
        (b"hello, I am a text", "must begin with the header"),
        (midi(), "must hold a track"),
        (midi(NOTE, type=7), "type 0, 1 or 2"),
        (midi(NOTE, division=0), "at least one tick"),
        (midi(NOTE, division=0xF128), "frames a second"),
    ],
)
def test_files_that_are_none_are_refused_with_their_name(data: bytes, rule: str) -> None:
    with pytest.raises(InputError, match=rf"x\.mid.*{rule}"):
        midi_scores(data, "x.mid")
