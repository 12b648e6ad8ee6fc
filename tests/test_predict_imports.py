"""The modules that `bptt predict` imports: the form and the kind of what is read, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUNS = Path(__file__).parent / "golden" / "runs"
# Those of the readers and codecs of other kinds, and of what only training or tables need.
UNUSED = """
    bptt.data.readers.arrays bptt.data.readers.dna bptt.data.readers.folders bptt.data.readers.parquet
    bptt.data.readers.series bptt.data.readers.tables bptt.data.readers.times
    bptt.data.readers.conll_layout bptt.data.readers.tagged bptt.data.readers.vectors
    bptt.models.codecs.dna bptt.models.codecs.numbers bptt.models.codecs.vectors bptt.models.codecs.words
    bptt.models.kinds.dna bptt.models.kinds.series bptt.models.kinds.table
""".split()


def imported(run: str, given: Path) -> tuple[set[str], str]:
    """Return the modules of ours that `bptt predict` has imported at its end, and what it printed."""
    code = (
        "import sys; from bptt.cli.main import main\n"
        f"sys.argv = ['bptt', 'predict', {str(RUNS / run)!r}, {str(given)!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('MODULES', *(name for name in sys.modules if name.split('.')[0] == 'bptt'))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    answers, _, names = found.stdout.partition("MODULES")
    return set(names.split()), answers


def test_a_text_needs_no_reader_and_no_codec_of_other_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the cat saw a dog\nno dog\n", "utf-8")
    names, answers = imported("classify-text", tmp_path / "a.txt")
    assert len(answers.splitlines()) == 2
    assert not names.intersection(UNUSED)
    assert "bptt.models.codecs.text" in names and "bptt.data.readers.labelled" in names


def test_dna_needs_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">a\nGATTACA\n", "utf-8")
    names, answers = imported("classify-dna", tmp_path / "a.fasta")
    assert len(answers.splitlines()) == 1
    needed = {"bptt.data.readers.dna", "bptt.models.codecs.dna", "bptt.models.kinds.dna"}
    assert needed <= names
    # The part of windows is that of series; numbers have a codec of their own.
    assert not names.intersection(set(UNUSED) - needed)
