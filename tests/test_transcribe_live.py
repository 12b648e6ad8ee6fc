"""Speech that is written down while it arrives: the same however it is cut, in constant memory."""

from __future__ import annotations

import gc
import io
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import Command
from language_models import make_task, trained
from made_speech import write_speech as write_features
from sounds import riff, write_wav
from spoken_tones import RATE, spoken, train_on_tones
from test_jobs_answer_schema import validator
from torch import Tensor

import bptt
from bptt.cli.streams import end_within
from bptt.data.audio import microphone
from bptt.data.audio.arriving import sound_of_bytes, sound_of_file
from bptt.data.audio.options import RawFormat
from bptt.data.audio.resampling import resample
from bptt.errors import InputError, MachineError
from bptt.jobs.answers import FinalAnswer, PartialAnswer
from bptt.jobs.language.options import DataOptions
from bptt.jobs.rescore.rescoring import Weights
from bptt.jobs.transcribe.endpoint import Endpoint, EndpointOptions
from bptt.jobs.transcribe.live import LiveTranscriber
from bptt.jobs.transcribe.network import LookAhead
from bptt.jobs.transcribe.search_options import SpeechSearchOptions
from bptt.jobs.transcribe.searching import SpeechSearch
from bptt.jobs.transcribe.symbol_paths import BLANK
from bptt.jobs.transcribe.trained import TrainedTranscriber

