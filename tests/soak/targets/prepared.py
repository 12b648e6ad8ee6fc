"""Files of tokens: of `bptt prepare`, nanoGPT and Megatron; tokenizers, and texts in pieces."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import struct
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

from bptt.data.prepared.piece_file import PieceArrays, PieceWork, make_piece
from bptt.data.prepared.preparation import Preparation, prepare
from bptt.data.prepared.prepared_text import open_prepared
from bptt.data.prepared.text_stream import FilePiece, stream_file
from bptt.data.prepared.token_files import HEAD, MAGIC, find_token_files
from bptt.data.prepared.token_import import import_tokens
from bptt.data.prepared.token_manifest import MANIFEST
from bptt.data.vocabulary_options import VocabularyOptions, usual_white_space
from bptt.jobs.language.prepare_options import PREPARE
from bptt.jobs.language.preparing import preparation_of
from bptt.options.choices import Choices
from soak.damage import damage, damaged
from soak.target import Target
from soak.targets.arrays import parquets
from soak.targets.folders import Tree, write_tree
from soak.targets.readers import write
from soak.targets.runs import changed

TEXT = "the cat sat\non the mat, né\n床前明月光\n\n" * 3
OPTIONS = VocabularyOptions("word", white_space=usual_white_space("word"))
TEXTS = (
    TEXT.encode(),
    gzip.compress(TEXT.encode(), mtime=0),
    "".join(json.dumps({"text": line, "n": 1}) + "\n" for line in TEXT.splitlines()).encode(),
    b"one\rtwo\r",
    *parquets()[:1],
    b"text\tlabel\nthe cat\tx\n",
)
# The hash of a file in tokens.json, by its name.
HASHES = {"tokenizer.json": "tokenizer_sha256", "counts.bin": "counts_sha256"}


def silent(what: str, done: int, steps: int) -> None:
    """Report nothing."""


@cache
def valid() -> Mapping[str, bytes]:
    """The files of a folder of prepared tokens."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "a.txt"), Path(folder, "out")
        source.write_text(TEXT, "utf-8")
        prepare(Preparation((source,), output, OPTIONS, held_out=0.3), silent)
        return {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}


def spoiled(random: Random) -> Tree:
    """A folder with a damaged file, or another value in tokens.json; often with the hash of what is there."""
    tree = dict(valid())
    name = random.choice((MANIFEST, *tree))
    if name == MANIFEST and random.random() < 0.7:
        return {**tree, name: json.dumps(changed(json.loads(tree[name]), random)).encode()}
    tree[name] = damage(tree[name], random)
    if name == MANIFEST or random.random() < 0.3:
        return tree
    manifest, known = json.loads(tree[MANIFEST]), hashlib.sha256(tree[name]).hexdigest()
    if name in HASHES:
        manifest[HASHES[name]] = known
    for part in manifest["parts"]:
        if part["documents"] == name:
            part["documents_sha256"] = known
        for shard in part["shards"]:
            if shard["file"] == name:
                part["tokens"] = shard["tokens"] = len(tree[name]) // 2
                shard["sha256"] = known
    return {**tree, MANIFEST: json.dumps(manifest).encode()}


def meet_folder(tree: Tree, folder: Path) -> None:
    """Open a folder; its tokens are those of its vocabulary."""
    # The files of a store are open as long as it lives.
    warnings.filterwarnings("ignore", category=ResourceWarning)
    found = open_prepared(write_tree(tree, folder))
    size = found.vocabulary.size
    assert len(found.counts()) == size and all(count >= 0 for count in found.counts())
    found.excerpt().encode()
    for part in found.manifest.parts:
        tokens = found.tokens(part)
        ids, starts = tokens.read(0, len(tokens)), found.documents(part)
        assert ((ids >= 0) & (ids < size)).all()
        assert (np.diff(starts) > 0).all() and ((starts >= 0) & (starts <= len(ids))).all()
        found.vocabulary.decode(ids.tolist())


def megatron(random: Random) -> Tree:
    """The two files of Megatron, of which one is damaged; or those of nanoGPT."""
    tokens = struct.pack("<7H", 2, 3, 1, 4, 5, 6, 1)
    if random.random() < 0.2:
        return {"train.bin": damage(tokens, random), "val.bin": tokens}
    index = HEAD.pack(MAGIC, 1, 8, 3, 4) + struct.pack("<3i3q4q", 3, 1, 3, 0, 6, 8, 0, 2, 2, 3)
    if random.random() < 0.3:
        return {"x.bin": damage(tokens, random), "x.idx": index}
    return {"x.bin": tokens, "x.idx": damage(index, random)}


def meet_tokens(tree: Tree, folder: Path) -> None:
    """Read tokens of other programs under the vocabulary of the folder."""
    root, output = write_tree(tree, folder), folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    asked = Preparation(
        (), output, OPTIONS, 0.3, tokenizer=valid()["tokenizer.json"], tokens=find_token_files([root])
    )
    import_tokens(asked, silent)
    meet_folder({path.name: path.read_bytes() for path in output.iterdir()}, folder)


def tokenizer(random: Random) -> bytes:
    """The tokenizer of the folder with another value, or damaged."""
    data = valid()["tokenizer.json"]
    return (
        json.dumps(changed(json.loads(data), random)).encode()
        if random.random() < 0.6
        else damage(data, random)
    )


def meet_tokenizer(data: bytes, folder: Path) -> None:
    """Take the vocabulary of a file."""
    text, output = folder / "a.txt", folder / "out"
    text.write_text(TEXT, "utf-8")
    shutil.rmtree(output, ignore_errors=True)
    given = {
        "files": (str(text),),
        "output": str(output),
        "vocabulary": str(write(data, folder)),
        "level": "word",
    }
    prepare(replace(preparation_of(Choices.read(PREPARE, given), 1), held_out=0.3), silent)
    meet_folder({path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}, folder)


def meet_text(data: bytes, folder: Path) -> None:
    """Read a text in small pieces, each of which is tokenised."""
    for number, piece in enumerate(stream_file(write(data, folder), None, 64)):
        if isinstance(piece, FilePiece) and number < 8:
            path = folder / "piece.npz"
            path.unlink(missing_ok=True)
            facts = make_piece(PieceWork(piece, OPTIONS, path))
            found = PieceArrays(path)
            assert facts == found.facts and len(found.ids) == facts.tokens
            assert len(found.counts) == facts.distinct == len(found.tokens) * (facts.tokens > 0)


TARGETS = (
    Target("prepared", spoiled, meet_folder, cost=5),
    Target("token-files", megatron, meet_tokens, cost=20),
    Target("tokenizer-file", tokenizer, meet_tokenizer, cost=20),
    Target("texts-in-pieces", damaged(TEXTS), meet_text, cost=20),
)
