"""DNA: the code of letters, and the files that sequences come in."""

from __future__ import annotations

import pytest

from bptt.data.nucleotides import LETTERS, bases, reverse_complement
from bptt.data.readers.asked import Said, read_asked
from bptt.data.readers.detect import detect
from bptt.data.readers.dna import add_labels, read_fasta, read_fastq, read_uci
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns
from bptt.errors import InputError

PAIRED = {"A": "T", "C": "G", "G": "C", "T": "A"}


def test_every_set_of_bases_has_one_letter() -> None:
    sets = [frozenset(bases(letter)) for letter in LETTERS if letter != "U"]
    assert len(set(sets)) == len(sets) == 2**4 - 1
    assert bases("U") == bases("T") == "T"
    # By what the letters are named after: purine, pyrimidine, strong, weak, keto, amino; B is not A.
    named = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "N": "ACGT"}
    assert all(bases(letter) == wanted for letter, wanted in named.items())
    assert all(
        set(bases(letter)) == set("ACGT") - {not_in} for letter, not_in in zip("BDHV", "ACGT", strict=True)
    )


def test_the_other_strand_pairs_each_base_in_the_opposite_order() -> None:
    assert reverse_complement("AACGTN") == "NACGTT"
    other = reverse_complement(LETTERS)[::-1]
    for letter, opposite in zip(LETTERS, other, strict=True):
        assert set(bases(opposite)) == {PAIRED[base] for base in bases(letter)}
    assert reverse_complement(reverse_complement(LETTERS)) == LETTERS.replace("U", "T")


@pytest.mark.parametrize(
    ("headers", "names", "labels"),
    [
        (("s1 pos", "s2  neg"), ("s1", "s2"), ("pos", "neg")),
        (("s1|pos", "s2|neg"), ("s1", "s2"), ("pos", "neg")),
        (("s1 a b label=pos", "s2 label=neg"), ("s1", "s2"), ("pos", "neg")),
        (("s1 Homo sapiens", "s2 Mus"), ("s1", "s2"), None),
        (("gi|1|gb", "gi|2|gb"), ("gi|1|gb", "gi|2|gb"), None),
        (("s1", "s2"), ("s1", "s2"), None),
    ],
)
def test_fasta_headers(
    headers: tuple[str, str], names: tuple[str, str], labels: tuple[str, str] | None
) -> None:
    found = read_fasta(Document("d", f">{headers[0]}\nacgn\nRU\n\n>{headers[1]}\nTT\n"))
    assert found.inputs == ("ACGNRU", "TT")
    assert tuple(row.name for row in found.rows) == names
    assert [row.place for row in found.rows] == ["d:1", "d:5"]
    assert (found.targets if found.has_targets else None) == labels


