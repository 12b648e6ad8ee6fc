"""A transcriber learns without an alignment, and hears a recording in pieces as it does whole."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command
from made_speech import LETTERS, frames_of, phrases, write_speech

import bptt
from bptt.cells.load import as_cells
from bptt.data.examples import Example, gather
from bptt.data.readers.nbest import read_nbest
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.transcribe.config import TranscriberConfig
from bptt.jobs.transcribe.exposure import expose
from bptt.jobs.transcribe.metrics import score, speaker_table, worst_utterances
from bptt.jobs.transcribe.network import LookAhead, Transcriber, label_losses, stack_frames
from bptt.jobs.transcribe.options import RecordingOptions, TranscriberOptions, TranscriptOptions
from bptt.jobs.transcribe.stream import TranscriberStream
from bptt.jobs.transcribe.symbol_paths import BLANK, align, collapse, least_steps
from bptt.jobs.transcribe.task import TranscribeTask
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.models.inputs import SeriesInput

SMALL = {"hidden_size": 24, "num_layers": 1, "batch_size": 16, "learning_rate": 0.01}


def made(count: int = 12, seed: int = 0) -> list[Example]:
    """Examples in memory."""
    draw = np.random.default_rng(seed)
    return [Example(frames_of(text, draw), text, f"d:{row}") for row, text in enumerate(phrases(count, seed))]


def task_of(rows: list[Example], held_out: list[Example] | None = None, **options: object) -> TranscribeTask:
    """A task with random weights."""
    more = {"hidden_size": 7, "num_layers": 2, "dropout": 0.3} | options
    config = TranscriberConfig(
        as_cells("lstm"),
        RecordingOptions("npz"),
        model=TranscriberOptions(**more),
        data=ExampleOptions(4, held_out=0),
    )
    dev = None if held_out is None else gather("e", held_out, LETTERS)
    torch.manual_seed(0)
    task = TranscribeTask(gather("d", rows, tuple(LETTERS)), dev, config)
    return task


def untrained(**options: object) -> TrainedTranscriber:
    """A transcriber with larger random weights."""
    task = task_of(made(), **options)
    for parameter in task.model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    task.model.eval()
    return task.trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speech")
    data = write_speech(folder / "speech.npz", phrases(200))
    bptt.train("transcribe", data, folder / "run", epochs=8, progress=False, **SMALL)
    return folder / "run"


def test_it_learns_what_was_said_and_where(run: Path) -> None:
    trained = bptt.load(run)
    texts = phrases(30, seed=9)
    draw = np.random.default_rng(9)
    recordings = [frames_of(text, draw) for text in texts]
    found = trained.predict(recordings)
    scores = trained.evaluate(
        gather("t", [Example(x, text, "t") for x, text in zip(recordings, texts, strict=True)], ("1",) * 6)
    )
    assert scores["cer"] < 0.2 and 0.3 < scores["place"] < 0.7 and 0.2 < scores["blanks"] < 0.9
    for each, recording in zip(found, recordings, strict=True):
        assert " ".join(word.word for word in each.words) == each.text
        ends = [time for word in each.words for time in (word.start, word.end)]
        assert ends == sorted(ends) and ends[-1] <= len(recording) + 2
        assert 0 < each.confidence <= 1 and all(0 < word.confidence <= 1 for word in each.words)
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {"cer", "wer", "blanks", "place"} <= next(r for r in records if r["kind"] == "held-out").keys()


def test_an_answer_does_not_depend_on_the_batch(run: Path) -> None:
    trained = bptt.load(run)
    draw = np.random.default_rng(3)
    recordings = [frames_of(text, draw) for text in ("a", "fed cab", "abc abc", "f")]
    together = trained.log_probabilities(recordings)
    for alone, each in zip(recordings, together, strict=True):
        (found,) = trained.log_probabilities([alone])
        torch.testing.assert_close(found, each, rtol=0, atol=1e-5)


@pytest.mark.parametrize("ahead", [0, 1, 4])
@pytest.mark.parametrize("stacked", [1, 3])
def test_a_stream_answers_the_same_to_the_bit_however_it_is_cut(ahead: int, stacked: int) -> None:
    trained = untrained(bidirectional=False, look_ahead=ahead, frames_per_step=stacked, feed_forward=(5,))
    with torch.no_grad():
        trained.model.look_ahead and trained.model.look_ahead.weight.normal_()
    frames = torch.randn(46, 6)
    stream, found = TranscriberStream(trained.model), []
    for size in (1, 2, 7, 46):
        stream.reset()
        found.append(torch.cat([*map(stream.push, frames.split(size)), stream.finish()]))
    assert all(torch.equal(each, found[0]) for each in found)
    (whole,) = trained.log_probabilities([frames.numpy()])
    assert len(found[0]) == len(whole) == -(-46 // stacked)
    torch.testing.assert_close(found[0], whole, rtol=0, atol=1e-4)
    stream.reset()
    assert len(stream.push(frames)) == max(0, 46 // stacked - ahead)


def test_a_stream_needs_one_direction() -> None:
    with pytest.raises(InputError, match="needs a transcriber of one direction"):
        TranscriberStream(untrained().model)
    with pytest.raises(InputError, match="look_ahead: is for a network of one direction"):
        TranscriberOptions(look_ahead=2)


def test_a_look_ahead_adds_the_steps_that_follow() -> None:
    layer = LookAhead(2, 2)
    values = torch.randn(5, 3, 2)
    assert torch.equal(layer(values), values)
    layer.weight.data = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    behind = torch.cat([values, torch.zeros(2, 3, 2)])
    wanted = sum(behind[j : j + 5] * layer.weight[j] for j in range(3))
    torch.testing.assert_close(layer(values), wanted)


def test_frames_are_stacked_and_the_last_fills_up() -> None:
    frames = torch.arange(10.0).view(5, 2)
    found = stack_frames(frames, 3)
    assert found.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 8, 9]]
    assert stack_frames(torch.empty(0, 2), 3).shape == (0, 6)


def test_a_path_is_collapsed_and_the_likeliest_one_spells_the_label() -> None:
    """The best of all paths of seven steps, found by trying each."""
    assert collapse([BLANK, 2, 2, BLANK, 2, 3, 3]) == [2, 2, 3]
    assert least_steps([2, 2, 3]) == 4
    torch.manual_seed(1)
    for symbols in ([2, 2, 3], [3], [], [2, 3, 2]):
        logits = 2 * torch.randn(6, 4)
        rows = logits.log_softmax(-1)
        paths = [path for path in itertools.product(range(4), repeat=6) if collapse(path) == symbols]
        scores = {path: float(rows[range(6), list(path)].sum()) for path in paths}
        found = tuple(align(logits, torch.tensor(symbols, dtype=torch.int64), "here").tolist())
        assert collapse(found) == symbols
        assert scores[found] == pytest.approx(max(scores.values()), abs=1e-5)
        loss = label_losses(
            logits[:, None],
            torch.tensor(symbols, dtype=torch.int64),
            torch.tensor([6]),
            torch.tensor([len(symbols)]),
        )
        total = torch.tensor(list(scores.values())).logsumexp(0)
        assert loss.item() == pytest.approx(-total.item(), abs=1e-4)
    with pytest.raises(InputError, match="here: must have the 4 steps that its transcript needs, got 3"):
        align(logits[:3], torch.tensor([2, 2, 3]), "here")


def test_recordings_too_short_for_their_label_are_named_and_left_out() -> None:
    rows = [*made(8), Example(np.zeros((9, 6), np.float32), "aabb", "short:1")]
    task = task_of(rows, [Example(np.zeros((3, 6), np.float32), "ab", "e:1")])
    lines = "\n".join(task.describe())
    left_out = "examples left out, as they are too short for their transcript: 1, the first at short:1"
    assert f"{left_out} of 3 steps, while its transcript needs 6" in lines
    assert "learned: 8 recordings" in lines
    assert "held out, and too short for their transcript: 1; they count as errors" in lines
    found = task.evaluate()
    assert found["impossible"] == 1 and found["loss"] == 0
    with pytest.raises(InputError, match="some recording must have as many steps"):
        task_of(rows[-1:])


def test_characters_that_were_not_learned_are_named_with_their_counts() -> None:
    rows = [Example(np.zeros((60, 6), np.float32), text, "e:1") for text in ("zoo", "ab")]
    lines = "\n".join(task_of(made(), rows).describe())
    assert "held out: 3 characters not learned, 'o' 2, 'z' 1" in lines


def test_the_blank_begins_likely() -> None:
    options = TranscriberOptions(hidden_size=5, num_layers=1, dropout=0)
    model = Transcriber(SeriesInput(6), 9, as_cells("lstm"), options)
    assert model.output.bias.tolist() == [0, 3.0, *[0.0] * 7]


def test_losses_of_an_exposure_are_those_of_the_path() -> None:
    for options in ({}, {"bidirectional": False}, {"bidirectional": False, "look_ahead": 2}):
        trained = untrained(**options)
        example = made()[3]
        shown = expose(trained, example, 1000)
        assert collapse_shown(shown.targets) == example.target
        (rows,) = trained.log_probabilities([example.input])
        numbers = [BLANK if name == "·" else trained.vocabulary.tokens.index(name) for name in shown.targets]
        wanted = -rows[range(len(rows)), numbers]
        found = shown.losses(range(shown.loss_steps))
        torch.testing.assert_close(found.detach(), wanted, rtol=0, atol=1e-4)
        assert shown.has_own_losses(shown.parts[0])


def collapse_shown(names: tuple[str, ...]) -> str:
    return "".join(name for name, _ in itertools.groupby(names) if name != "·")


def test_options_of_transcripts_follow_from_these() -> None:
    task = task_of(made())
    assert task.config.text == TranscriptOptions(spaces=True, case="lower")


def test_several_files_are_answered_and_listed(run: Path, tmp_path: Path, command: Command) -> None:
    one, other = (write_speech(tmp_path / f"{n}.npz", phrases(3, n), n) for n in (1, 2))
    texts = command("predict", run, one, other)
    alone = command("predict", run, one).out + command("predict", run, other).out
    assert (texts.code, texts.out) == (0, alone)
    lists = tmp_path / "lists.json"
    several = command("predict", run, one, other, "--n-best", 3, "--nbest", lists, "--json")
    records = [json.loads(line) for line in several.out.splitlines()]
    found = read_nbest(lists)
    assert len(found.utterances) == len(records) == 6
    for record, listed in zip(records, found.utterances, strict=True):
        best = [each["text"] for each in record["alternatives"]]
        assert [each.text for each in listed.hypotheses] == best
        assert [each.score for each in listed.hypotheses] == sorted(
            (each["log_probability"] for each in record["alternatives"]), reverse=True
        )
    missing = command("predict", run, one, tmp_path / "none.wav")
    assert missing.code == 2 and "several inputs are files or folders that exist" in missing.err
    again = command("predict", run, one, "--nbest", lists)
    assert again.code == 2 and str(lists) in again.err


def test_an_evaluation_has_the_columns_of_sclite_and_the_worst_utterances(
    run: Path, tmp_path: Path, command: Command
) -> None:
    data = write_speech(tmp_path / "test.npz", ["aab ab", "fed"], seed=4)
    shown = command("evaluate", run, data, "--beam", 4)
    assert shown.code == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in shown.out.splitlines() if "\t" in line}
    assert rows[""] == ["Snt", "Wrd", "Corr", "Sub", "Del", "Ins", "Err", "S.Err"]
    assert rows["greedy, words"][:2] == ["2", "3"] and rows["beam 4, characters"][:2] == ["2", "8"]
    tuned = command("evaluate", run, data, "--beam", 4, "--tune", run.parent / "speech.npz")
    assert "tuned on 20 of 200 recordings" in tuned.err and "which training held out" in tuned.err
    refused = command("evaluate", run, data, "--tune", data)
    assert refused.code == 2 and "tune: needs a search" in refused.err.replace("--", "")


def test_errors_by_speaker_and_alignments_are_those_counted_by_hand() -> None:
    references, texts = ["a b c", "d", "e f"], ["a x c", "d d", ""]
    words = score(references, texts, "word")
    assert words.row() == ("3", "6", "50.0", "16.7", "33.3", "16.7", "66.7", "100.0")
    table = speaker_table(words, ["one", "two", "one"])
    assert table is not None
    assert table.rows[0] == ("one", "2", "5", "40.0", "20.0", "40.0", "0.0", "60.0", "100.0")
    assert table.rows[1] == ("two", "1", "1", "100.0", "0.0", "0.0", "100.0", "100.0", "100.0")
    worst = worst_utterances(words, references, texts, ["u", "v", "w"], 2)
    assert worst.splitlines() == [
        "w: 2 errors",
        "  REF: e  f",
        "  HYP: ** **",
        "u: 1 error",
        "  REF: a b  c",
        "  HYP: a x* c",
    ]
    assert speaker_table(words, ["", "", ""]) is None