PATIENCE = 120
TALK = "ab c", "cab a", "b", "ba cc"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_on_tones(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
def model(run: Path) -> TrainedTranscriber:
    return bptt.load(run)


def sound(*texts: str, rate: int = RATE, pause: float = 1.5) -> Tensor:
    """Texts, with silence behind each."""
    parts = [part for text in texts for part in (spoken(text, rate), np.zeros(round(pause * rate)))]
    return torch.tensor(np.concatenate(parts), dtype=torch.float32)


def answers(live: LiveTranscriber, samples: Tensor, size: int) -> list[PartialAnswer | FinalAnswer]:
    """All that is said of a sound that arrives in chunks."""
    found = [answer for chunk in samples.split(size) for answer in live.push(chunk)]
    return [*found, *live.close()]


def finals(live: LiveTranscriber, samples: Tensor, size: int = 800) -> list[FinalAnswer]:
    return [each for each in answers(live, samples, size) if isinstance(each, FinalAnswer)]


def searches(model: TrainedTranscriber) -> dict[str, SpeechSearch]:
    """Greedy, a beam, and one in which a language model has weight."""
    letters = trained(make_task("ab c\nb a\n" * 20, data=DataOptions(mode="sentences"), dtype=torch.float32))
    given = {"greedy": {}, "beam": {"width": 6}, "model": {"width": 6, "word_bonus": 0.3}}
    found = {
        name: SpeechSearch(
            model.vocabulary, BLANK, SpeechSearchOptions(**each), letters if name == "model" else None
        )
        for name, each in given.items()
    }
    found["model"].weights = Weights(0.4, 0.3, 0.2)
    return found


@pytest.mark.parametrize("name", ["greedy", "beam", "model"])
@pytest.mark.parametrize("rate", [RATE, 11_025])
def test_utterances_are_the_same_to_the_bit_however_the_sound_is_cut(
    name: str, rate: int, model: TrainedTranscriber
) -> None:
    search, samples = searches(model)[name], sound(*TALK, rate=rate)
    live = model.stream(rate, search)
    wanted = finals(live, samples, len(samples))
    assert [each.text.replace(" ", "") for each in wanted] == [each.replace(" ", "") for each in TALK]
    for size in (rate // 100, rate // 10, rate, 37):
        assert finals(live, samples, size) == wanted


@pytest.mark.parametrize("kept", [False, True])
def test_a_look_ahead_waits_over_the_ends_of_chunks_and_of_utterances(kept: bool, run: Path) -> None:
    """The probabilities of all steps, and utterances that end by their length, are the same to the bit."""
    model = bptt.load(run)
    draw = torch.Generator().manual_seed(1)
    ahead = LookAhead(model.model.encoder.read_size, 4)
    ahead.weight.data += 0.05 * torch.randn(ahead.weight.shape, generator=draw)
    model.model.look_ahead = ahead
    samples = torch.cat([sound("ab c", "cab a"), sound("ba cc", pause=0), sound("c", pause=0.2)])

    def heard(size: int) -> tuple[Tensor, list[FinalAnswer]]:
        live, rows = model.stream(endpoint=EndpointOptions(silence=0.5, longest=2, kept=kept)), []
        search_on = live._search_on
        live._search_on = lambda each: (rows.append(each), search_on(each))[1]  # type: ignore[method-assign]
        found = finals(live, samples, size)
        return torch.cat(rows), found

    whole, texts = heard(len(samples))
    assert len(texts) > 4
    for size in (RATE // 100, RATE // 10, RATE, 37):
        rows, others = heard(size)
        assert torch.equal(rows, whole) and others == texts


@pytest.mark.parametrize("name", ["greedy", "beam", "model"])
@pytest.mark.parametrize("rate", [RATE, 11_025])
def test_one_utterance_is_answered_as_the_whole_recording(
    name: str, rate: int, model: TrainedTranscriber
) -> None:
    """Text and times are equal; probabilities up to the order of sums, which a batch has otherwise."""
    search, samples = searches(model)[name], sound("ab c cab", rate=rate, pause=0.3)
    (heard,) = finals(model.stream(rate, search), samples)
    frames = resample(samples, rate, RATE)
    # The likeliest symbols are found by `predict` without a search.
    (whole,) = model.predict([(frames, RATE)], search if search.has_beam else None)
    assert heard.text == whole.text and heard.confidence == pytest.approx(whole.confidence, rel=1e-3)
    for one, other in zip(heard.words, whole.words, strict=True):
        assert (one.word, one.start, one.end) == (other.word, other.start, other.end)
        assert one.confidence == pytest.approx(other.confidence, rel=1e-3)
    assert (heard.start, heard.end) == (whole.words[0].start, whole.words[-1].end)


def test_each_utterance_is_that_of_its_own_part_of_the_sound(model: TrainedTranscriber) -> None:
    """States begin anew with it, so that what was said before has no influence, to the bit."""
    live, samples = model.stream(), sound(*TALK)
    beginnings = [0]
    usual = live._begin
    live._begin = lambda first: (beginnings.append(first), usual(first))  # type: ignore[method-assign]
    found = finals(live, samples)
    step = round(model.seconds * RATE)
    assert len(found) == len(TALK)
    for first, each in zip(beginnings, found, strict=False):
        alone = finals(model.stream(), samples[first * step :])[0]
        assert (alone.text, alone.confidence) == (each.text, each.confidence)
        assert alone.start == pytest.approx(each.start - first * model.seconds, abs=2e-3)


def test_states_that_are_kept_give_the_probabilities_of_the_whole_sound(model: TrainedTranscriber) -> None:
    """Ends of utterances then cut the text, and change no probability."""

    def rows(endpoint: EndpointOptions) -> tuple[Tensor, list[str]]:
        live, found = model.stream(endpoint=endpoint), []
        take = live._take

        def keep(rows: Tensor) -> Tensor | None:
            left = take(rows)
            found.append(rows if left is None else rows[: len(rows) - len(left)])
            return left

        live._take = keep  # type: ignore[method-assign]
        texts = [each.text for each in finals(live, sound(*TALK))]
        return torch.cat(found), texts

    cut, texts = rows(EndpointOptions(kept=True))
    whole, text = rows(EndpointOptions(silence=99, waiting=99, longest=999))
    assert (len(texts), len(text)) == (len(TALK), 1) and torch.equal(cut, whole)


def test_partial_answers_grow_and_what_is_stable_stays(model: TrainedTranscriber) -> None:
    for name, search in searches(model).items():
        said, changed = "", 0
        for each in answers(model.stream(search=search), sound(*TALK), 400):
            if isinstance(each, FinalAnswer):
                assert each.text.startswith(said)
                said, changed = "", changed + 1
                continue
            assert each.partial.startswith(said) and each.stable <= len(each.partial)
            assert name != "greedy" or each.stable == len(each.partial)
            said = each.partial[: each.stable]
        assert changed == len(TALK)


def test_rules_end_an_utterance() -> None:
    def end(quiet: str, **options: float) -> int:
        rule = Endpoint(EndpointOptions(**options), 0.5)
        return next((n for n, each in enumerate(quiet, 1) if rule.ends(each == ".")), 0)

    assert end("..x.x....") == 7  # 1 s behind a word
    assert end(".............") == 10  # 5 s before any
    assert end(".............", waiting=2) == 4
    assert end("x.x.x.x.x.x.", longest=3) == 6
    assert end("x..", silence=0.4) == 2


def test_a_long_utterance_is_cut_in_the_longest_pause_of_its_second_half_between_words() -> None:
    def cut(heard: str, **options: float) -> int:
        """Where it is cut: a space parts words; a letter in capitals begins one; a point is a blank."""
        rule = Endpoint(EndpointOptions(silence=5, **options), 0.5)
        for each in heard:
            if rule.ends(each in ". ", each == " " or each.isupper()):
                break
        return rule.cut

    assert cut("ab. ..b .aa.b...", longest=6) == 8 - 1  # not that of the first half, nor that within a word
    assert cut("aaa. .b .aab", longest=6) == 6 + 1
    assert cut("aa a a. .a..", longest=6) == 6
    assert cut("aaaaaaaa..Aa", longest=6) == 8 and cut("aaaaaaaaAaaa", longest=6) == 8
    assert cut("a.a.a.a..a.a", longest=6) == 7 and cut("aaaaaaaaaaaa", longest=6) == 12  # one word
    assert cut("ab .. ..........", longest=9) == 2 + 10  # by silence
    with pytest.raises(InputError, match="silence"):
        EndpointOptions(silence=0)


@pytest.mark.parametrize("name", ["greedy", "model"])
def test_the_longest_utterance_loses_no_letter(name: str, model: TrainedTranscriber) -> None:
    """However long it may be, and wherever its end would come, each letter is there, and only once."""
    talk = "ab c cab a b ba cc acb b"
    samples = torch.tensor(spoken(talk, pause=0.25), dtype=torch.float32)
    search = searches(model)[name]
    for longest in (1.5, 1.6, 1.7, 1.8, 1.9, 2.3):
        for kept in (False, True):
            live = model.stream(search=search, endpoint=EndpointOptions(longest=longest, kept=kept))
            found = finals(live, samples)
            heard = "".join(each.text for each in found).replace(" ", "")
            assert heard == talk.replace(" ", ""), (longest, kept)
            assert len(found) > 1 and all(0.3 < each.confidence <= 1 for each in found)
            times = [time for each in found for word in each.words for time in (word.start, word.end)]
            assert times == sorted(times)


def held() -> int:
    """The number of tensors that are alive, of those in one piece of memory one."""
    gc.collect()
    tensors = [each for each in gc.get_objects() if type(each) is Tensor]
    return len({each.untyped_storage().data_ptr() for each in tensors})


@pytest.mark.parametrize("name", ["greedy", "model"])
def test_memory_stays_constant(name: str, model: TrainedTranscriber) -> None:
    live, samples = model.stream(11_025, searches(model)[name]), sound(*TALK, rate=11_025)
    counts = []
    for _ in range(4):
        for chunk in samples.split(1102):
            for _ in live.push(chunk):
                pass
        counts.append(held())
    # The last utterance has a few steps more or less; some 400 steps were heard in each round.
    assert max(counts) - min(counts) < 60


def test_silence_and_noise_are_no_fault(model: TrainedTranscriber) -> None:
    live = model.stream()
    assert finals(live, torch.zeros(12 * RATE)) == []
    draw = torch.Generator().manual_seed(0)
    for loud in (1e-4, 0.1, 1.0):
        for each in finals(live, loud * torch.randn(3 * RATE, generator=draw)):
            assert 0 <= each.confidence <= 1
    assert finals(live, torch.zeros(0)) == [] and finals(live, torch.zeros(1)) == []
    for wrong, said in (
        (torch.tensor([0.0, float("nan")]), "must be finite numbers"),
        (torch.zeros(2, 2), "must be finite numbers"),
        (torch.tensor([0.0, 1e30]), "must be numbers in ±1, or on the scale of 32 bits, got 1e.30"),
        (
            torch.zeros(2, dtype=torch.int16),
            r"floating-point numbers in ±1, got torch\.int16\. Divide",
        ),
    ):
        with pytest.raises(InputError, match=said):
            list(live.push(wrong))
    assert list(live.push(torch.zeros(99, dtype=torch.float64, requires_grad=True))) == []
    for rate in (0, -1, 8000.5):
        with pytest.raises(InputError, match="rate: is a whole number above 0"):
            model.stream(rate)  # type: ignore[arg-type]


def parts(data: bytes, size: int = 7) -> list[bytes]:
    return [data[n : n + size] for n in range(0, len(data), size)]


def joined(data: bytes, raw: RawFormat, size: int = 7) -> tuple[int, Tensor]:
    found = sound_of_bytes(iter(parts(data, size)), "pipe", raw)
    return found.rate, torch.cat([torch.zeros(0), *found.pieces])


def test_bytes_become_samples_of_one_channel() -> None:
    numbers = np.arange(-600, 600, dtype="<i2").reshape(-1, 2)
    raw = RawFormat(8000, 2)
    for size in (1, 3, 7, 10_000):
        rate, found = joined(numbers.tobytes() + b"\x01", raw, size)
        assert rate == 8000
        np.testing.assert_array_equal(found.numpy(), numbers.astype(np.float32).mean(1) / 32768)
    _, right = joined(numbers.tobytes(), RawFormat(8000, 2, 2))
    np.testing.assert_array_equal(right.numpy(), numbers[:, 1].astype(np.float32) / 32768)
    wav = riff(numbers.tobytes(), 44_100, 2, 16)
    for given in (wav + b"LIST\x04\x00\x00\x00abcd", riff(numbers.tobytes(), 44_100, 2, 16, size=2**32 - 1)):
        rate, found = joined(given, RawFormat(8000))
        assert rate == 44_100
        np.testing.assert_array_equal(found.numpy(), numbers.astype(np.float32).mean(1) / 32768)
    assert max(map(len, sound_of_bytes(iter([bytes(80_000)]), "pipe", RawFormat(8000)).pieces)) == 800


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "must hold sound, got no bytes"),
        (b"fLaC" + bytes(50), "must be bare samples of 16 bits, or WAV, got FLAC"),
        (riff(bytes(8), 8000, 1, 16)[:40], "must be a WAV file with a chunk of samples"),
        (riff(np.float32([0, np.nan]).tobytes(), 8000, 1, 32, 3), "must be finite numbers"),
        (riff(np.float32([0, 1e30]).tobytes(), 8000, 1, 32, 3), "must be numbers in ±1"),
        (riff(bytes(8), 8000, 1, 4, 17), "must be WAV of plain numbers"),
    ],
)
def test_bytes_that_are_no_samples_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        joined(data, RawFormat(8000))
    with pytest.raises(InputError, match="must have a channel 2"):
        joined(bytes(99), RawFormat(8000, 1, 2))


