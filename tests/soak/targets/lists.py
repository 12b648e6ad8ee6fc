"""Files of other jobs: plain text, tags, translations, n-best lists, minimal pairs, word vectors."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np

from bptt.data.readers.corpus import read_corpus
from bptt.data.readers.document import read_document
from bptt.data.readers.grid import Columns
from bptt.data.readers.minimal_pairs import holds_minimal_pairs, read_minimal_pairs
from bptt.data.readers.nbest import read_nbest, read_references
from bptt.data.readers.tagged import looks_like_conll, read_conll
from bptt.data.readers.translations import detect_translated, read_translations, read_untranslated
from bptt.data.readers.vectors import read_vectors
from bptt.errors import InputError
from soak.damage import damaged
from soak.target import Target
from soak.targets.readers import check_sound, write

TEXTS = ["A text.\nOf two lines, 很好\n", "\ufeffone\r\ntwo\r\n", "old\rMac\rlines\r"]
CONLL = [
    "-DOCSTART- O\n\nAda B-PER\nwent O\n\n北京 B-LOC\n. O\n",
    "# text = a b\n1\ta\ta\tDET\t_\t_\t2\tdet\t_\t_\n2-3\tbc\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "2\tb\tb\tNOUN\t_\t_\t0\troot\t_\t_\n\n",
    "Ada\tNNP\tB-PER\nwent\tVBD\tO\n\n",
]
PAIRS = [
    "go home\t回家\nstay\t留下\n",
    "source,target\ngo,va\n",
    '{"src": "go", "tgt": "va"}\n{"src": "a", "tgt": "b"}\n',
]
KALDI = ["utt1-1 the cat\nutt1-2 a cat\nutt2-1 the dog\n", "a-1 x\na-10 y\na-2 z\n"]
RNNLM = ["u1 the cat\nu1 a cat\nu2 the dog\n"]
HYPORADISE = [
    json.dumps(
        [
            {"input": ["a cat", "the cat"], "output": "the cat", "am_score": [-1.5, -2], "id": "u1"},
            {"input": ["a"], "output": "\U0001f600"},
        ]
    )
]
BLIMP = [
    "".join(
        json.dumps(
            {
                "sentence_good": good,
                "sentence_bad": "the cat were full",
                "UID": "agreement",
                "dependency_length": 1,
                "one_prefix_prefix": "the cat",
                "one_prefix_word_good": "was",
                "one_prefix_word_bad": "were",
            }
        )
        + "\n"
        for good in ("the cat was full", "the cat is \ud83d\ude00")
    )
]
VECTORS = ["3 2\nthe 0.1 0.2\ncat -1 2e-3\n猫 1 1\n", "the 0.1 0.2\nnew york 1 2\ncat 3 4\n"]


def meet_text(data: bytes, folder: Path) -> None:
    """A text to learn a language model from."""
    corpus = read_corpus([write(data, folder)])
    assert corpus.text.strip() and corpus.text.endswith("\n") and "\r\n" not in corpus.text
    assert corpus.sha256


def meet_conll(data: bytes, folder: Path) -> None:
    """Sentences with tags, whether they are seen to be some or not."""
    document = read_document(write(data, folder))
    looks_like_conll(document)
    found = read_conll(document)
    assert len(found)
    for row in found.rows:
        assert row.input and all(row.input)
        assert row.target is None or len(row.target) == len(row.input)


def meet_pairs(data: bytes, folder: Path) -> None:
    """Sentences with their translations; each reader of the form that is detected."""
    path = write(data, folder)
    form = detect_translated(path, Columns()).form
    read_untranslated(path, form, Columns())
    check_sound(read_translations(path, None, "text", Columns()))


def meet_nbest(data: bytes, folder: Path) -> None:
    """N-best lists; with the same file as references, and as costs."""
    path = write(data, folder)
    document = read_document(path)
    for read in (lambda: read_references(document), lambda: read_nbest(path, [document])):
        with suppress(InputError):
            read()
    found = read_nbest(path)
    for utterance in found.utterances:
        assert utterance.hypotheses
        for hypothesis in utterance.hypotheses:
            hypothesis.text.encode()
            assert np.isfinite(hypothesis.score)


def meet_minimal_pairs(data: bytes, folder: Path) -> None:
    """Minimal pairs, whether they are seen to be some or not."""
    document = read_document(write(data, folder))
    holds_minimal_pairs(document)
    for pair in read_minimal_pairs(document):
        f"{pair.good}{pair.bad}{pair.paradigm}".encode()


def meet_vectors(data: bytes, folder: Path) -> None:
    """Vectors of words, some of them wanted."""
    found = read_vectors(write(data, folder), {"the", "cat", "new york", "猫"})
    assert found.values.ndim == 2 and len(found.values) == len(found.words)
    assert np.isfinite(found.values).all()


def target(name: str, texts: list[str], meet: object) -> Target:
    """Texts as bytes."""
    assert callable(meet)
    return Target(name, damaged([text.encode() for text in texts]), meet)


TARGETS = (
    target("text", TEXTS, meet_text),
    target("conll", CONLL, meet_conll),
    target("pairs", PAIRS, meet_pairs),
    target("kaldi", KALDI, meet_nbest),
    target("rnnlm", RNNLM, meet_nbest),
    target("hyporadise", HYPORADISE, meet_nbest),
    target("minimal-pairs", BLIMP, meet_minimal_pairs),
    target("vectors", VECTORS, meet_vectors),
)