def test_records_without_a_sequence_are_counted() -> None:
    found = read_fasta(Document("d", ">a x\n>b y\nA\n"))
    assert found.targets == ("y",)
    assert found.notes == ("examples left out, as they have no sequence: 1, the first at d:1",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ACGT\n", "d:1: a FASTA file begins with >NAME"),
        (">a\nAC\nA-C\n", "d:3: has the letters of IUPAC.*got '-' at letter 2.*Remove gaps"),
        (">a\nA\n> \nC\n", "d:3: a header must have a name"),
        (">a label=x\nA\n>b\nC\n", "d:3: must have a label, as 1 other"),
        (">a\n", "d: must hold at least one example"),
    ],
)
def test_a_fault_in_fasta_is_named(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_fasta(Document("d", text))


def test_fastq_and_its_qualities_that_look_like_headers() -> None:
    found = read_fastq(Document("d", "@a 1:N:0\nacg\n+\n@+> \n@b 2\nT\n+b\n#\n"))
    assert (found.inputs, found.has_targets) == (("ACG", "T"), False)
    assert [(row.name, row.place) for row in found.rows] == [("a", "d:1"), ("b", "d:5")]
    assert read_fastq(Document("d", "@a label=x\nA\n+\n#\n")).targets == ("x",)
    for text, fault in [
        ("@a\nAC\n+\n#\n", "d:4: must have 2 qualities, one a letter, got 1"),
        ("@a\nA\n+\n#\n@b\nA\n", "d:5: a FASTQ record is"),
        ("@a\nA\nA\n+\n#\n", "d:1: a FASTQ record is"),
        ("@a\nE\n+\n#\n", "d:2: has the letters"),
    ]:
        with pytest.raises(InputError, match=fault):
            read_fastq(Document("d", text))


def test_comments_in_fasta_are_passed_over() -> None:
    found = read_fasta(Document("d", "; made by a program\n#2\n> a x\nAC\n;half\nGT\n\n>b y\n#T\nTT\n"))
    assert (found.inputs, found.targets) == (("ACGT", "TT"), ("x", "y"))
    assert [(row.name, row.place) for row in found.rows] == [("a", "d:3"), ("b", "d:8")]


@pytest.mark.parametrize(
    ("text", "sequences"),
    [
        ("@a\nAC\nGT\nT\n+\nII\nII\nI\n@b\nG\n+\nI\n", ("ACGTT", "G")),
        ("@a\nACG\nT\n+a\n@II\n+\n@b\nG\n+\n@\n", ("ACGT", "G")),
        ("@a\nACGT\n+\nIIII\n\n\n@b\nG\n+\nI", ("ACGT", "G")),
    ],
    ids=["wrapped", "wrapped, with qualities as of headers", "blank lines between records"],
)
def test_fastq_ends_where_its_qualities_are_as_many_as_its_letters(
    text: str, sequences: tuple[str, ...]
) -> None:
    assert read_fastq(Document("d", text)).inputs == sequences


@pytest.mark.parametrize("empty", ["@e\n\n+\n\n", "@e\n+\n", "@e\n\n+e\n", "@e\n  \n+\n\n\n"])
@pytest.mark.parametrize("place", ["first", "last"])
def test_reads_that_were_trimmed_to_nothing_are_left_out_and_counted(empty: str, place: str) -> None:
    whole = "@a\nAC\n+\nII\n@b\nG\n+\nI\n"
    document = Document("d", empty + whole if place == "first" else whole + empty)
    assert detect(document, Columns()).form == "fastq"
    found = read_fastq(document)
    assert found.inputs == ("AC", "G")
    line = 1 if place == "first" else 9
    assert found.notes == (f"examples left out, as they have no sequence: 1, the first at d:{line}",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("@a\nAC\n+\nIII\n", "d:4: must have 2 qualities, one a letter, got 3"),
        ("@a\nAC\nGT\n+\nII\nIII\n", "d:6: must have 4 qualities, one a letter, got 5"),
        ("@a\nAC\nGT\n+\nII\n", "d:1: a FASTQ record is .* if wrapped, got 4 letters and 2 qualities"),
        ("@a\nAC\n@b\nAC\n+\nII\n", "d:1: a FASTQ record is"),
        ("a\nAC\n+\nII\n", "d:1: a FASTQ record is"),
        ("@a\n+\n", "d: must hold at least one example"),
    ],
)
def test_a_fault_in_fastq_is_named(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_fastq(Document("d", text))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (";comment\n>a x\nAC\n", "fasta"),
        ("# comment\n\n; another\n> a\nacgtn\n", "fasta"),
        ("> a x\n\nRYSWKMBDHVRY\n", "fasta"),
        ("> I think so\nThanks\n", "lines"),
        ("> I think so\n> So do I\n", "lines"),
        ("# Title\n>quoted\nWords.\n", "lines"),
        ("@a\nAC\nGT\n+\nII\nII\n", "fastq"),
        ("@home\n\n+1 for this\n", "lines"),
    ],
)
def test_sequences_are_told_from_texts_that_begin_alike(text: str, form: str) -> None:
    assert detect(Document("d", text), Columns()).form == form


def test_uci() -> None:
    found = read_uci(Document("d", "+,S10,\t\ttact\nEI,  ATRINS-1,      CCAN\n"))
    assert (found.inputs, found.targets) == (("TACT", "CCAN"), ("+", "EI"))
    assert found.rows[1].name == "ATRINS-1"
    for line in ("+,acgt", "+,a,", "+,a,b,acgt"):
        with pytest.raises(InputError, match="d:2: must be CLASS, NAME, SEQUENCE"):
            read_uci(Document("d", f"+,a,acgt\n{line}\n"))


def test_labels_beside_the_sequences() -> None:
    found = read_fasta(Document("d", ">a\nA\n>b\nC\n"))
    labelled = add_labels(found, Document("l", "b\tneg\na\tpos\nc\tpos\n\n"))
    assert (labelled.inputs, labelled.targets) == (("A", "C"), ("pos", "neg"))
    for text, fault in [
        ("a x\n", "d:3: must have a label in l, got none for b"),
        ("a x\nb\n", "l:2: must be a name and a label"),
        ("a x\na y\n", "l:2: a must have one label, got x and y"),
    ]:
        with pytest.raises(InputError, match=fault):
            add_labels(found, Document("l", text))


@pytest.mark.parametrize(
    ("source", "inputs"),
    [
        (Document("text", "acgtaaa", typed=True), ("ACGTAAA",)),
        (Document("text", "ACGT\n\nTTNA", typed=True), ("ACGT", "TTNA")),
        (Document("text", ">s1\nACGT\nAC\n", typed=True), ("ACGTAC",)),
        (Document("standard input", "ACGU\nAC\n"), ("ACGU", "AC")),
    ],
    ids=["typed", "typed lines", "typed records", "lines of a file"],
)
@pytest.mark.parametrize("learned", ["fasta", "uci", "dna-files"])
def test_bare_sequences_are_answered(source: Document, inputs: tuple[str, ...], learned: str) -> None:
    found = read_asked(source, learned, Columns(labelled=False), Said())
    assert (found.inputs, found.has_targets) == (inputs, False)


def test_what_is_typed_and_no_sequence_names_its_letter() -> None:
    with pytest.raises(InputError, match=r"text:1: has the letters of IUPAC, .*, got 'E' at letter 2"):
        read_asked(Document("text", "hello", typed=True), "fasta", Columns(labelled=False), Said())


def test_a_record_without_a_label_among_others_is_answered_like_them() -> None:
    given = Document("d", ">a label=x\nACGT\n>b\nTTTT\n")
    assert not read_fasta(given, Columns(labelled=False)).has_targets
    with pytest.raises(InputError, match="d:3: must have a label, as 1 other"):
        read_fasta(given)