def test_a_file_gives_the_samples_of_a_pipe(tmp_path: Path) -> None:
    samples = spoken("ab")
    wav = sound_of_file(write_wav(tmp_path / "a.wav", samples, RATE), RawFormat(16_000))
    (tmp_path / "a.raw").write_bytes((tmp_path / "a.wav").read_bytes()[44:])
    raw = sound_of_file(tmp_path / "a.raw", RawFormat(RATE))
    assert wav.rate == raw.rate == RATE
    assert torch.equal(torch.cat([*wav.pieces]), torch.cat([*raw.pieces]))


class FakeError(Exception):
    """As sounddevice.PortAudioError."""


def test_the_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**options: object) -> None:
        raise FakeError("no default device")

    class Stream(io.BytesIO):
        def __init__(self, samplerate: int, channels: int, dtype: str, blocksize: int) -> None:
            super().__init__(bytes(4 * blocksize))

        def read(self, size: int | None = -1) -> tuple[bytes, bool]:  # type: ignore[override]
            return super().read(2 * size), False

    monkeypatch.setattr(microphone, "sounddevice", None)
    monkeypatch.setattr(microphone, "_MISSING", "no such package", raising=False)
    with pytest.raises(InputError, match=r"needs sounddevice, got no such package. Install it: pip install"):
        next(microphone.record(8000, 1, 800))
    fake = SimpleNamespace(PortAudioError=FakeError, RawInputStream=missing)
    monkeypatch.setattr(microphone, "sounddevice", fake)
    with pytest.raises(MachineError, match=r"must be one that can be opened, got no default device. Plug"):
        microphone.record(8000, 1, 800)
    fake.RawInputStream = Stream
    found = microphone.record(8000, 1, 800)
    assert [len(next(found)), len(next(found))] == [1600, 1600]


