"""Recordings to learn from and those held out: no sound is on both sides, and one speaker is no fault."""

from __future__ import annotations

from pathlib import Path

from made_speech import RATE
from sounds import tone, write_wav

from bptt.data.audio.sound import Sound
from bptt.data.examples import Example, gather
from bptt.jobs.options import ExampleOptions
from bptt.jobs.transcribe.splitting import note_shared, split_recordings
from bptt.jobs.transcribe.spoken_texts import Recordings
from bptt.probe.exposure_facts import _visible


def recordings(folder: Path, *rows: tuple[str, int, str]) -> Recordings:
    """Recordings of these files, each a tone of its number, by these speakers."""
    made = [
        Example(
            Sound(write_wav(folder / name, tone(0.02, RATE, 100 + pitch), RATE)), name, name, name, speaker
        )
        for name, pitch, speaker in rows
    ]
    return gather("speech", made)


def test_of_one_speaker_recordings_are_held_out(tmp_path: Path) -> None:
    found = recordings(tmp_path, *((f"{n}.wav", n, "ann") for n in range(10)))
    learned, held, notes = split_recordings(found, ExampleOptions(held_out=0.2))
    assert (len(learned), len(held)) == (8, 2) and {row.group for row in held.rows} == {"ann"}
    assert notes == ("held out: recordings of ann, the only speaker; other speakers are not measured",)
    assert len(split_recordings(found, ExampleOptions(held_out=0))[0]) == 10


def test_a_sound_under_two_names_is_on_one_side(tmp_path: Path) -> None:
    rows = [(f"{n}.wav", n, f"speaker {n // 3}") for n in range(12)]
    copies = [(f"copy {n}.wav", n, f"speaker {(n // 3 + 1) % 4}") for n in range(12)]
    learned, held, notes = split_recordings(recordings(tmp_path, *rows, *copies), ExampleOptions())
    assert held and not set(held.keys) & set(learned.keys)
    assert "inputs with more than one label: 12" in notes
    assert notes[-1].startswith(
        "examples left out, as they are held out, too, under another name: 6, the first"
    )
    assert {row.group for row in held.rows} & {row.group for row in learned.rows} == set()


def test_what_a_held_out_file_shares_is_said(tmp_path: Path) -> None:
    found = recordings(tmp_path, *((f"{n}.wav", n, "") for n in range(3)))
    assert note_shared(found, found.take([1])) == (
        "dev: learned from, too, so that errors are underestimated: 1 recording, the first at 1.wav",
    )
    assert note_shared(found.take([0, 2]), found.take([1])) == ()


def test_a_space_is_seen_among_answers() -> None:
    assert [*map(_visible, (" ", "a b", "", "∅"))] == ["␣", "a b", "", "∅"]
