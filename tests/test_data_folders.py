"""Folders of examples: what is in their files decides, and no file is left out without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from bptt.data.examples import Examples
from bptt.data.readers.asked import Said, read_asked
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.errors import InputError


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def learn(folder: Path) -> tuple[str, Examples[str, str]]:
    """As `bptt train classify` reads a folder."""
    form = detect(folder, Columns()).form
    found = read_examples(folder, form, Columns())
    return form, found  # type: ignore[return-value]


def test_files_below_the_folder_of_a_class_belong_to_it(tmp_path: Path) -> None:
    files = {"pos/1.txt": "好", "pos/2020/a.txt": "fine", "pos/2020/06/b.txt": "good", "neg/x.txt": "bad"}
    write(tmp_path, {**files, "neg/.git/c": "no", "README.md": "about", "extra.txt": "lost?"})
    form, found = learn(tmp_path)
    assert form == "class-folders"
    assert sorted(zip(found.inputs, found.targets, strict=True)) == [
        ("bad", "neg"),
        ("fine", "pos"),
        ("good", "pos"),
        ("好", "pos"),
    ]
    assert "pos/2020/06/b.txt" in {row.name for row in found.rows}
    assert found.notes[0] == "left out: README.md, extra.txt"
    assert found.notes[1].startswith("files in folders below those of the classes: 2, such as ")


FASTA = {"promoters.fasta": ">s1\nACGT\n>s2\nGGTT\n", "others.fa": ">t1\nTTTT\n"}


def test_one_file_of_dna_for_each_class(tmp_path: Path) -> None:
    form, found = learn(write(tmp_path, {**FASTA, "fastq.fq": "@r1\nACGT\n+\n!!!!\n", "LICENSE": "free"}))
    assert form == "dna-files"
    assert sorted(zip(found.inputs, found.targets, strict=True)) == [
        ("ACGT", "fastq"),
        ("ACGT", "promoters"),
        ("GGTT", "promoters"),
        ("TTTT", "others"),
    ]
    assert {row.name for row in found.rows} == {"s1", "s2", "t1", "r1"}


def test_folders_of_dna_files_for_each_class(tmp_path: Path) -> None:
    form, found = learn(write(tmp_path, {"a/1.fa": ">x\nAC\n", "a/2.fa": ">y\nGT\n", "b/1.fa": ">z\nTT\n"}))
    assert (form, found.targets) == ("dna-files", ("a", "a", "b"))


@pytest.mark.parametrize(
    "names",
    [
        ("train.tsv", "test.tsv"),
        ("Vowels_TRAIN.ts", "Vowels_TEST.ts"),
        ("en-train.txt", "en-dev.txt", "README"),
        ("train/pos/1.txt", "train/neg/1.txt", "test/pos/1.txt"),
        ("training/a.txt", "validation/b.txt"),
    ],
)
def test_the_parts_of_a_data_set_are_no_classes(names: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(names, "a text\n"))
    with pytest.raises(InputError, match=r"not the parts of a data set, got .*Name the parts: .*`dev` "):
        learn(tmp_path)


def test_a_class_may_be_called_like_a_part(tmp_path: Path) -> None:
    form, found = learn(write(tmp_path, {"test.txt": "a\n", "exam.txt": "b\n"}))
    assert (form, set(found.targets)) == ("class-files", {"test", "exam"})


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("text\tlabel\na\tb\n", "columns, for its first line is a header"),
        ('{"text": "a", "label": "b"}\n', "columns, for it has a column text"),
        ("__label__a b\n", "fasttext"),
        ("@data\n1,2:a\n", "ts"),
        (">s\nACGT\n", "fasta"),
        ("1\t2\t3\n4\t5\t6\n", "ucr|table"),
    ],
)
@pytest.mark.parametrize("place", ["a.txt", "a/1.txt"])
def test_files_of_other_forms_are_refused_with_their_name(
    content: str, what: str, place: str, tmp_path: Path
) -> None:
    write(tmp_path, {place: content, place.replace("a", "b", 1): "only text\n"})
    with pytest.raises(InputError, match=rf"{place}: must be plain text to be an example.*got ({what})"):
        learn(tmp_path)


def test_texts_may_look_like_names_of_columns(tmp_path: Path) -> None:
    _, found = learn(write(tmp_path, {"a/1.txt": "Review\nA film, a story.\n", "b/1.txt": "Text, and more"}))
    assert found.inputs == ("Review\nA film, a story.", "Text, and more")


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.png": b"\x89PNG\r\n\x1a\n\0\0", "b/1.txt": "x"})
    with pytest.raises(InputError, match=r"a/1\.png: must be text, got a PNG image"):
        learn(tmp_path)
    with pytest.raises(InputError, match="must hold at least one example"):
        learn(write(tmp_path / "b" / "c", {".hidden": "x"}))


def test_a_folder_to_be_answered_needs_no_classes(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": "one\ntwo", "2.txt": "", "sub/3.txt": "three"})
    asked = Columns(labelled=False)
    found = read_asked(tmp_path, "class-folders", asked, Said())
    assert [(row.input, row.name) for row in found.rows] == [("three", "sub/3.txt")]
    (tmp_path / "sub" / "3.txt").unlink()
    (tmp_path / "sub").rmdir()
    for learned in ("class-folders", "columns"):
        found = read_asked(tmp_path, learned, asked, Said())
        assert [(row.input, row.name) for row in found.rows] == [("one\ntwo", "1.txt"), ("", "2.txt")]
        assert not found.has_targets
    found = read_asked(tmp_path, "class-files", asked, Said())
    assert found.inputs == ("one", "two")