def test_the_command_prints_json_lines(run: Path, command: Command, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "two.wav", sound("ab", "c").numpy(), RATE)
    of_file = command("predict", run, "--stream", path)
    assert of_file.code == 0, of_file.err
    assert "two.wav: 8,000 samples a second, channels: 1" in of_file.err
    lines = [json.loads(line) for line in of_file.out.splitlines()]
    for line in lines:
        validator("stream.transcribe").validate(line)
    assert lines[:2] == [{"partial": "a", "stable": 1}, {"partial": "ab", "stable": 2}]
    texts = [line for line in lines if "text" in line]
    assert [line["text"] for line in texts] == ["ab", "c"]
    assert {*texts[0]} == {"text", "start", "end", "confidence", "words"}
    assert {*texts[0]["words"][0]} == {"word", "start", "end", "confidence"}
    data = path.read_bytes()
    for given, options in ((data, ()), (data[44:] + b"\0", ()), (data[44:], ("--rate", "8000", "--json"))):
        assert command("predict", run, "--stream", "-", *options, stdin=given).out == of_file.out
    odd = command("predict", run, "--stream", "-", stdin=data[44:] + b"\0")
    assert "standard input: left out at the end: 1 byte, part of a sample" in odd.err
    assert "left out" not in of_file.err and "resampled" not in of_file.err
    slow = command("predict", run, "--stream", "-", "--rate", "4000", stdin=data[44:])
    assert "resampled from 4,000 to the 8,000 samples a second of the model, which knows higher" in slow.err
    stereo = np.repeat(np.frombuffer(data[44:], "<i2"), 2).tobytes()
    assert command("predict", run, "--stream", "-", "--channels", "2", stdin=stereo).out == of_file.out
    quiet = command("predict", run, "--stream", "-", stdin=bytes(16_000))
    assert (quiet.code, quiet.out) == (0, "") and "nothing was said in 1.0 s" in quiet.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stream", "-"), "standard input: must hold sound, got no bytes"),
        (("--stream", "none.wav"), "must be a file of sound, got no such file"),
        (("--stream", "-", "--n-best", "2"), "--n-best: needs whole recordings, got --stream"),
        (("--microphone", "-"), "--microphone: is heard instead of an input"),
        (("--stream", "-", "-o", "x"), "--output: is written when all answers are known"),
        ((), "must be a file, a folder, a text, or -, got none"),
    ],
)
def test_what_cannot_be_heard_is_refused(
    arguments: tuple[str, ...], said: str, run: Path, command: Command
) -> None:
    ended = command("predict", run, *arguments)
    assert (ended.code, ended.out, said in ended.err) == (2, "", True), ended.err


