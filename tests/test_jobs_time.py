"""Speech and music in time, as an inspection shows them: where symbols, notes and sound are."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest
import torch
from made_speech import RATE, write_tones

import bptt
from bptt.data.midi.music_tokens import encode_score
from bptt.data.midi.music_vocabulary import Representation, fit_vocabulary
from bptt.data.midi.score import Note, Score, Tempo
from bptt.jobs.music.piece_notation import FrameNotation, TokenNotation
from bptt.jobs.music.piece_time import piece_time
from bptt.jobs.transcribe.exposure import expose
from bptt.jobs.transcribe.job import read_recordings
from bptt.timeline import Timeline


def seconds_of(sound: bytes) -> tuple[float, int]:
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getnframes() / file.getframerate(), file.getframerate()


def test_a_recording_has_its_symbols_at_their_steps(tmp_path: Path) -> None:
    data = write_tones(tmp_path / "data", ["ab", "ba", "a b", "b a"])
    trained = bptt.train(
        "transcribe", data, tmp_path / "run", epochs=1, progress=False, hidden_size=8, num_layers=1
    )
    example = read_recordings(data, trained.config.source).rows[2]
    shown = expose(trained, example, 1000)
    time = shown.sequences[0].timeline
    assert time is not None
    assert time.steps == shown.loss_steps
    step = trained.seconds
    symbols = time.marks[0].marks
    assert "".join(text for _, _, text in symbols) == "a b"
    for start, end, text in symbols:
        assert set(shown.targets[round(start / step) : round(end / step)]) == {text}
    assert [text for _, _, text in time.marks[1].marks] == ["a", "b"]
    features, posteriors = time.bands
    assert features.levels.shape == (40, time.steps * trained.config.model.frames_per_step)
    assert posteriors.rows[0] == "·" and posteriors.levels.shape == (len(posteriors.rows), time.steps)
    heard, rate = seconds_of(time.sound)
    assert rate == min(RATE, 16_000)
    # The last step may be filled up, and the last window reaches beyond its hop.
    assert time.seconds[-1] - step <= heard <= time.seconds[-1]


SCORE = Score(
    (Note(0, 60, 480), Note(0, 64, 480), Note(480, 67, 960), Note(1440, 60, 480)), 480, (Tempo(0, 600_000),)
)


def check_roll(time: Timeline) -> None:
    assert time.bars is not None
    assert all(low < high for low, high in zip(time.seconds, time.seconds[1:], strict=False))
    for start, _, _, step in time.bars.bars:
        # The steps of a moment lie between it and the next, at most 1.2 s later.
        assert start <= time.seconds[step] + 1e-9 and time.seconds[step] < start + 1.2 + 1e-9


def test_the_notes_of_tokens_are_where_the_score_has_them() -> None:
    vocabulary = fit_vocabulary([SCORE], Representation.BARS)
    ids = torch.from_numpy(encode_score(SCORE, vocabulary).ids).long()
    time = piece_time(TokenNotation(vocabulary), ids)
    check_roll(time)
    assert time.steps == len(ids) + 1
    assert time.bars is not None
    found = [(round(start, 6), round(end, 6), pitch) for start, end, pitch, _ in time.bars.bars]
    # 100 quarters a minute: a quarter lasts 0.6 s.
    assert found == [(0, 0.6, 60), (0, 0.6, 64), (0.6, 1.8, 67), (1.8, 2.4, 60)]
    for _, _, _, step in time.bars.bars:
        # A step reads the token before its number.
        assert vocabulary.names[int(ids[step - 1])].startswith("Duration")
    assert seconds_of(time.sound)[0] > 2.4


@pytest.mark.parametrize("long", [False, True])
def test_the_keys_of_frames_are_bars_of_a_frame(long: bool) -> None:
    frames = torch.zeros(200 if long else 4, 12, dtype=torch.long)
    frames[::2, 0] = frames[1::2, 4] = 1
    time = piece_time(FrameNotation(4, 60, 71), frames)
    check_roll(time)
    assert time.bars is not None
    # 120 quarters a minute, 4 frames each.
    assert time.bars.bars[:2] == ((0.0, 0.125, 60, 1), (0.125, 0.25, 64, 2))
    assert time.seconds[2:4] == (0.125, 0.25)
    heard, rate = seconds_of(time.sound)
    assert rate == 16_000 and heard == pytest.approx(24) if long else heard < 24


def test_silence_has_no_sound() -> None:
    time = piece_time(FrameNotation(4, 60, 71), torch.zeros(3, 12, dtype=torch.long))
    assert time.sound == b"" and time.bars is not None and time.bars.bars == ()
