"""Texts that are not UTF-8: read as the user says, refused otherwise, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command
from job_files import SMALL

from bptt.data.readers.folders import read_class_files, read_class_folders
from bptt.data.reading import encoding_of, in_encoding
from bptt.data.text import decode_text, read_text
from bptt.errors import InputError

TEXT = "床前明月光\n疑是地上霜\n"


@pytest.mark.parametrize(
    "encoding", ["gb18030", "gbk", "GB2312", "utf-16", "utf-16-le", "utf-8", "shift_jis"]
)
def test_a_text_is_read_in_its_encoding(encoding: str, tmp_path: Path) -> None:
    text = "明月\r\n光\n" if encoding == "shift_jis" else TEXT
    path = tmp_path / "poem.txt"
    path.write_bytes(text.encode(encoding))
    assert read_text(in_encoding(path, encoding)) == text.replace("\r", "")
    assert read_text(in_encoding(path, None) if encoding == "utf-8" else in_encoding(path, encoding))


def test_paths_of_a_folder_have_its_encoding(tmp_path: Path) -> None:
    for name in ("好", "坏"):
        (tmp_path / "folders" / name).mkdir(parents=True)
        (tmp_path / "folders" / name / "a.txt").write_bytes(f"{name}诗".encode("gb18030"))
    folder = in_encoding(tmp_path / "folders", "gb18030")
    assert folder == tmp_path / "folders"
    inside = [*folder.iterdir(), *folder.rglob("*.txt"), folder / "x", folder.parent]
    assert {encoding_of(path) for path in inside} == {"gb18030"}
    assert encoding_of(tmp_path) == "utf-8"
    found = read_class_folders(folder)
    assert {(row.input, row.target) for row in found.rows} == {("好诗", "好"), ("坏诗", "坏")}
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_bytes("诗\n".encode("gb18030"))
    assert read_class_files(in_encoding(tmp_path / "files", "gb18030")).inputs == ("诗",)


def test_the_error_names_the_line_and_the_option() -> None:
    with pytest.raises(
        InputError, match=r"a\.txt:2: must be UTF-8, got .*Chinese text in GB18030: `encoding` gb"
    ):
        decode_text("a\n好\n".encode("gb18030"), "a.txt")
    with pytest.raises(InputError, match=r"a\.txt:3: must be gb18030, as `encoding` says, got ff at byte 4"):
        decode_text(b"a\nb\n\xff", "a.txt", encoding="gb18030")
    with pytest.raises(InputError, match="`encoding` utf-16"):
        decode_text("好".encode("utf-16"), "a.txt")


@pytest.mark.parametrize("name", ["base64", "gb99", "rot13", ""])
def test_what_is_no_encoding_is_refused(name: str) -> None:
    if name:
        with pytest.raises(InputError, match="encoding: must be an encoding of text that Python knows"):
            in_encoding(Path("a"), name)


def gb(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("gb18030"))
    return path


def test_a_language_model_reads_and_scores_another_encoding(tmp_path: Path, command: Command) -> None:
    text, run = gb(tmp_path / "诗.txt", TEXT * 30), tmp_path / "run"
    small = "--hidden 4 --epochs 1 --batch-size 2 --embedding 3 --length 9".split()
    ended = command("train", "lm", text, "-o", run, *small)
    assert ended.code == 2
    assert "诗.txt:1: must be UTF-8" in ended.err and "GB18030: --encoding gb18030" in ended.err
    assert command("train", "lm", text, "-o", run, *small, "--encoding", "gb18030").code == 0
    assert (run / "held_out.txt").read_text(encoding="utf-8")[-6:] == "疑是地上霜\n"
    plain = tmp_path / "plain.txt"
    plain.write_text(TEXT, encoding="utf-8")
    lines = gb(tmp_path / "lines.txt", TEXT)
    wanted = command("score", run, plain).out
    assert "床前明月光" in wanted
    assert command("score", run, lines, "--encoding", "gb18030").out == wanted
    assert command("score", run, "-", "--encoding", "gb18030", stdin=lines.read_bytes()).out == wanted
    metrics = command("evaluate", run, plain).out
    assert command("evaluate", run, lines, "--encoding", "gb18030").out == metrics
    page = command("inspect", run, "--text", lines, "--encoding", "gb18030", "--limit", 9, "--lags", 3)
    assert page.code == 0, page.err
    assert "UTF-8" in command("inspect", run, "--text", lines).err


def test_every_job_of_examples_reads_another_encoding(tmp_path: Path, command: Command) -> None:
    films = "文本\t标签\n" + "".join(f"很好 {n}\t正\n不好 {n}\t负\n" for n in range(9))
    data, run = gb(tmp_path / "films.tsv", films), tmp_path / "run"
    given = ("--encoding", "gb18030")
    ended = command("train", "classify", data, "-o", run, "--dev", data, *given, *SMALL["classify"])
    assert ended.code == 0, ended.err
    answers = command("predict", run, data, *given).out
    assert answers.count("很好") == 9
    lines = gb(tmp_path / "lines.txt", "很好\n不好\n")
    from_file = command("predict", run, lines, *given)
    streamed = command("predict", run, "-", *given, stdin=lines.read_bytes())
    wide = command("predict", run, "-", "--encoding", "utf-16", stdin="很好\n不好\n".encode("utf-16"))
    assert from_file.out == streamed.out == wide.out
    refused = command("predict", run, "-", stdin=lines.read_bytes())
    assert refused.code == 2 and "standard input:1: must be UTF-8" in refused.err
    assert "accuracy" in command("evaluate", run, data, *given).out


def test_pairs_and_their_targets_are_in_the_encoding(tmp_path: Path, command: Command) -> None:
    source = gb(tmp_path / "a.txt", "".join(f"回家 {n}\n" for n in range(20)))
    target = gb(tmp_path / "b.txt", "".join(f"在这里 {n}\n" for n in range(20)))
    run, given = tmp_path / "run", ("--encoding", "gb18030")
    ended = command("train", "translate", source, target, "-o", run, *given, *SMALL["translate"])
    assert ended.code == 0, ended.err
    ended = command("evaluate", run, source, "--target", target, *given)
    assert ended.code == 0, ended.err


def test_comparisons_and_lists_are_read_in_the_encoding(tmp_path: Path, command: Command) -> None:
    text, given = gb(tmp_path / "诗.txt", TEXT * 30), ("--encoding", "gb18030")
    small = "--cells rnn --hidden 3 --epochs 1 --batch-size 2 --length 9".split()
    ended = command("compare", text, "-o", tmp_path / "all", *given, *small)
    assert ended.code == 0, ended.err
    run = tmp_path / "run"
    small = "--hidden 4 --epochs 1 --batch-size 2 --embedding 3 --length 9".split()
    assert command("train", "lm", text, "-o", run, *given, *small).code == 0
    lists = gb(tmp_path / "nbest.txt", "u-1 床 前 明\nu-2 床 钱 明\n")
    assert command("rescore", run, lists, "--weight", 1).code == 2
    ended = command("rescore", run, lists, "--weight", 1, *given)
    assert ended.code == 0 and "床" in ended.out