def test_other_transcribers_are_refused(tmp_path: Path) -> None:
    both = bptt.load(train_on_tones(tmp_path / "both", 8, bidirectional=True, epochs=1))
    with pytest.raises(InputError, match="needs a transcriber of one direction"):
        both.stream()
    each = bptt.load(train_on_tones(tmp_path / "each", 8, sound_normalise="utterance", epochs=1))
    with pytest.raises(InputError, match="normalise: is not `utterance`"):
        each.stream()
    data = write_features(tmp_path / "speech.npz", ["ab", "ba", "a", "b"])
    options = {"bidirectional": False, "epochs": 1, "hidden_size": 3, "batch_size": 2, "held_out": 0}
    bptt.train("transcribe", data, tmp_path / "features", progress=False, **options)
    with pytest.raises(InputError, match="needs a transcriber of sound"):
        bptt.load(tmp_path / "features").stream()


@pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")
def test_ctrl_c_ends_with_what_was_heard_and_a_terminal_is_rewritten(run: Path) -> None:
    import pty

    command = [sys.executable, "-m", "bptt", "predict", run, "--stream", "-"]
    master, terminal = pty.openpty()
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=terminal, stderr=pipe, bufsize=0)
    os.close(terminal)
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write((spoken("ab c") * 32767).astype("<i2").tobytes())
    shown = ""
    while "ab" not in shown:
        assert select.select([master], [], [], PATIENCE)[0], "no answer"
        shown += os.read(master, 1000).decode()
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0, process.stderr.read()
    while select.select([master], [], [], 0)[0]:
        try:
            shown += os.read(master, 1000).decode()
        except OSError:
            break
    assert "\r\x1b[Ka" in shown and shown.startswith("\r\x1b[K") and "{" not in shown
    assert shown.replace("\r\x1b[K", "|").rstrip("|").rstrip("\r\n").rpartition("|")[2].startswith("ab")


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_goes_ends_it_quietly(run: Path, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", sound(*TALK, *TALK).numpy(), RATE)
    command = [sys.executable, "-m", "bptt", "predict", run, "--stream", path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 1 and b"Traceback" not in process.stderr.read()


def test_the_end_of_a_text_fits_in_the_columns_of_a_terminal() -> None:
    assert end_within("abc", 5) == "abc" and end_within("abcdef", 3) == "def"
    assert end_within("今天好", 5) == "天好" and end_within("a今b", 2) == "b" and end_within("x", 0) == ""
