"""Prepared tokens: those of `Vocabulary` on the whole text, for any pieces, processes, kills and faults."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bptt.data.batches import Continuous
from bptt.data.prepared import own_folder
from bptt.data.prepared.own_folder import check_output_folder
from bptt.data.prepared.preparation import Preparation, prepare
from bptt.data.prepared.prepared_text import open_prepared
from bptt.data.prepared.reported_steps import Interruption
from bptt.data.prepared.stored_streams import StoredStreams
from bptt.data.readers.corpus import read_corpus
from bptt.data.reading import in_encoding
from bptt.data.text import split_text
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, VocabularyOptions, usual_white_space
from bptt.errors import InputError, MachineError
from bptt.files import replace_whole

SOURCE = Path(__file__).read_text("utf-8")
TEXT = f"{SOURCE}\n天地玄黄 é İ <unk> the<unk>\n\n  two  spaces \n" * 2
LEVELS = ("character", "word", "bpe", "whitespace")


def options_of(level: str, **others: object) -> VocabularyOptions:
    return VocabularyOptions(level, white_space=usual_white_space(level), **others)  # type: ignore[arg-type]


def silent(what: str, done: int, steps: int) -> None:
    pass


def prepared(tmp_path: Path, *files: Path, level: str = "word", **others: object) -> Path:
    folder = tmp_path / "shards"
    asked = Preparation(files, folder, options_of(level), piece=1000)
    prepare(replace(asked, **others), silent)  # type: ignore[arg-type]
    return folder


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text(TEXT, "utf-8")
    return path


def check(folder: Path, files: list[Path], level: str, held_out: float) -> None:
    """Compare a folder with what a training on the files themselves makes of them."""
    whole = read_corpus(files).text
    found, parts = open_prepared(folder), split_text(whole, held_out, whole_lines=False)
    truth = Vocabulary.build(parts[0], options_of(level))
    assert found.vocabulary.to_bytes() == truth.to_bytes()
    for part, wanted in zip((found.learned, found.held_out), parts, strict=True):
        if part is None:
            assert not wanted
            continue
        tokens = found.tokens(part)
        encoded = truth.encode(wanted)
        assert tokens.read(0, len(tokens)).tolist() == encoded.tolist()
        assert part.characters == len(wanted) and part.left == truth.characters(wanted)
        assert part.words == truth.words(wanted) and part.lines == wanted.count("\n")
        assert part.unknown == int((encoded == 0).sum())
    assert found.counts() == torch.bincount(truth.encode(parts[0]), minlength=truth.size).tolist()
    assert whole[len(parts[0]) :].startswith(found.excerpt())


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("held_out", [0.0, 0.1, 0.37])
def test_tokens_are_those_of_the_whole_text(tmp_path: Path, text: Path, level: str, held_out: float) -> None:
    check(prepared(tmp_path, text, level=level, held_out=held_out), [text], level, held_out)


def zstandard(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").ZstdCompressor().compress(data)


FORMS: dict[str, Callable[[], bytes]] = {
    "bom.txt": lambda: b"\xef\xbb\xbf" + TEXT.encode(),
    "crlf.txt": lambda: TEXT.replace("\n", "\r\n").encode(),
    "twice.txt": lambda: TEXT.replace("\n", "\r\r\n").encode() + b"end\r\r",
    "mac.txt": lambda: TEXT.replace("\n", "\r").encode(),
    "no-end.txt": lambda: TEXT.rstrip("\n").encode(),
    "one-line.txt": lambda: TEXT.replace("\n", " ").encode(),
    "packed.gz": lambda: gzip.compress(TEXT[:3000].encode()) + gzip.compress(TEXT[3000:].encode()),
    "packed.zst": lambda: zstandard(TEXT[:3000].encode()) + zstandard(TEXT[3000:].encode()),
    "lines.jsonl": lambda: "".join(
        json.dumps({"id": n, "text": line}) + "\n" for n, line in enumerate(TEXT.split("\n\n"))
    ).encode(),
    "poems.json": lambda: json.dumps([["one line", "two lines"], ["three", "four"]] * 20).encode(),
    "table.tsv": lambda: b"text\tlabel\n" + b"one text\ta\nanother one\tb\n" * 40,
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read_as_it_is_for_training(tmp_path: Path, name: str) -> None:
    files = [tmp_path / name, tmp_path / "b.txt"]
    files[0].write_bytes(FORMS[name]())
    files[1].write_text("another text\nof two lines", "utf-8")
    check(prepared(tmp_path, *files), files, "word", 0.1)


def test_texts_in_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(("天地玄黄,宇宙洪荒。\n" * 300).encode("gb18030"))
    found = open_prepared(prepared(tmp_path, in_encoding(path, "gb18030"), level="character"))
    assert "玄" in found.vocabulary.tokens and found.learned.unknown == 0
    with pytest.raises(InputError, match="must be in an encoding whose lines end in a byte 0A, got utf-16"):
        prepared(tmp_path / "b", in_encoding(path, "utf-16"))


def test_columns_of_parquet_and_json(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, texts = tmp_path / "a.parquet", ["one\ntwo", None, "", "three", "four five"] * 50
    parquet.write_table(pyarrow.table({"id": range(250), "body": texts}), path)
    found = open_prepared(prepared(tmp_path, path, held_out=0))
    assert found.manifest.sources[0].form == "Parquet"
    check(found.folder, [path], "word", 0)
    starts = np.fromfile(found.folder / found.learned.documents, "<i8")
    tokens = found.tokens(found.learned)
    ends = np.flatnonzero(tokens.read(0, len(tokens)) == END)
    # Documents of two lines, one and one.
    assert starts.tolist() == [0, *(ends[[1, 2, 3]] + 1), *starts[4:]] and len(starts) == 150
    with pytest.raises(InputError, match='must have a column "note", got the columns id, body'):
        prepared(tmp_path / "b", path, column="note")
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"a": "one two", "b": "three"}\n' * 40, "utf-8")
    assert " three" in open_prepared(prepared(tmp_path / "c", lines, column="b")).vocabulary.tokens


def test_processes_change_no_byte(tmp_path: Path, text: Path) -> None:
    text.write_text(TEXT * 30, "utf-8")
    others: dict[str, object] = {"piece": 40_000}
    one = prepared(tmp_path / "one", text, workers=1, **others)
    own_folder_size = "bptt.data.prepared.preparation._FOR_A_PROCESS"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_folder_size, 1)
        two = prepared(tmp_path / "two", text, workers=2, **others)
    assert written(one) == written(two)


class Killed(BaseException):
    """The end of a process."""


def test_a_preparation_that_ends_anywhere_goes_on_to_the_same_bytes(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended before and behind every renaming of a file, each time a little later."""
    wanted = written(prepared(tmp_path / "wanted", text, piece=4000))
    calls, limit = 0, 0

    def replacing(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls > limit:
            raise Killed
        os.rename(source, target)
        if calls == limit and limit % 2:
            raise Killed

    monkeypatch.setattr("bptt.files.os.replace", replacing)
    while True:
        calls, limit = 0, limit + 1
        try:
            folder = prepared(tmp_path / "found", text, piece=4000)
        except Killed:
            # As a kill leaves it: half a file under the name that a new one has at first.
            if (work := tmp_path / "found" / "shards" / own_folder.WORK).exists():
                (work / "000001.tmp").write_bytes(b"half")
            continue
        break
    assert limit > 7
    assert written(folder) == wanted


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_is_gone_on_from(tmp_path: Path, text: Path) -> None:
    text.write_text(TEXT * 200, "utf-8")
    wanted = written(prepared(tmp_path / "wanted", text, piece=20_000))
    folder = tmp_path / "found"
    code = (
        "from pathlib import Path\nfrom bptt.data.prepared.preparation import *\n"
        "from bptt.data.vocabulary_options import *\n"
        f"prepare(Preparation((Path({str(text)!r}),), Path({str(folder)!r}), "
        "VocabularyOptions('word', white_space=False), piece=20_000), lambda *_: None)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    while process.poll() is None and len(list(folder.glob(f"{own_folder.WORK}/*.npz"))) < 5:
        time.sleep(0.01)
    process.kill()
    process.wait()
    prepare(Preparation((text,), folder, options_of("word"), piece=20_000), silent)
    assert written(folder) == wanted


def test_a_stop_keeps_what_is_done(tmp_path: Path, text: Path) -> None:
    asked = Preparation((text,), tmp_path / "shards", options_of("word"), piece=1000)
    count = 0

    def stopped() -> bool:
        nonlocal count
        count += 1
        return count > 6

    with pytest.raises(Interruption):
        prepare(asked, silent, stopped)
    assert len(list((asked.output / own_folder.WORK).glob("*.npz"))) >= 4
    prepare(asked, silent)
    assert not (asked.output / own_folder.WORK).exists()


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", lambda: TEXT.encode() + b"bad \xff\n", r"a\.txt:\d+: must be UTF-8, got ff at byte \d"),
        ("b.txt", lambda: TEXT.encode() + b"bad \0\n", r"b\.txt:\d+: must be text, not binary data"),
        ("c.txt", lambda: TEXT.encode("utf-16"), r"c\.txt:1: must be text in UTF-8.*UTF-16"),
        ("d.gz", lambda: cut_short(gzip.compress(TEXT.encode())), r"d\.gz: must be a whole gzip.*byte \d"),
        ("e.zst", lambda: cut_short(zstandard(TEXT.encode())), r"e\.zst: must be a whole Zstandard.*byte \d"),
        ("f.zst", lambda: zstandard(b"text\n")[:-3] + b"\xff" * 99, r"f\.zst: must be a whole Zstandard"),
        ("g.jsonl", lambda: b'{"text": "a"}\n' * 9 + b'{"text": \n', r"g\.jsonl:10: must be one JSON object"),
        ("h.jsonl", lambda: b'{"text": "a"}\n' * 9 + b'{"text": 3}\n', r'h\.jsonl:10: "text" must be a text'),
        ("i.jsonl", lambda: b'{"none": "a"}\n' * 9, r"i\.jsonl: must have a column of the text"),
        ("j.txt", lambda: b" \n\n", r"j\.txt: must hold text, got 3 bytes of white space"),
        ("k.parquet", lambda: b"PAR1" + b"\0" * 99, r"k\.parquet: must be a Parquet file"),
        ("l.txt", lambda: b"x" * 9000, r"l\.txt:1: a line has at most"),
        ("m.pdf", lambda: b"%PDF-1.4\n\xff" + b"x" * 99, r"m\.pdf: must be text, got a PDF"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, name: str, data: Callable[[], bytes], said: str) -> None:
    path = tmp_path / name
    path.write_bytes(data())
    with pytest.raises(InputError, match=said):
        prepared(tmp_path, path)


def test_a_full_disk_is_said_and_gone_on_from(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 6

    def full(path: Path, write: Callable[..., object], fresh: Path | None = None) -> None:
        nonlocal room
        room -= 1
        if room < 0:
            raise MachineError(str(path), "must be writable", os.strerror(errno.ENOSPC))
        replace_whole(path, write, fresh)

    monkeypatch.setattr("bptt.data.prepared.piece_file.replace_whole", full)
    with pytest.raises(MachineError, match=r"00000\d.npz: must be writable, got No space left"):
        prepared(tmp_path, text)
    monkeypatch.undo()
    check(prepared(tmp_path, text), [text], "word", 0.1)


def test_nothing_of_others_is_touched(tmp_path: Path, text: Path) -> None:
    folder = prepared(tmp_path, text)
    with pytest.raises(InputError, match="holds prepared tokens already"):
        check_output_folder(folder, overwrite=False)
    check_output_folder(folder, overwrite=True)
    (folder / "note.txt").write_text("mine")
    (folder / "learned-00099.bin").write_bytes(b"of an earlier preparation")
    before = written(folder)
    del before["learned-00099.bin"]
    assert written(prepared(tmp_path, text)) == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").write_text("mine")
    with pytest.raises(InputError, match=r"or one of prepared tokens, got note\.txt"):
        check_output_folder(tmp_path / "other", overwrite=True)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(InputError, match="must be a folder, got a symbolic link"):
        check_output_folder(tmp_path / "link", overwrite=True)


def test_a_changed_file_is_named(tmp_path: Path, text: Path) -> None:
    folder = prepared(tmp_path, text)
    for name in ("learned-00000.bin", "counts.bin", "tokenizer.json"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(InputError, match=rf"{name}: must be"):
            found = open_prepared(folder)
            found.counts()
            found.tokens(found.learned)
        (folder / name).write_bytes(data)
    manifest = folder / "tokens.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"learned-00000.bin"', '"../a.txt"'), "utf-8")
    with pytest.raises(InputError, match="its files must be in its own folder"):
        open_prepared(folder)


@pytest.mark.parametrize(("streams", "length"), [(1, 7), (3, 5), (8, 50), (32, 1), (700, 3)])
def test_streams_are_those_of_a_text_in_memory(tmp_path: Path, text: Path, streams: int, length: int) -> None:
    found = open_prepared(prepared(tmp_path, text, piece=100))
    tokens = found.tokens(found.learned)
    assert len(found.learned.shards) > 2
    for part in (tokens, tokens.section(11, 1000)):
        stored = StoredStreams(part, streams, length)
        truth = Continuous(torch.from_numpy(part.read(0, len(part))), streams, length)
        assert stored.steps == truth.steps
        for index in {0, 1, stored.steps // 2, stored.steps - 1}:
            one, other = stored.batch(0, index), truth.batch(0, index)
            assert torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets)
            assert one.continues == other.continues and one.targets.dtype == other.targets.dtype
