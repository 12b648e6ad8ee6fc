"""Stretches of DNA: BED, GFF and marks give the same bases; a line that is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bptt.data.readers.document import Document
from bptt.data.readers.marked_dna import read_marked_dna
from bptt.errors import InputError

FASTA = ">one some words\nacgtuu\nACGT\n>two\nNNACG\n"
# The letters GTTT of the first and CG of the second, and A right behind GTTT.
TAGS = [
    ["O", "O", "B-exon", "I-exon", "I-exon", "I-exon", "B-exon", "O", "O", "O"],
    ["O", "O", "O", "B-site", "I-site"],
]
SAME = {
    "genes.bed": "track name=x\n# note\none\t2\t6\texon\t0\t+\none\t6\t7\texon\t0\t-\ntwo\t3\t5\tsite\n",
    "genes.gff3": "##gff-version 3\n"
    "one\tme\texon\t3\t6\t.\t+\t.\tID=1\none\tme\texon\t7\t7\t.\t-\t.\tID=2\ntwo\tme\tsite\t4\t5\t.\t.\t.\t.\n"
    "##FASTA\n>one\nACGT\n",
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("is_beside", [True, False])
def test_files_beside_fasta(name: str, is_beside: bool, tmp_path: Path) -> None:
    sequences = tmp_path / "genes.fasta"
    sequences.write_text(FASTA, encoding="utf-8")
    stretches = tmp_path / (name if is_beside else f"other.{name}")
    stretches.write_text(SAME[name], encoding="utf-8")
    found = read_marked_dna(sequences, None if is_beside else stretches, labelled=True)
    assert [row.name for row in found.rows] == ["one", "two"]
    assert ["".join(each) for each in found.inputs] == ["ACGTTTACGT", "NNACG"]
    assert [list(tags) for tags in found.targets] == TAGS
    (note,) = found.notes
    counted = "BED, from 0, the end not included" if name.endswith("bed") else "GFF, from 1, the end included"
    assert counted in note and "3 stretches" in note and "strands are ignored, 1 are -" in note


def test_bed_of_nine_columns_whose_names_are_numbers_is_no_gff(tmp_path: Path) -> None:
    (tmp_path / "genes.fasta").write_text(FASTA, encoding="utf-8")
    (tmp_path / "genes.bed").write_text("one\t2\t6\t1\t3\t+\t2\t6\t0\n", encoding="utf-8")
    found = read_marked_dna(tmp_path / "genes.fasta", None, labelled=True)
    assert list(found.targets[0]) == [*"OO", "B-1", "I-1", "I-1", "I-1", *"OOOO"]


def test_a_table_of_letters_and_marks() -> None:
    table = "name\tsequence\tmarks\none\tacgtuuACGT\t..EEEE-0_O\n\ntwo\tNNACG\t...SS\n"
    found = read_marked_dna(Document("d.tsv", table), None, labelled=True)
    expected = [[*"OO", "B-E", "I-E", "I-E", "I-E", *"OOOO"], [*"OOO", "B-S", "I-S"]]
    assert [list(tags) for tags in found.targets] == expected
    assert [(row.name, row.place) for row in found.rows] == [("one", "d.tsv:2"), ("two", "d.tsv:4")]


def test_sequences_to_be_marked_need_no_marks(tmp_path: Path) -> None:
    for document in (Document("text", "acgu\nTT", typed=True), Document("f", ">a\nACG\nU\n>b\nTT\n")):
        found = read_marked_dna(document, None, labelled=False)
        assert ["".join(each) for each in found.inputs] == ["ACGT", "TT"]
        assert not found.has_targets
    alone = tmp_path / "alone.fq"
    alone.write_text("@a\nACGT\n+\nIIII\n", encoding="utf-8")
    assert read_marked_dna(alone, None, labelled=False).inputs == (tuple("ACGT"),)


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        ("one\t5\t11\tx", 1, "must end within one, of 10 letters, got 11"),
        ("one\t3\t3\tx", 1, "the end must lie behind the start"),
        ("one\t-1\t3", 1, "the start must be a whole number, got '-1'"),
        ("one\t1\t3.5", 1, "the end must be a whole number, got '3.5'"),
        ("one\t1", 1, "must be a line of BED or GFF"),
        ("three\t1\t2", 1, "must name a sequence of"),
        ("one\t4\t8\tx\none\t1\t5\ty", 1, r"stretches of one must not overlap, got 4 to 8, and 1 to 5 at"),
        ("one\ta\tx\t0\t3\t.\t.\t.\t.", 1, "from 1 on"),
        ("one\ta\tx\t4\t3\t.\t.\t.\t.", 1, "from 1 on"),
        ("one\ta\tx\t4\t11\t.\t.\t.\t.", 1, "must end within one, of 10 letters, got 11"),
        # A faulty line does not make GFF into BED.
        (
            "one\ta\tx\t.\t5\t.\t+\t.\t.\none\ta\tx\t1\t3\t.\t+\t.\t.",
            1,
            "the start must be a whole number, got '.'",
        ),
        ("one\ta\tx\t1\t3\t.\t+\t.\t.\none\t5\t6", 2, "must be a line of GFF, of 9 columns"),
        ("# nothing", None, "must hold a stretch"),
    ],
)
def test_a_wrong_stretch_is_named(line: str, place: int | None, said: str, tmp_path: Path) -> None:
    (tmp_path / "genes.fasta").write_text(FASTA, encoding="utf-8")
    stretches = tmp_path / "genes.bed"
    stretches.write_text(f"{line}\n" if place else f"{line}\n\n", encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_marked_dna(tmp_path / "genes.fasta", None, labelled=True)
    assert caught.value.where == (f"{stretches}:{place}" if place else str(stretches))


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("ACGT\t..E\n", "d:1", "as many marks as letters, got 4 letters and 3 marks"),
        ("ACGT\t....\nACXT\t....\n", "d:2", "'X' at letter 3"),
        ("a\tb\tc\td\n", "d:1", "4 columns"),
        (">a\nACGT\n", "d", "needs the stretches of its sequences"),
        (">a\nACG!\n", "d:2", "'!' at letter 4"),
        ("ACGT\t..E.\nACGT\n", "d:2", "must have a label"),
    ],
)
def test_a_wrong_sequence_is_named(text: str, where: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_marked_dna(Document("d", text), None, labelled=True)
    assert caught.value.where == where


def test_names_that_a_file_of_stretches_refers_to_differ(tmp_path: Path) -> None:
    (tmp_path / "genes.fa").write_text(">a\nACGT\n>a\nACG\n", encoding="utf-8")
    (tmp_path / "genes.bed").write_text("a\t0\t1\n", encoding="utf-8")
    with pytest.raises(InputError, match="the names of sequences must differ"):
        read_marked_dna(tmp_path / "genes.fa", None, labelled=True)
    with pytest.raises(InputError, match="needs FASTA or FASTQ"):
        read_marked_dna(Document("d", "ACGT\t..E.\n"), tmp_path / "genes.bed", labelled=True)
