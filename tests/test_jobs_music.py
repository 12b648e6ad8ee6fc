"""The job `music`: likelihoods, batches, splits and samples, in tokens and in frames."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import Command
from made_tunes import beat, tune, write_tunes
from tunes import melody

import bptt
from bptt.cells.load import as_cells
from bptt.data.midi.key_profiles import estimate_key
from bptt.data.midi.music_files import MusicPiece
from bptt.data.midi.music_vocabulary import Representation, fit_vocabulary
from bptt.data.midi.read_midi import read_midi
from bptt.data.midi.score import Note, Score
from bptt.data.midi.score_variation import transposed
from bptt.data.midi.write_abc import abc_text
from bptt.data.midi.write_midi import write_midi
from bptt.errors import InputError
from bptt.jobs.music.beginning import encode
from bptt.jobs.music.config import MusicConfig
from bptt.jobs.music.corpus_record import CorpusRecord
from bptt.jobs.music.options import MusicModelOptions, NotationOptions, PieceOptions
from bptt.jobs.music.piece_batches import PieceBatches, batch_of
from bptt.jobs.music.piece_notation import TRANSPOSED, TokenNotation, notes_on
from bptt.jobs.music.pitches import key_pitches, pitch_number
from bptt.jobs.music.scoring import log_probabilities
from bptt.jobs.music.task import MusicTask
from bptt.jobs.music.trained import TrainedMusicModel

SMALL = {"hidden": 24, "layers": 1, "epochs": 3, "batch_size": 4, "progress": False, "lr": 0.01}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tunes(tmp_path_factory.mktemp("tunes") / "data")


@pytest.fixture(scope="module")
def models(folder: Path) -> dict[str, TrainedMusicModel]:
    """A model of tokens, one of frames with a chain over the keys, and one of performances."""
    runs = folder.parent
    beats = runs / "beats"
    beats.mkdir()
    for number in range(12):
        write_midi(beat(number), beats / f"{number}.mid")
    return {
        "tokens": bptt.train("music", folder, runs / "tokens", **SMALL),
        "frames": bptt.train(
            "music", folder, runs / "frames", representation="frames", resolution=2, **SMALL
        ),
        "performance": bptt.train("music", beats, runs / "performance", **SMALL),
    }


@pytest.fixture(params=["tokens", "frames"])
def trained(request: pytest.FixtureRequest, models: dict[str, TrainedMusicModel]) -> TrainedMusicModel:
    return models[request.param]


def test_the_representation_is_that_which_suits_the_pieces(models: dict[str, TrainedMusicModel]) -> None:
    found = {name: model.config.notation.representation for name, model in models.items()}
    assert found == {name: name for name in models}
    assert models["tokens"].config.data.transpose and not models["performance"].config.data.transpose


def test_what_the_steps_do_not_hold_is_counted(models: dict[str, TrainedMusicModel]) -> None:
    score = tune(3)
    late = score.with_notes(
        note._replace(onset=note.onset + 1000 * score.ticks_per_quarter) for note in score.notes
    )
    # 1,000 quarters of silence, of which no bar is kept, or 16 quarters of 2 frames.
    for name, said in (("tokens", "bars of silence left out"), ("frames", "frames of silence left out")):
        steps, lost = models[name].notation.written(late)
        assert lost == {said: 250 if name == "tokens" else 2 * (1000 - 16)}
        assert not models[name].notation.written(score)[1]
        assert notes_on(lost) == (f"notation: {said}: {lost[said]:,}",)
        kept = models[name].notation.decode(steps).notes
        assert len(kept) == len(models[name].notation.decode(models[name].notation.encode(score)).notes)


def test_a_model_of_percussion_writes_no_abc(
    models: dict[str, TrainedMusicModel], folder: Path, tmp_path: Path, command: Command
) -> None:
    assert not models["performance"].notation.has_pitches
    ended = command("sample", folder.parent / "performance", "-o", tmp_path / "a.abc")
    assert ended.code == 2 and "holds notes with a pitch, got a model of percussion. Write .mid" in ended.err
    with pytest.raises(InputError, match=r"to be written as ABC, got none\. Write it as \.mid or \.wav"):
        abc_text(beat(0))


def test_windows_with_carried_states_are_the_whole_piece(trained: TrainedMusicModel) -> None:
    steps = [trained.notation.encode(tune(number, bars=7)) for number in (40, 41)]
    with torch.no_grad():
        whole = batch_of(steps, 0, max(map(len, steps)))
        expected = trained.model.score(trained.model.read(whole.inputs)[0], whole.targets)
        states: tuple[torch.Tensor, ...] = ()
        parts = []
        for start in range(0, len(whole.targets), 5):
            batch = batch_of(steps, start, min(start + 5, len(whole.targets)))
            output, states = trained.model.read(batch.inputs, states)
            parts.append(trained.model.score(output, batch.targets))
    for row, piece in enumerate(steps):
        # float32: some units in the last place of sums of tens of nats.
        assert torch.allclose(torch.cat(parts)[: len(piece), row], expected[: len(piece), row], atol=1e-4)


def test_the_likelihood_does_not_depend_on_the_batch(trained: TrainedMusicModel) -> None:
    steps = [trained.notation.encode(tune(number, bars=1 + number % 5)) for number in range(50, 57)]
    together = log_probabilities(trained.model, steps, 7)
    for piece, found in zip(steps, together, strict=True):
        (alone,) = log_probabilities(trained.model, [piece], 1)
        assert torch.allclose(found, alone, atol=1e-4)


def test_an_epoch_reads_every_step_of_every_piece_once() -> None:
    lengths = torch.tensor([3, 11, 7, 7, 20, 1])
    pieces = [torch.arange(length) + 100 * row for row, length in enumerate(lengths.tolist())]
    batches = PieceBatches(lengths, 2, 4, seed=1)
    for epoch in range(3):
        seen: list[int] = []
        for index in range(batches.steps(epoch)):
            window = batches.window(epoch, index)
            batch = batch_of([pieces[row] for row in window.rows.tolist()], window.start, window.stop)
            assert batch.continues == (window.start > 0)
            seen += batch.targets[batch.targets >= 0].tolist()
            # The input is the step before.
            known = (batch.targets >= 0) & (batch.inputs >= 0)
            assert (batch.targets[known] == batch.inputs[known] + 1).all()
        assert sorted(seen) == sorted(torch.cat(pieces).tolist())


def test_the_same_tune_in_other_keys_is_on_one_side(tmp_path: Path) -> None:
    data = write_tunes(tmp_path / "keys", 6, keys=(0, 2, 5))
    trained = bptt.train("music", data, tmp_path / "run", held_out=0.34, **{**SMALL, "epochs": 1})
    assert trained.config.data.held_out == 0.34
    report = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    held = next(line for line in report if line["kind"] == "held-out")
    # Two of the six tunes, in three keys each.
    assert held["pieces"] == 6


def test_transposed_pieces_are_the_pieces_transposed(trained: TrainedMusicModel) -> None:
    notation, score = trained.notation, tune(3)
    steps = notation.encode(score)
    for semitones in notation.transpositions(steps):
        moved = score.with_notes(note._replace(pitch=note.pitch + semitones) for note in score.notes)
        assert torch.equal(notation.transposed(steps, semitones), notation.encode(moved))
    assert {-5, 0, 6} <= set(notation.transpositions(steps))


def test_training_pieces_are_in_the_keys_of_all_as_often_as_these(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [transposed(melody(seed), semitones) for seed, semitones in enumerate((0, 0, 0, -5))]
    assert [str(estimate_key(score)) for score in scores] == ["C major"] * 3 + ["G major"]
    notation = TokenNotation(fit_vocabulary(scores, Representation.BARS, transposed=TRANSPOSED))
    pieces = encode(notation, [MusicPiece(score, "a", "a") for score in scores])
    cells, options = as_cells("gru"), MusicModelOptions(hidden_size=2, embedding_size=2)
    data = PieceOptions(batch_size=4, sequence_length=1000, transpose=True)
    config = MusicConfig(cells, NotationOptions("tokens"), options, data)
    task = MusicTask(pieces, pieces, notation, config, CorpusRecord.of(scores))
    seen: list[torch.Tensor] = []
    read = task.model.read
    monkeypatch.setattr(
        task.model, "read", lambda inputs, states: (seen.append(inputs), read(inputs, states))[1]
    )
    for epoch in range(60):
        task.step(epoch, 0, ())
    played = [notation.decode(row[row >= 0]) for batch in seen for row in batch.T]
    found = Counter(str(estimate_key(score)) for score in played)
    assert set(found) == {"C major", "G major"}
    # Of 240 draws; five deviations of a share of 3/4.
    assert found["C major"] / 240 == pytest.approx(0.75, abs=0.14)


def test_tempo_changes_shifts_and_durations(models: dict[str, TrainedMusicModel]) -> None:
    notation = models["performance"].notation
    steps = notation.encode(beat(0))
    slower = notation.decode(notation.retimed(steps, 1.05))
    before = notation.decode(steps)
    assert len(slower.notes) == len(before.notes)
    assert slower.seconds == pytest.approx(1.05 * before.seconds, rel=0.03)


def sounding(score: Score) -> Iterator[int]:
    """Yield the number of notes that sound at each tick at which one begins."""
    for tick in {note.onset for note in score.notes}:
        yield sum(note.onset <= tick < note.end for note in score.notes)


def test_a_sample_has_the_bars_asked_for_and_keeps_the_limits(trained: TrainedMusicModel) -> None:
    found = trained.samples(
        count=4, bars=3, key="C", lowest="C3", highest="C6", polyphony=2, temperature=1.5, seed=5
    )
    assert len(found) == 4
    for each in found:
        score = each.score
        signature = score.time_signatures[0]
        bar = score.ticks_per_quarter * 4 * signature.beats // signature.unit
        assert score.notes and score.end <= 3 * bar
        assert all(note.pitch % 12 in {0, 2, 4, 5, 7, 9, 11} for note in score.notes)
        assert all(48 <= note.pitch <= 84 and note.duration > 0 for note in score.notes)
        assert max(sounding(score)) <= 2
    ranks = [each.log_probability for each in found]
    assert ranks == sorted(ranks, reverse=True)
    kept = trained.samples(
        count=4, keep=1, bars=3, key="C", lowest="C3", highest="C6", polyphony=2, temperature=1.5, seed=5
    )
    assert [each.score for each in kept] == [found[0].score]


def test_a_sample_does_not_depend_on_those_beside_it(trained: TrainedMusicModel) -> None:
    alone = trained.samples(count=1, bars=2, seed=9)
    together = trained.samples(count=3, bars=2, seed=9)
    assert alone[0].score in [each.score for each in together]
    assert len({each.score for each in together}) == 3


def test_a_continuation_begins_where_the_primer_ends(trained: TrainedMusicModel) -> None:
    primer = tune(3)  # 4/4
    beat_ = primer.ticks_per_quarter
    for beats in (8, 6):
        # Cut at beat 8, a bar line, and at beat 6, in the middle of a bar.
        cut = primer.with_notes(
            note._replace(duration=min(note.duration, beats * beat_ - note.onset))
            for note in primer.notes
            if note.onset < beats * beat_
        )
        (whole,) = trained.samples(cut, bars=2, seed=2)
        begins = beats * whole.score.ticks_per_quarter
        assert whole.begins == begins
        before = [note for note in whole.score.notes if note.onset < begins]
        scale = whole.score.ticks_per_quarter / beat_
        if trained.notation.unit == "tokens":
            assert [(n.onset / scale, n.pitch) for n in before] == [(n.onset, n.pitch) for n in cut.notes]
        else:
            # Frames merge a repeated note with the one before it.
            encode = trained.notation.encode
            assert torch.equal(encode(whole.score)[: 2 * beats], encode(cut))
        assert len(whole.score.notes) > len(before)
        (without,) = trained.samples(cut, bars=2, seed=2, no_primer=True)
        rest = [note for note in whole.score.notes if note.onset >= begins]
        line = begins // (4 * whole.score.ticks_per_quarter) * 4 * whole.score.ticks_per_quarter
        expected = [(note.onset - line, note.pitch, note.duration) for note in rest]
        assert [(n.onset, n.pitch, n.duration) for n in without.score.notes] == expected


def test_seconds_and_primer_bars(models: dict[str, TrainedMusicModel]) -> None:
    tokens, frames, beats = models["tokens"], models["frames"], models["performance"]
    for model in (tokens, frames, beats):
        (found,) = model.samples(seconds=3.0, seed=1)
        assert 0 < found.score.seconds <= 3.0
    (found,) = tokens.samples(tune(3), primer_bars=1, bars=1)
    assert found.begins == 4 * found.score.ticks_per_quarter
    with pytest.raises(InputError, match="seconds"):
        beats.samples(bars=2)
    assert all(note.drum for note in beats.sample(seconds=2.0).notes)


def test_python_returns_a_score_and_refuses_what_it_cannot(trained: TrainedMusicModel) -> None:
    score = trained.sample(bars=1, seed=3)
    assert isinstance(score, Score)
    assert score == trained.sample(bars=1, seed=3) != trained.sample(bars=1, seed=4)
    for options, name in (
        ({"key": "H"}, "key"),
        ({"bars": 1, "seconds": 1.0}, "seconds"),
        ({"lowest": "C9", "highest": "C1"}, "lowest"),
        ({"instruments": ("99",)}, "instruments"),
        ({"wrong": 1}, "wrong"),
    ):
        with pytest.raises(InputError, match=name):
            trained.sample(**options)


def test_scores_are_the_mean_of_the_likelihood(trained: TrainedMusicModel) -> None:
    (found,) = trained.score([tune(90)])
    steps = trained.notation.encode(tune(90))
    (expected,) = log_probabilities(trained.model, [steps], 1)
    # The first frame is not predicted in published figures.
    first = 1 if trained.notation.unit == "frames" else 0
    assert found.log_probability == pytest.approx(expected[first:].sum().item())
    assert found.steps == len(steps) - first and found.notes == len(tune(90).notes)


def test_names_of_keys_and_pitches() -> None:
    assert {p % 12 for p in key_pitches("F#m")} == {6, 8, 9, 11, 1, 2, 4}
    assert {p % 12 for p in key_pitches("D:dorian")} == {p % 12 for p in key_pitches("C")}
    assert {p % 12 for p in key_pitches("Bb")} == {10, 0, 2, 3, 5, 7, 9}
    assert [pitch_number("lowest", name) for name in ("C4", "60", "Bb2", "C-1")] == [60, 60, 46, 0]
    with pytest.raises(InputError, match="highest"):
        pitch_number("highest", "X")


def test_a_resumed_training_is_the_same(folder: Path, tmp_path: Path) -> None:
    options = {**SMALL, "epochs": 2}
    for representation in ("tokens", "frames"):
        whole, parts = tmp_path / f"{representation}-whole", tmp_path / f"{representation}-parts"
        schedule = {"schedule": "constant", "representation": representation}
        bptt.train("music", folder, whole, **options, **schedule)
        bptt.train("music", folder, parts, **{**options, "epochs": 1}, **schedule)
        bptt.train("music", folder, parts, resume=True, epochs=2, progress=False)
        weights = [(run / "model.safetensors").read_bytes() for run in (whole, parts)]
        assert weights[0] == weights[1]


def test_a_run_may_begin_with_the_weights_of_another(
    folder: Path, models: dict[str, TrainedMusicModel], tmp_path: Path
) -> None:
    run = folder.parent / "tokens"
    new = write_tunes(tmp_path / "new", 6, keys=(3,))
    kept = bptt.train(
        "music", new, tmp_path / "kept", init_from=run, keep_vocabulary=True, epochs=1, progress=False
    )
    assert kept.notation.vocabulary == models["tokens"].notation.vocabulary
    other = bptt.train("music", new, tmp_path / "other", init_from=run, epochs=1, lr=1e-30, progress=False)
    # Tokens that both know have the row that they had.
    names, before = other.notation.vocabulary.names, models["tokens"].notation.vocabulary
    number = names.index("Pitch_72")
    row = models["tokens"].model.embedding[before.names.index("Pitch_72")]
    assert torch.equal(other.model.embedding[number], row)


def test_files_read_back(models: dict[str, TrainedMusicModel], tmp_path: Path) -> None:
    for name, model in models.items():
        score = model.sample(seconds=4.0, seed=1)
        write_midi(score, tmp_path / f"{name}.mid")
        (again,) = read_midi(tmp_path / f"{name}.mid")
        assert sorted(n[:2] for n in again.notes) == sorted(n[:2] for n in score.notes)


def test_pieces_are_judged_beside_the_corpus(models: dict[str, TrainedMusicModel], folder: Path) -> None:
    loaded = bptt.load(folder.parent / "tokens")
    learned, other = tune(5), tune(300)
    for model in (models["tokens"], loaded):
        copied = model.judge(learned)
        # All but the first of the held-out tunes are in the corpus, whole.
        own = [model.judge(tune(number)) for number in range(12)]
        assert max(each.copied.notes for each in own) >= 8
        assert model.judge(other).copied.notes < max(each.copied.notes for each in own)
        assert copied.in_key > 0.9
    assert loaded.corpus.measures == models["tokens"].corpus.measures
    (moved,) = [learned.with_notes(note._replace(pitch=note.pitch + 3) for note in learned.notes)]
    assert loaded.judge(moved).copied.notes == loaded.judge(learned).copied.notes


def test_degenerate_pieces_are_named(models: dict[str, TrainedMusicModel]) -> None:
    note, model = Note(0, 60, 24), models["tokens"]
    same = Score(tuple(note._replace(onset=24 * n) for n in range(40)), 24)
    assert "40 times in a row" in " ".join(model.judge(same).faults)
    assert "no notes" in model.judge(Score(())).faults
    hanging = tune(3).with_notes((*tune(3).notes, Note(0, 40, 24 * 40)))
    assert any("32 quarters" in fault for fault in model.judge(hanging).faults)
    assert not any("in a row" in fault for fault in model.judge(tune(301)).faults)
