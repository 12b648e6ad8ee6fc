"""Prepared tokens written as files that nanoGPT and Megatron read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.own_folder import begin_folder, leave_folder
from bptt.data.prepared.preparation import put
from bptt.data.prepared.prepared_text import PreparedText
from bptt.data.prepared.reported_steps import Report, ReportedSteps
from bptt.data.prepared.token_files import CODES, HEAD, MAGIC, TRAIN, VAL, VERSION, TokenForm
from bptt.data.prepared.token_manifest import HELD_OUT_PART, LEARNED, TOKENIZER, TokenPart
from bptt.errors import InputError
from bptt.files import replace_whole

_BLOCK = 2**20
# Megatron keeps the length of a sequence as int32.
_LONGEST = 2**31 - 1


def export_tokens(
    prepared: PreparedText,
    form: TokenForm,
    output: Path,
    report: Report,
    stopped: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Write train.bin, val.bin if a part is held out, and tokenizer.json; return the names of the files.

    For Megatron, train.idx and val.idx have a sequence for each document, or several for one of more than
    2^31 - 1 tokens. nanoGPT has no place for documents. Raises InputError if nanoGPT's two bytes do not hold
    the vocabulary, or a file of tokens has changed; Interruption when `stopped` returns True.
    """
    dtype = prepared.manifest.dtype
    if form == "nanogpt" and dtype != "uint16":
        rule, came = "must number at most 65,536 tokens for nanoGPT", f"{prepared.manifest.vocabulary_size:,}"
        raise InputError(str(prepared.folder), rule, came, "Write it for Megatron")
    steps = ReportedSteps(report, stopped)
    begin_folder(output)
    total, done, names = sum(part.tokens for part in prepared.manifest.parts), 0, []
    for part_name, name in ((LEARNED, TRAIN), (HELD_OUT_PART, VAL)):
        if (part := prepared.part(part_name)) is None:
            continue
        _write(output / name, _data(prepared, part, steps, (done, total)))
        names.append(name)
        done += part.tokens
        if form == "megatron":
            index = (output / name).with_suffix(".idx")
            _write(index, _index(prepared.documents(part), part.tokens, dtype))
            names.append(index.name)
    put(output / TOKENIZER, prepared.vocabulary.to_bytes())
    leave_folder(output)
    return [*names, TOKENIZER]


def _write(path: Path, parts: Iterator[bytes]) -> None:
    def write(file: BinaryIO) -> None:
        for data in parts:
            file.write(data)

    replace_whole(path, write, path.with_name(f".{path.name}.tmp"))


def _data(
    prepared: PreparedText, part: TokenPart, steps: ReportedSteps, at: tuple[int, int]
) -> Iterator[bytes]:
    tokens, dtype = prepared.tokens(part), np.dtype(prepared.manifest.dtype).newbyteorder("<")
    for first in range(0, len(tokens), _BLOCK):
        steps.tell("files of tokens", at[0] + first, at[1])
        yield tokens.read(first, min(first + _BLOCK, len(tokens))).astype(dtype).tobytes()


def _index(documents: NDArray[np.int64], tokens: int, dtype: str) -> Iterator[bytes]:
    sizes = np.diff(np.append(documents, tokens))
    # A document of more tokens is several sequences, all but the last of the longest length.
    counts = np.maximum(1, -(-sizes // _LONGEST))
    boundaries = np.append(0, np.cumsum(counts))
    lengths = np.full(boundaries[-1], _LONGEST, np.int64)
    lengths[boundaries[1:] - 1] = sizes - (counts - 1) * _LONGEST
    code = next(number for number, name in CODES.items() if name == dtype)
    yield HEAD.pack(MAGIC, VERSION, code, len(lengths), len(boundaries))
    yield lengths.astype("<i4").tobytes()
    yield ((np.cumsum(lengths) - lengths) * np.dtype(dtype).itemsize).astype("<i8").tobytes()
    yield boundaries.astype("<i8").tobytes()
