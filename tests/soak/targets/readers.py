"""Files with labels: every form of `train classify`, by detection and by its name."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bptt.data.examples import Examples
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.errors import InputError
from soak.damage import damaged
from soak.target import Target

VALID = {
    "lines": ["A dull film.\n很好，真的\n\nso, so\n", "\ufeffeinzig\r\nzwei\r\n"],
    "columns": [
        "text\tlabel\n很好，真的\tpos\nso, so\tneg\nfine\tpos\n",
        'label,sentence\npos,"a ""good"" one"\nneg,"so,\nso"\npos,fine\n',
        "bon film;positif\nmauvais;négatif\n",
        '{"text": "caf\\u00e9 \\ud83d\\ude00", "label": 1}\n{"text": "b", "label": 0}\n'
        '{"label": 1, "text": null}\n',
    ],
    "fasttext": ["__label__pos a good film\n__label__neg dull\n__label__pos 很好\n"],
    "fasta": [
        ">a label=x\nACGT\nACGN\n>b label=y\nTTTTAC\n",
        ";comment\n>a|x\nacgt\n\n>b|y\nacgu\n",
        ">a x\nAC\n>b y\nGT\n",
    ],
    "fastq": ["@r1 label=x\nACGT\n+\nIIII\n@r2 label=y\nGG\n+r2\n@+\n", "@r1\nACGT\nAC\n+\nIIII\nII\n"],
    "uci": ["+,S10,\t\ttactagcaatacgctt\n-,AMPC,\t\ttgctatcctgacagtt\n"],
    "ts": [
        "# made\n@problemName p\n@timeStamps false\n@univariate false\n@dimensions 2\n"
        "@classLabel true a b\n@data\n1,2,3:4,5,6:a\n1.5,?:-2,7e1:b\n",
        "@classLabel true a b\n@data\n1,2,3:a\n4,5:b\n",
    ],
    "ucr": [
        "1\t0.5\t1.5\t-2\n2\t1e-3\t7\tNaN\n1\t3\t2\t1\n",
        "1  0.5  1.5\n2  1  7\n1  3  2\n",
        "1,2,3\n2,3,4\n",
    ],
    "long": [
        "id,time,x,label\na,2:30,1,u\na,10:30,2,u\nb,2:30,3,v\n",
        "id\tt\tx\ty\n1\t0\t1.5\tu\n1\t1\t2\tu\n2\t0\t3\tv\n",
    ],
    "table": ["a,b,label\n1,2,x\n3,4,y\n5,,x\n", "1;2;x\n3;4;y\n"],
}


def write(data: bytes, folder: Path) -> Path:
    """The input as a file. Its name has no ending that could help."""
    path = folder / "input"
    path.write_bytes(data)
    return path


def check_sound(found: Examples[Any, Any]) -> None:
    """What is read can be written as UTF-8, and numbers are finite or missing."""
    assert len(found)
    for row in found.rows:
        if isinstance(row.input, np.ndarray):
            assert row.input.size and row.input.dtype == np.float32 and not np.isinf(row.input).any()
        for text in (row.input, row.target, row.name):
            if isinstance(text, str):
                text.encode()
        assert row.target is None or row.target
    for note in found.notes:
        assert "\n" not in note


def meets(form: str) -> Callable[[bytes, Path], None]:
    """Read a file as the form, and as what it is detected to be."""

    def meet(data: bytes, folder: Path) -> None:
        path = write(data, folder)
        try:
            found = detect(path, Columns())
        except InputError:
            pass
        else:
            if found.form != form:
                read_or_refuse(path, found.form)
        check_sound(read_examples(path, form, Columns()))

    return meet


def read_or_refuse(path: Path, form: str) -> None:
    """Read a file as a form that it may not have."""
    try:
        found = read_examples(path, form, Columns())
    except InputError:
        return
    check_sound(found)


def target(form: str, texts: list[str]) -> Target:
    """Each file plain, and the first one packed."""
    plain = [text.encode() for text in texts]
    return Target(form, damaged([*plain * 3, gzip.compress(plain[0], mtime=0)]), meets(form))


TARGETS = tuple(target(form, texts) for form, texts in VALID.items())
