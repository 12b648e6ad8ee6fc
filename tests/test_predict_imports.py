"""The modules that `bptt predict` imports: what reads the input and answers, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUNS = Path(__file__).parent / "golden" / "runs"
# Those of the readers and codecs of other kinds, and of what only training or tables need.
UNUSED = """
    bptt.data.readers.arrays bptt.data.readers.dna bptt.data.readers.folders bptt.data.readers.parquet
    bptt.data.readers.series bptt.data.readers.tables bptt.data.readers.times
    bptt.data.readers.conll_layout bptt.data.readers.tagged bptt.data.readers.vectors
    bptt.models.codecs.dna bptt.models.codecs.numbers bptt.models.codecs.vectors bptt.models.codecs.words
    bptt.models.kinds.dna bptt.models.kinds.series bptt.models.kinds.table
""".split()
# Rooms and modules of what derives, compiles, differentiates, trains, measures and looks inside.
IDLE = """
    bptt.codegen bptt.derive bptt.explain bptt.probe bptt.report bptt.training bptt.comparison
    bptt.runtime.reference bptt.runtime.kernels.function bptt.runtime.kernels.stepper
    bptt.runtime.kernels.linear_loss bptt.runtime.scratch bptt.cells.catalogue
    bptt.nn.modules bptt.nn.crf bptt.nn.decoder bptt.nn.attention bptt.nn.steps bptt.nn.initialisation
    bptt.jobs.classify.task bptt.jobs.classify.beginning
    bptt.jobs.classify.exposure bptt.jobs.language bptt.jobs.tag bptt.jobs.translate bptt.jobs.regress
    bptt.jobs.forecast bptt.models.heads bptt.models.spelled_words bptt.models.logistic
""".split()
# 255 before names and readers were imported on first use: none may come back unseen. Of a file the signs of
# every kind are asked, those of sounds, clips and skeletons too. Two modules say how notebooks show answers,
# two are prepared calls, and one says how processes share an evaluation.
MOST_TYPED, MOST_OF_A_FILE = 147, 170


def imported(run: str, given: object) -> tuple[set[str], str]:
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
    # The first call makes the kernels and their index, if no other test has done so.
    imported("classify-text", tmp_path / "a.txt")
    names, answers = imported("classify-text", tmp_path / "a.txt")
    assert len(answers.splitlines()) == 2
    assert not names.intersection(UNUSED)
    assert "bptt.models.codecs.text" in names and "bptt.data.readers.lines" in names
    assert len(names) <= MOST_OF_A_FILE


@pytest.mark.parametrize("run", ["classify-text", "classify-ngrams"])
def test_a_typed_text_needs_no_detection_and_no_derivation(run: str) -> None:
    # The first call makes the kernels and their index, if no other test has done so.
    imported(run, "the cat saw a dog")
    names, answers = imported(run, "the cat saw a dog")
    assert len(answers.splitlines()) == 1
    assert not names.intersection([*UNUSED, *IDLE, "bptt.data.readers.detect", "bptt.data.forms.dna"])
    assert len(names) <= MOST_TYPED


def test_dna_needs_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">a\nGATTACA\n", "utf-8")
    names, answers = imported("classify-dna", tmp_path / "a.fasta")
    assert len(answers.splitlines()) == 1
    needed = {"bptt.data.readers.dna", "bptt.models.codecs.dna", "bptt.models.kinds.dna"}
    assert needed <= names
    # The part of windows is that of series; numbers have a codec of their own.
    assert not names.intersection(set(UNUSED) - needed)


def test_losses_need_no_compiler_and_a_server_draws_no_picture() -> None:
    """Torch's compiler and Matplotlib take longer to import than all that a command needs."""
    code = (
        "import sys, torch, bptt.serve.server\n"
        "from bptt.nn import ctc_loss, linear_cross_entropy\n"
        "one, two = torch.ones(1, dtype=torch.int64), torch.ones(2, 3, requires_grad=True)\n"
        "linear_cross_entropy(two, torch.ones(4, 3), torch.zeros(2, dtype=torch.int64)).backward()\n"
        "logits = torch.ones(2, 1, 3, requires_grad=True)\n"
        "ctc_loss(logits, one, 2 * one, one, 0).backward()\n"
        "with torch.no_grad():\n"
        "    linear_cross_entropy(two, torch.ones(4, 3), torch.zeros(2, dtype=torch.int64))\n"
        "    ctc_loss(logits, one, 2 * one, one, 0)\n"
        "print(*{'torch._dynamo', 'sympy', 'matplotlib', 'bptt.report'}.intersection(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
