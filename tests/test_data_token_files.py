"""Tokens of nanoGPT and Megatron: read from bytes written by hand, written, and refused if damaged."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Command, Ended

from bptt.data.levels import untrained, with_tokens
from bptt.data.prepared import token_export, token_files, token_import
from bptt.data.prepared.prepared_text import PreparedText, open_prepared
from bptt.data.vocabulary_options import VocabularyOptions

ROWS = [f"the cat {n % 7} sat on\nthe mat, né 床前 {chr(97 + n % 26)}\n\n" * (1 + n % 3) for n in range(60)]
CODES = {"B": 1, "b": 2, "h": 3, "i": 4, "q": 5, "H": 8}


def ok(ended: Ended) -> str:
    assert ended.code == 0, ended.err
    return ended.out


@pytest.fixture
def shards(command: Command, tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in ROWS))
    ok(command("prepare", tmp_path / "a.jsonl", "-o", tmp_path / "shards"))
    return tmp_path / "shards"


def tokens_of(folder: Path, name: str) -> tuple[list[int], list[int]]:
    """Return the tokens of a part, and its documents."""
    prepared = open_prepared(folder)
    part = prepared.part(name)
    assert part is not None
    store = prepared.tokens(part)
    return store.read(0, len(store)).tolist(), prepared.documents(part).tolist()


def index(code: int, lengths: list[int], boundaries: list[int], size: int, **others: object) -> bytes:
    """Return an index after the published format, field by field."""
    head = {
        "magic": b"MMIDIDX\x00\x00",
        "version": 1,
        "sequences": len(lengths),
        "bounds": len(boundaries),
    } | others
    data = head["magic"] + struct.pack("<QBQQ", head["version"], code, head["sequences"], head["bounds"])  # type: ignore[operator]
    data += struct.pack(f"<{len(lengths)}i", *lengths)
    data += struct.pack(f"<{len(lengths)}q", *(size * sum(lengths[:n]) for n in range(len(lengths))))
    return data + struct.pack(f"<{len(boundaries)}q", *boundaries)


def write_pair(folder: Path, kind: str, tokens: list[int], lengths: list[int], bounds: list[int]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "x.bin").write_bytes(struct.pack(f"<{len(tokens)}{kind}", *tokens))
    (folder / "x.idx").write_bytes(index(CODES[kind], lengths, bounds, struct.calcsize(kind)))


@pytest.mark.parametrize(
    "kind, named", [*((kind, "") for kind in CODES), ("i", "x"), ("i", "x.bin"), ("i", "x.idx")]
)
def test_megatron_by_hand(command: Command, tmp_path: Path, shards: Path, kind: str, named: str) -> None:
    # Two documents and an empty one; the first has two sequences.
    write_pair(tmp_path / "m", kind, [2, 3, 1, 4, 5, 6, 1], [3, 1, 3], [0, 2, 2, 3])
    out = ok(
        command(
            "prepare", tmp_path / "m" / named, "--vocabulary", shards, "-o", tmp_path / "o", "--held-out", 0
        )
    )
    assert "x.bin\tMegatron" in out
    assert tokens_of(tmp_path / "o", "learned") == ([2, 3, 1, 4, 5, 6, 1], [0, 4])
    assert open_prepared(tmp_path / "o").counts()[:7] == [0, 2, 1, 1, 1, 1, 1]


def test_nanogpt_by_hand(command: Command, tmp_path: Path, shards: Path) -> None:
    folder = tmp_path / "n"
    folder.mkdir()
    (folder / "train.bin").write_bytes(struct.pack("<5H", 2, 3, 0, 4, 1))
    (folder / "val.bin").write_bytes(struct.pack("<2H", 7, 1))
    # Unpickled, it would raise an error that nothing catches.
    (folder / "meta.pkl").write_bytes(b"cos\n_exit\n(I3\ntR.")
    (folder / "input.txt").write_text("not read")
    out = ok(command("prepare", folder, "--vocabulary", shards, "-o", tmp_path / "o"))
    assert "train.bin\tnanoGPT" in out and "val.bin\tnanoGPT" in out
    assert tokens_of(tmp_path / "o", "learned") == ([2, 3, 0, 4, 1], [0])
    assert tokens_of(tmp_path / "o", "held_out") == ([7, 1], [0])
    prepared = open_prepared(tmp_path / "o")
    # An unknown character is one, and the text of 7 is its own.
    assert (prepared.learned.characters, prepared.learned.unknown, prepared.learned.lines) == (5, 1, 1)
    assert prepared.excerpt() == prepared.vocabulary.decode([7, 1])
    (folder / "val.bin").unlink()
    ok(command("prepare", folder, "--vocabulary", shards, "-o", tmp_path / "p", "--held-out", "0.4"))
    assert tokens_of(tmp_path / "p", "held_out") == ([4, 1], [0])


def test_written_for_nanogpt(command: Command, tmp_path: Path, shards: Path) -> None:
    ok(command("prepare", shards, "--to", "nanogpt", "-o", tmp_path / "n"))
    for name, part in (("train", "learned"), ("val", "held_out")):
        assert np.fromfile(tmp_path / "n" / f"{name}.bin", "<u2").tolist() == tokens_of(shards, part)[0]
    assert {path.name for path in (tmp_path / "n").iterdir()} - {".lock"} == {
        "train.bin",
        "val.bin",
        "tokenizer.json",
    }


def test_written_for_megatron(
    command: Command, tmp_path: Path, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_export, "_BLOCK", 100)
    ok(command("prepare", shards, "--to", "megatron", "-o", tmp_path / "m"))
    tokens, documents = tokens_of(shards, "learned")
    assert np.fromfile(tmp_path / "m" / "train.bin", "<u2").tolist() == tokens
    lengths = np.diff([*documents, len(tokens)]).tolist()
    expected = index(8, lengths, list(range(len(lengths) + 1)), 2)
    assert (tmp_path / "m" / "train.idx").read_bytes() == expected
    monkeypatch.setattr(token_export, "_LONGEST", 50)
    ok(command("prepare", shards, "--to", "megatron", "-o", tmp_path / "s"))
    cut = [[50] * ((each - 1) // 50) + [each - 50 * ((each - 1) // 50)] for each in lengths]
    assert max(map(len, cut)) > 1
    bounds = [sum(map(len, cut[:n])) for n in range(len(cut) + 1)]
    assert (tmp_path / "s" / "train.idx").read_bytes() == index(
        8, [n for each in cut for n in each], bounds, 2
    )
    ok(command("prepare", tmp_path / "s", "--vocabulary", shards, "-o", tmp_path / "o"))
    assert tokens_of(tmp_path / "o", "learned") == (tokens, documents)


@pytest.mark.parametrize("level", ["character", "bpe", "word"])
def test_round_trip_in_small_blocks(
    command: Command, tmp_path: Path, shards: Path, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = tmp_path / level
    ok(command("prepare", tmp_path / "a.jsonl", "-o", shards, "--level", level, "--min-count", 1))
    ok(command("prepare", shards, "--to", "megatron", "-o", tmp_path / "m"))
    # Within characters, words, documents and files.
    monkeypatch.setattr(token_import, "_BLOCK", 7)
    monkeypatch.setattr(token_import, "_SHARD", 500)
    monkeypatch.setattr(token_files, "_BLOCK", 2)
    vocabulary = tmp_path / "m" / "tokenizer.json"
    ok(command("prepare", tmp_path / "m", "--vocabulary", vocabulary, "--level", level, "-o", tmp_path / "o"))
    before, after = open_prepared(shards), open_prepared(tmp_path / "o")
    assert len(after.learned.shards) > 2
    for name in ("learned", "held_out"):
        assert tokens_of(shards, name) == tokens_of(tmp_path / "o", name)
        assert extent(before, name) == extent(after, name)
    assert before.counts() == after.counts() and before.excerpt() == after.excerpt()
    assert before.manifest.vocabulary_sha256 == after.manifest.vocabulary_sha256


def extent(prepared: PreparedText, name: str) -> tuple[int, ...]:
    part = prepared.part(name)
    assert part is not None
    return part.tokens, part.characters, part.left, part.words, part.lines, part.unknown


def head(**others: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / "x.idx").write_bytes(index(8, [3, 1, 3], [0, 2, 3], 2, **others))

    return damage


def indexed(code: int, lengths: list[int], bounds: list[int], size: int = 2) -> Callable[[Path], None]:
    return lambda folder: put(folder / "x.idx", index(code, lengths, bounds, size))


def put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage, said",
    [
        (head(magic=b"TNTIDX\0\0\0"), "must begin as an index of Megatron does"),
        (lambda folder: put(folder / "x.idx", b"MMIDIDX\0\0\1"), "must begin as an index of Megatron does"),
        (head(version=2), "must be an index of version 1, got 2"),
        (head(sequences=2**60), "sequences"),
        (head(bounds=2**62), "document boundaries, got"),
        (indexed(7, [3, 1, 3], [0, 2, 3], 4), "must have a type of whole numbers"),
        (indexed(99, [3, 1, 3], [0, 2, 3]), "must have a type of whole numbers"),
        (indexed(8, [3, 1, 2], [0, 2, 3]), "must hold the 6 tokens of x.idx, got 7"),
        (indexed(8, [3, -1, 5], [0, 2, 3]), "one behind the other, got sequence 1"),
        (indexed(8, [3, 1, 3], [0, 2, 3], 4), "one behind the other, got sequence 1 at byte 12"),
        (indexed(8, [3, 1, 3], [0, 2]), "document boundaries that ascend from 0 to its 3 sequences"),
        (indexed(8, [3, 1, 3], [0, 2, 1, 3]), "document boundaries that ascend"),
        (indexed(8, [3, 1, 3], []), "document boundaries that ascend"),
        (lambda folder: put(folder / "x.bin", b"\2" * 13), "must hold tokens of 2 bytes, got 13 bytes"),
        (lambda folder: put(folder / "x.bin", b"\2\0" * 5 + b"\xff\xff\2\0"), "got 65535 at token 5"),
        (lambda folder: (folder / "x.idx").unlink(), "must be train.bin or val.bin in a folder of nanoGPT"),
        (lambda folder: put(folder / "y.bin", b""), "y.bin: must be train.bin or val.bin"),
    ],
)
def test_damaged_files(
    command: Command, tmp_path: Path, shards: Path, damage: Callable[[Path], None], said: str
) -> None:
    write_pair(tmp_path / "m", "H", [2, 3, 1, 4, 5, 6, 1], [3, 1, 3], [0, 2, 3])
    damage(tmp_path / "m")
    ended = command("prepare", tmp_path / "m", "--vocabulary", shards, "-o", tmp_path / "o", "--held-out", 0)
    assert ended.code == 2 and said in ended.err, ended.err
    assert not (tmp_path / "o" / "tokens.json").exists()


def test_a_negative_number(command: Command, tmp_path: Path, shards: Path) -> None:
    write_pair(tmp_path / "m", "q", [2, -1, 1], [3], [0, 1])
    ended = command("prepare", tmp_path / "m", "--vocabulary", shards, "-o", tmp_path / "o")
    assert ended.code == 2 and "x.bin: must hold numbers from 0 to" in ended.err
    assert "got -1 at token 1, counted from 0" in ended.err


def test_what_does_not_fit(command: Command, tmp_path: Path, shards: Path) -> None:
    folder = tmp_path / "n"
    folder.mkdir()
    put(folder / "train.bin", struct.pack("<4H", 2, 3, 4, 1))
    put(folder / "val.bin", b"\1\0")
    foreign = tmp_path / "tokenizer.json"
    foreign.write_text(
        json.dumps({"model": {"type": "WordLevel", "vocab": {"!": 0, '"': 1}, "unk_token": "!"}})
    )
    known, text = ["--vocabulary", shards], tmp_path / "a.jsonl"
    put(tmp_path / "lone.bin", b"\1\0")
    for arguments, said in (
        ([folder], "--vocabulary: must be named, since train.bin holds numbers alone"),
        ([folder, "--vocabulary", foreign], "must number <unk> 0 and <eos>, the end of a line, 1"),
        (
            [folder, "--vocabulary", shards / "tokenizer.json", "--level", "word"],
            "must cut a text as the options",
        ),
        ([folder, *known, "--held-out", "0.2"], "is decided by"),
        ([folder, *known, "--column", "text"], "--column: is of texts"),
        ([folder, *known, "--to", "nanogpt"], "--to: needs one folder of prepared tokens"),
        ([folder, text, *known], "must not be named beside files of tokens"),
        ([tmp_path / "lone.bin", *known], "lone.bin: must be train.bin or val.bin"),
        ([tmp_path / "l*.bin"], "lone.bin: must be train.bin or val.bin"),
        ([folder / "train.bin", *known], "must be train.bin or val.bin in a folder of nanoGPT"),
        ([shards], "holds prepared tokens already. Train on it"),
        (
            [shards, "--to", "nanogpt", "--level", "word"],
            "--level: does not apply to tokens that are written (--to)",
        ),
        ([text, "--to", "nanogpt"], "--to: needs one folder of prepared tokens"),
    ):
        ended = command("prepare", *arguments, "-o", tmp_path / "o")
        assert ended.code == 2 and said in ended.err, (arguments, ended.err)
    put(folder / "val.bin", b"\1\0\1")
    ended = command("prepare", folder, *known, "-o", tmp_path / "o")
    assert ended.code == 2 and "val.bin: must hold tokens of 2 bytes (nanoGPT), got 3 bytes" in ended.err
    ended = command("prepare", shards, "--to", "nanogpt", "-o", folder)
    assert ended.code == 2 and "must be a new folder" in ended.err


def test_a_vocabulary_above_two_bytes(command: Command, tmp_path: Path) -> None:
    options = VocabularyOptions("whitespace")
    vocabulary = tmp_path / "tokenizer.json"
    tokens = ["<unk>", "<eos>", *(f" {n:x}" for n in range(70_000))]
    vocabulary.write_text(with_tokens(untrained(options), tokens).to_str(), "utf-8")
    write_pair(tmp_path / "m", "i", [70_001, 2, 1, 65_536, 3, 1], [6], [0, 1])
    known, shards = ["--vocabulary", vocabulary, "--level", "whitespace"], tmp_path / "shards"
    ok(command("prepare", tmp_path / "m", *known, "-o", shards, "--held-out", "0.5"))
    ended = command("prepare", shards, "--to", "nanogpt", "-o", tmp_path / "n")
    assert ended.code == 2 and "at most 65,536 tokens for nanoGPT, got 70,002" in ended.err
    ok(command("prepare", shards, "--to", "megatron", "-o", tmp_path / "w"))
    assert (tmp_path / "w" / "train.bin").read_bytes() == struct.pack("<3i", 70_001, 2, 1)
    assert (tmp_path / "w" / "val.idx").read_bytes() == index(4, [3], [0, 1], 4)
