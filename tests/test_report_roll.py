"""Piano rolls as pictures: the values that are drawn, and that the file is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tunes import melody

from bptt.data.midi.roll_view import roll_view
from bptt.data.midi.score import Note, Score, TimeSignature
from bptt.errors import InputError
from bptt.report.roll_figure import draw_roll


def test_time_is_in_bars_of_their_metre() -> None:
    score = Score(
        tuple(Note(tick, 60, 480) for tick in (0, 480, 480 + 1440)),
        480,
        (),
        (TimeSignature(0, 1, 4), TimeSignature(480, 6, 8)),
    )
    view = roll_view(score)
    assert [note.start for note in view.notes] == [1, 2, 3]
    assert [note.end for note in view.notes] == pytest.approx([2, 2 + 1 / 3, 3 + 1 / 3])
    assert (view.unit, view.lines) == ("bar", (1, 2, 3))


def test_time_is_in_seconds_if_wanted() -> None:
    view = roll_view(melody(bars=1), in_seconds=True)
    # 100 quarters a minute.
    assert sorted({note.start for note in view.notes}) == pytest.approx([0, 0.6, 1.2, 1.8])
    assert view.unit == "s"


def test_groups_are_named_apart() -> None:
    score = Score(
        (Note(0, 60, 1), Note(0, 60, 1, track=1), Note(0, 60, 1, 80, 33), Note(0, 36, 1, 80, 0, True))
    )
    view = roll_view(score)
    assert view.groups == ("piano (0), track 1", "bass (33)", "piano (0), track 2", "percussion")
    assert view.drums == {3}
    assert view.drum_names == {36: "kick"}
    assert [view.groups[note.group] for note in view.notes] == [
        "percussion",
        "piano (0), track 1",
        "piano (0), track 2",
        "bass (33)",
    ]


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
@pytest.mark.parametrize(
    "score", [melody(drums=True), melody(drums=False), Score(()), Score((Note(0, 36, 1, 80, 0, True),))]
)
def test_pictures_are_written(tmp_path: Path, name: str, score: Score) -> None:
    draw_roll(roll_view(score), "A tune", "made", tmp_path / name, primer=1.5)
    assert (tmp_path / name).stat().st_size > 2000


def test_a_picture_has_a_name_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.png or \.svg"):
        draw_roll(roll_view(melody()), "A tune", "made", tmp_path / "a.txt")
