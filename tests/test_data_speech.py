"""Every layout of sounds and texts, made by the tests: what was read, what was left out, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sounds import tone, write_wav

from bptt.data.readers.speech.layouts import detect_speech, read_speech
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.readers.speech.utterances import Spoken
from bptt.errors import InputError

WORDS = {"u1": "ONE TWO", "u2": "THREE", "u3": "FOUR"}
SILENCE = np.zeros(160)


def read(source: Path, labelled: bool = True, **options: str) -> tuple[str, Spoken]:
    said = SpeechOptions(**options)  # type: ignore[arg-type]
    found = detect_speech(source, said, labelled)
    return found.form, read_speech(source, replace(said, form=found.form), labelled)


def sounds(folder: Path, names: dict[str, str] | list[str]) -> None:
    for name in names:
        write_wav(folder / f"{name}.wav", SILENCE)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def table(header: str, row: str, mark: str = "\t") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        sounds(folder / "clips", WORDS)
        rows = [row.format(name=name, text=text).replace("|", mark) for name, text in WORDS.items()]
        return write(folder / "train.tsv", "\n".join([header.replace("|", mark), *rows]) + "\n")

    return make


def json_lines(row: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        sounds(folder / "audio", WORDS)
        rows = [row.replace("NAME", name).replace("TEXT", text) for name, text in WORDS.items()]
        return write(folder / "train.json", "\n".join(rows) + "\n")

    return make


def kaldi(folder: Path) -> Path:
    sounds(folder / "wavs", WORDS)
    write(folder / "wav.scp", "".join(f"{name} wavs/{name}.wav\n" for name in WORDS))
    write(folder / "text", "".join(f"{name} {text}\n" for name, text in WORDS.items()))
    write(folder / "utt2spk", "".join(f"{name} s{name[1]}\n" for name in WORDS))
    return folder


def segments(folder: Path) -> Path:
    write_wav(folder / "long.wav", tone(3))
    write(folder / "wav.scp", "long long.wav\n")
    write(folder / "segments", "u1 long 0 1.0\nu2 long 1.0 2.5\nu3 long 2.5 -1\n")
    write(folder / "text", "".join(f"{name} {text}\n" for name, text in WORDS.items()))
    return folder


def librispeech(folder: Path) -> Path:
    names = {f"84-1-{name}": text for name, text in WORDS.items()}
    sounds(folder / "84/1", names)
    write(folder / "84/1/84-1.trans.txt", "".join(f"{name} {text}\n" for name, text in names.items()))
    return folder


def beside(folder: Path) -> Path:
    sounds(folder, WORDS)
    for name, text in WORDS.items():
        write(folder / f"{name}.txt", f"\ufeff{text}\r\n")
    return folder


def vctk(folder: Path) -> Path:
    for name, text in WORDS.items():
        write_wav(folder / f"wav48/p{name[1]}/{name}_mic1.wav", SILENCE)
        write(folder / f"txt/p{name[1]}/{name}.txt", text)
    return folder


def thchs(folder: Path) -> Path:
    sounds(folder / "train", [f"A1_{name}" for name in WORDS])
    for name, text in WORDS.items():
        write(folder / f"data/A1_{name}.wav.trn", f"{text}\npin1 yin1\np h\n")
        write(folder / f"train/A1_{name}.wav.trn", f"../data/A1_{name}.wav.trn\n")
    return folder / "train"


def aishell(folder: Path) -> Path:
    sounds(folder / "wav/train/S1", WORDS)
    rows = [f"{name} {text}\n" for name, text in (*WORDS.items(), ("u9", "OTHER"))]
    write(folder / "transcript/a_v0.8.txt", "".join(rows))
    return folder / "wav/train"


def sphinx(folder: Path) -> Path:
    sounds(folder / "wav/clstk", WORDS)
    write(folder / "etc/x_train.transcription", "".join(f"<s> {t} </s> ({n})\n" for n, t in WORDS.items()))
    return write(folder / "etc/x_train.fileids", "".join(f"clstk/{name}\n" for name in WORDS))


def sphinx_test(folder: Path) -> Path:
    path = sphinx(folder).with_suffix(".transcription")
    return write(path, "".join(f"{text} (clstk/{name})\n" for name, text in WORDS.items()))


LAYOUTS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "path and text": ("manifest", table("path|text|speaker", "clips/{name}.wav|{text}|s")),
    "Common Voice": ("manifest", table("client_id|path|sentence|up_votes", "s|{name}.wav|{text}|2")),
    "DeepSpeech": (
        "manifest",
        table("wav_filename|wav_filesize|transcript", "clips/{name}.wav|9|{text}", ","),
    ),
    "SpeechBrain": (
        "manifest",
        table("ID|duration|wav|spk|wrd", "{name}|1|$data_root/clips/{name}.wav|s|{text}", ","),
    ),
    "audiofolder": ("manifest", table("file_name|transcription", "clips/{name}.wav|{text}", ",")),
    "without a header": ("manifest", table("clips/u1.wav|ONE TWO", "clips/{name}.wav|{text}")),
    "Windows": ("manifest", table("path|text", "clips\\{name}.wav|{text}", ",")),
    "NeMo": ("manifest", json_lines('{"audio_filepath": "audio/NAME.wav", "duration": 1.5, "text": "TEXT"}')),
    "WeNet": ("manifest", json_lines('{"key": "NAME", "wav": "audio/NAME.wav", "txt": "TEXT"}')),
    "Kaldi": ("kaldi", kaldi),
    "Kaldi, segments": ("kaldi", segments),
    "LibriSpeech": ("librispeech", librispeech),
    "beside": ("beside", beside),
    "VCTK": ("beside", vctk),
    "THCHS-30": ("trn", thchs),
    "AISHELL": ("transcript", aishell),
    "Sphinx": ("sphinx", sphinx),
    "Sphinx, test": ("sphinx", sphinx_test),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str, tmp_path: Path) -> None:
    form, make = LAYOUTS[layout]
    found, examples = read(make(tmp_path))
    assert found == form
    texts = sorted(row.target for row in examples.rows)
    # The first line of a table without a header is a row, and here the first row once more.
    assert texts == sorted([*WORDS.values(), *(["ONE TWO"] if layout == "without a header" else [])])
    assert all(row.input.path.is_file() and row.name for row in examples.rows)


def test_speakers_are_groups(tmp_path: Path) -> None:
    assert [row.group for row in read(kaldi(tmp_path / "k"))[1].rows] == ["s1", "s2", "s3"]
    assert {row.group for row in read(librispeech(tmp_path / "l"))[1].rows} == {"84"}
    assert {row.group for row in read(thchs(tmp_path / "t"))[1].rows} == {"A1"}
    assert {
        row.group
        for row in read(table("client_id|path|sentence", "c|{name}.wav|{text}")(tmp_path / "c"))[1].rows
    } == {"c"}


def test_segments_cut_a_recording(tmp_path: Path) -> None:
    _, found = read(segments(tmp_path))
    assert [(row.input.start, row.input.stop) for row in found.rows] == [(0, 1), (1, 2.5), (2.5, None)]


def test_texts_in_names_need_a_pattern(tmp_path: Path) -> None:
    sounds(tmp_path, ["0_1_1", "1_0_0", "readme"])
    with pytest.raises(InputError, match=r"must have a text for each sound.*`text_pattern`"):
        read(tmp_path)
    form, found = read(tmp_path, text_pattern="^[01_]+$", text_words="0=NO,1=YES")
    assert form == "named"
    assert [row.target for row in found.rows] == ["NO YES YES", "YES NO NO"]
    assert "finds nothing: 1" in found.notes[0]


def test_sounds_to_transcribe_need_no_texts(tmp_path: Path) -> None:
    sounds(tmp_path, WORDS)
    form, found = read(tmp_path, labelled=False)
    assert form == "sounds"
    assert [row.name for row in found.rows] == ["u1.wav", "u2.wav", "u3.wav"]
    assert [row.target for row in read(tmp_path / "u1.wav", labelled=False)[1].rows] == [None]
    listed = write(tmp_path / "list.txt", "u1.wav\nu3.wav\n")
    assert len(read(listed, labelled=False)[1]) == 2


def test_what_has_no_partner_is_counted(tmp_path: Path) -> None:
    source = kaldi(tmp_path)
    sounds(source / "wavs", ["u4", "u5"])
    write(source / "wav.scp", "".join(f"u{n} wavs/u{n}.wav\n" for n in (1, 2, 4, 5, 1)))
    write(source / "text", "u1 ONE\nu2 \nu3 THREE\nu5 FIVE\nu5 SIX\n")
    _, found = read(source)
    assert [(row.name, row.target) for row in found.rows] == [("u1", "ONE"), ("u5", "FIVE")]
    notes = "\n".join(found.notes)
    for said in ("repeat the name of another: 2", "no sound: 1", "no text: 1", "an empty text: 1"):
        assert said in notes


@pytest.mark.parametrize(
    ("scp", "match"),
    [
        ("u1 sph2pipe -f wav u1.sph |\n", r"wav\.scp:1: must be a file: commands are never run"),
        ("u1 touch /tmp/never |\n", "commands are never run"),
        ("u1 raw.ark:12\n", "not a place in an archive"),
        (
            "u1 wavs/u1.wav\nu2 wavs/none.wav\n",
            r"wav\.scp:2: must name a file that is there, got wavs/none\.wav",
        ),
    ],
)
def test_what_kaldi_would_run_is_refused(scp: str, match: str, tmp_path: Path) -> None:
    source = kaldi(tmp_path)
    write(source / "wav.scp", scp)
    with pytest.raises(InputError, match=match):
        read(source)


def test_folders_with_a_table(tmp_path: Path) -> None:
    for name, text in (
        ("metadata.csv", "file_name,text\nu1.wav,ONE\nu2.wav,TWO\n"),
        (
            "metadata.jsonl",
            '{"file_name": "u1.wav", "text": "ONE"}\n{"file_name": "u2.wav", "text": "TWO"}\n',
        ),
        (
            "data.list",
            '{"key": "a", "wav": "u1.wav", "txt": "ONE"}\n{"key": "b", "wav": "u2.wav", "txt": "TWO"}\n',
        ),
    ):
        folder = tmp_path / name
        sounds(folder, WORDS)
        write(folder / name, text)
        form, found = read(folder)
        assert (form, [row.target for row in found.rows]) == ("manifest", ["ONE", "TWO"])


def test_the_columns_may_be_named(tmp_path: Path) -> None:
    sounds(tmp_path, WORDS)
    source = write(tmp_path / "a.csv", "what,where,who\nONE,u1.wav,a\nTWO,u2.wav,b\n")
    with pytest.raises(InputError, match=r"must have a column of texts, got what, where, who.*`text_column`"):
        read(source)
    _, found = read(source, text_column="what", speaker_column="who")
    assert [(row.target, row.group) for row in found.rows] == [("ONE", "a"), ("TWO", "b")]
    _, found = read(source, text_column="what", speaker_pattern=r"\d")
    assert [row.group for row in found.rows] == ["1", "2"]


def test_lines_are_a_path_and_its_text(tmp_path: Path) -> None:
    sounds(tmp_path, ["a", "b c"])
    form, found = read(write(tmp_path / "list.txt", "a.wav one\nb c.wav two words.wav too\n"))
    assert (form, found.targets) == ("manifest", ("one", "two words.wav too"))
    assert [row.input.path.name for row in found.rows] == ["a.wav", "b c.wav"]


def test_what_is_no_speech_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got a folder that holds nothing\. Write a table"):
        read(tmp_path)
    write(tmp_path / "notes.md", "abc")
    with pytest.raises(InputError, match=r"got a folder that holds files .md. Write a table"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"got a file that begins 'some words'\. Write a table"):
        read(write(tmp_path / "words.txt", "some words\nmore\n"))


def test_an_offset_cuts_a_file_and_a_duration_alone_does_not(tmp_path: Path) -> None:
    sounds(tmp_path, WORDS)
    rows = '{"audio_filepath": "u1.wav", "text": "A", "offset": 0.25, "duration": 0.5}\n'
    row = read(write(tmp_path / "a.json", rows))[1].rows[0]
    assert (row.input.start, row.input.stop) == (0.25, 0.75)
    row = read(write(tmp_path / "b.json", rows.replace('"offset": 0.25, ', "")))[1].rows[0]
    assert (row.input.start, row.input.stop) == (0, None)
    with pytest.raises(InputError, match=r"c\.json:1: offset must be at least 0"):
        read(write(tmp_path / "c.json", rows.replace("0.25", "-1")))


def test_a_transcript_names_the_sounds_around_it(tmp_path: Path) -> None:
    folder = aishell(tmp_path)
    form, found = read(tmp_path / "transcript/a_v0.8.txt")
    assert (form, len(found)) == ("transcript", 3)
    assert "1 of other sounds" in " ".join(found.notes)
    assert [row.input for row in read(folder)[1].rows] == [row.input for row in found.rows]


def test_folders_of_speakers_are_groups_and_that_is_said(tmp_path: Path) -> None:
    for speaker in "abcd":
        write_wav(tmp_path / speaker / f"{speaker}1.wav", SILENCE)
        write(tmp_path / speaker / f"{speaker}1.txt", "ONE")
    _, found = read(tmp_path)
    assert [row.group for row in found.rows] == list("abcd")
    assert "speaker: the folder of each file (4 of them; `speaker_pattern` says otherwise)" in found.notes


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda folder: sphinx(folder).parent.parent, "must be one part of a data set.*x_train.fileids"),
        (lambda folder: table("path|text", "{name}.wav|{text}")(folder).parent, "Name the part: .*train.tsv"),
        (lambda folder: write(folder / "a.json", '{"text": "A"}\n'), "must be speech in one of the forms"),
        (lambda folder: write(folder / "a.tsv", "path\ttext\nnone.wav\tA\n"), r"a\.tsv:2: must name a file"),
        (lambda folder: write(folder / "x_train.fileids", "none\n"), r"x_train\.fileids:1: must name a file"),
    ],
)
def test_what_cannot_be_read_is_refused(make: Callable[[Path], Path], match: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=match):
        read(make(tmp_path))


@pytest.mark.parametrize(
    ("segment", "match"),
    [
        ("u1 long 2 1\n", "must end after its start"),
        ("u1 none 0 1\n", "must name a recording"),
        ("u1 long 0\n", "must be UTTERANCE"),
    ],
)
def test_segments_that_make_no_sense_are_refused(segment: str, match: str, tmp_path: Path) -> None:
    source = segments(tmp_path)
    write(source / "segments", segment)
    with pytest.raises(InputError, match=rf"segments:1: {match}"):
        read(source)


@pytest.mark.parametrize("cells", ["0.25,", "0.25,nan", "inf,1", "0.25,?", "a,1"])
def test_a_stretch_of_no_seconds_is_refused(tmp_path: Path, cells: str) -> None:
    sounds(tmp_path, WORDS)
    table = write(tmp_path / "a.csv", f"audio_filepath,text,offset,duration\nu1.wav,A,{cells}\n")
    with pytest.raises(InputError, match="offset and duration must be seconds, got "):
        read(table)


@pytest.mark.parametrize("times", ["? 1.0", "0 na", "0 nan", "0 inf", "0 1 2"])
def test_segments_of_no_seconds_are_refused(tmp_path: Path, times: str) -> None:
    folder = segments(tmp_path)
    write(folder / "segments", f"u1 long {times}\n")
    with pytest.raises(InputError, match="must be UTTERANCE RECORDING START END"):
        read(folder)
