"""What is written: whole or not at all, never through a link, never over what this package did not write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bptt.errors import InputError, InternalError, MachineError
from bptt.files import (
    MARK,
    belongs_to_us,
    check_output,
    make_inner_folder,
    write_new,
    write_output,
    write_whole,
)

OURS = f"<!-- {MARK} -->\n".encode()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_output_takes_the_place_of_an_earlier_one_alone(tmp_path: Path) -> None:
    page = tmp_path / "文.html"
    write_output(page, OURS + b"1")
    write_output(page, OURS + b"2")
    assert page.read_bytes() == OURS + b"2"
    page.write_bytes(b"my thesis")
    with pytest.raises(
        InputError, match=r"文\.html: must be free, or an earlier output.*a file of that name"
    ):
        write_output(page, OURS)
    assert page.read_bytes() == b"my thesis"
    assert names(tmp_path) == ["文.html"]


def test_an_output_without_the_mark_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match=MARK):
        write_output(tmp_path / "page.html", b"x" * 5000 + OURS)
    assert names(tmp_path) == []


def test_a_page_of_the_first_version_is_known_again(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    policy = "default-src 'none'; script-src 'sha256-abc'"
    head = '<!doctype html>\n<meta http-equiv="Content-Security-Policy" content="'
    page.write_text(head + policy, encoding="utf-8")
    write_output(page, OURS)
    assert page.read_bytes() == OURS


def test_what_cannot_carry_the_mark_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "chosen.txt"
    write_new(path, b"a\n")
    with pytest.raises(InputError, match=r"chosen\.txt: must be the name of a new file.*Remove it yourself"):
        write_new(path, b"b\n")
    assert path.read_bytes() == b"a\n"


@pytest.mark.parametrize("write", [write_output, write_new])
def test_the_sign_of_standard_output_is_no_name(
    write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^-: must be the name of a file: an output is not printed"):
        write(Path("-"), OURS)
    write(tmp_path / "-", OURS)
    assert names(tmp_path) == ["-"]


@pytest.mark.parametrize("write", [write_output, write_new])
@pytest.mark.parametrize("target", ["victim", "nowhere"])
def test_no_link_is_followed(write, target: str, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(OURS)
    (tmp_path / "page.html").symlink_to(tmp_path / target)
    with pytest.raises(InputError, match=r"page\.html: .* a symbolic link of that name"):
        write(tmp_path / "page.html", OURS + b"new")
    assert names(tmp_path) == ["page.html", "victim"]
    assert (tmp_path / "victim").read_bytes() == OURS


@pytest.mark.parametrize(
    ("make", "kind"), [(os.mkfifo, "a named pipe"), (os.mkdir, "a folder")], ids=["pipe", "folder"]
)
def test_neither_a_pipe_nor_a_folder_is_replaced(make, kind: str, tmp_path: Path) -> None:
    make(tmp_path / "page.html")
    with pytest.raises(InputError, match=f"{kind} of that name"):
        check_output(tmp_path / "page.html")


def test_a_device_is_neither_replaced_nor_written() -> None:
    with pytest.raises(InputError, match=r"/dev/null: must be free.*a device of that name"):
        write_output(Path("/dev/null"), OURS)


def test_a_hard_link_keeps_its_other_name(tmp_path: Path) -> None:
    (tmp_path / "backup").write_bytes(OURS)
    os.link(tmp_path / "backup", tmp_path / "page.html")
    write_output(tmp_path / "page.html", OURS + b"new")
    assert (tmp_path / "backup").read_bytes() == OURS


def test_a_name_planted_for_the_new_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    fresh = tmp_path / ".model.tmp"
    fresh.symlink_to(tmp_path / "victim")
    write_whole(tmp_path / "model", b"new", fresh)
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert names(tmp_path) == ["model", "victim"]
    fresh.mkdir()
    with pytest.raises(MachineError, match="model: must be writable"):
        write_whole(tmp_path / "model", b"newer", fresh)
    assert (tmp_path / "model").read_bytes() == b"new"


def test_the_mask_of_the_user_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_output(tmp_path / "page.html", OURS)
    finally:
        os.umask(before)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o640


def test_the_longest_name_that_a_disk_takes_is_written(tmp_path: Path) -> None:
    write_output(tmp_path / ("n" * 250 + ".html"), OURS)
    with pytest.raises(MachineError, match="File name too long"):
        write_output(tmp_path / ("n" * 251 + ".html"), OURS)


def test_a_folder_of_a_fixed_name_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "last").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"last: must be a folder, got a symbolic link"):
        make_inner_folder(tmp_path / "last")
    (tmp_path / "last").unlink()
    make_inner_folder(tmp_path / "last")
    make_inner_folder(tmp_path / "last")
    assert not names(tmp_path / "last")


def test_whose_folder_it_is(tmp_path: Path, monkeypatch) -> None:
    assert belongs_to_us(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert not belongs_to_us(tmp_path)


@pytest.mark.parametrize(
    ("place", "cure"),
    [("none/a.html", "Make the folder first"), ("a.txt/a.html", "Name a folder, not a file")],
)
def test_a_missing_folder_is_what_the_cure_names(tmp_path: Path, place: str, cure: str) -> None:
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(MachineError, match=cure) as caught:
        write_output(tmp_path / place, f"<!-- {MARK} -->".encode())
    assert "intact" not in str(caught.value)
