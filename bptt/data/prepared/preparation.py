"""Texts of any size made into files of tokens: in pieces, by several processes, and after a kill where it
ended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bptt.data.levels import saved_tokenizer
from bptt.data.prepared.counted_vocabulary import learn_vocabulary
from bptt.data.prepared.crew import Crew, crew
from bptt.data.prepared.own_folder import WORK, begin_folder, end_folder
from bptt.data.prepared.piece_file import PieceFacts, PieceWork, make_piece
from bptt.data.prepared.piece_text import text_of
from bptt.data.prepared.reported_steps import Report, ReportedSteps
from bptt.data.prepared.shard_file import ShardRecord, ShardWork, write_shard
from bptt.data.prepared.text_stream import PIECE, FilePiece, SourceFile, stream_file
from bptt.data.prepared.token_files import TokenFile
from bptt.data.prepared.token_manifest import (
    COUNTS,
    EXCERPT,
    HELD_OUT_PART,
    LEARNED,
    TOKENIZER,
    Manifest,
    Shard,
    TokenPart,
    dtype_for,
)
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.files import write_whole

# Pieces in a file of tokens.
_SHARD = 16
# Bytes of texts that are worth another process.
_FOR_A_PROCESS = 4 * 2**20
# Characters of the held-out text that are kept as text.
EXCERPT_SIZE = 2**20


@dataclass(frozen=True)
class Preparation:
    """The texts of a preparation, and its options.

    `held_out` is the share of the text, at its end, that is not learned from. `tokenizer` is the content of
    tokenizer.json if the vocabulary is one that exists; else it is learned. `tokens` are files of tokens in
    the place of texts, for `import_tokens`.
    """

    files: tuple[Path, ...]
    output: Path
    options: VocabularyOptions
    held_out: float = 0.1
    column: str | None = None
    tokenizer: bytes | None = None
    workers: int = 1
    piece: int = PIECE
    tokens: tuple[TokenFile, ...] = ()


@dataclass(frozen=True)
class _Made:
    """A piece that is made: the file that it is of, its index there, the file that keeps it."""

    file: int
    index: int
    path: Path
    facts: PieceFacts


def prepare(asked: Preparation, report: Report, stopped: Callable[[], bool] = lambda: False) -> Manifest:
    """Make the files of tokens, and last of all tokens.json; go on where an earlier call has ended.

    `report` takes a stage, the steps done of it and the steps in all. No byte depends on the number of
    workers. Raises InputError for a text that cannot be read, or leaves a part empty, or for a folder that
    holds something else; MachineError if the disk is full; Interruption when `stopped` returns True.
    """
    steps = ReportedSteps(report, stopped)
    begin_folder(asked.output)
    # Of a small text, processes would take longer to start than to work.
    size = sum(path.stat().st_size for path in asked.files)
    with crew(min(asked.workers, 1 + size // _FOR_A_PROCESS)) as workers:
        made, sources = _tokenise_all(asked, workers, steps)
        parts = _split(asked, made, workers)
        steps.tell("vocabulary", 0, 1)
        tokenizer = asked.tokenizer
        if tokenizer is None:
            paths, facts = zip(*((each.path, each.facts) for each in parts[LEARNED]), strict=True)
            tokenizer = learn_vocabulary(workers, paths, facts, asked.options)
        put(asked.output / TOKENIZER, tokenizer)
        found, counts = _write_parts(asked, parts, tokenizer, workers, steps)
    return finish(asked, tokenizer, counts, found, sources, asked.held_out)


def finish(
    asked: Preparation,
    tokenizer: bytes,
    counts: NDArray[np.int64],
    parts: tuple[TokenPart, ...],
    sources: Sequence[SourceFile],
    held_out: float,
) -> Manifest:
    """Write the counts of the tokens learned from, and tokens.json; return its content."""
    known = saved_tokenizer(tokenizer.decode(), asked.options)
    size = known.get_vocab_size()
    tokens = tuple(str(known.id_to_token(number)) for number in range(size))
    put(asked.output / COUNTS, counts.astype("<i8").tobytes())
    manifest = Manifest(
        dtype_for(size),
        asked.options,
        size,
        hashlib.sha256(json.dumps(tokens).encode()).hexdigest(),
        hashlib.sha256(tokenizer).hexdigest(),
        hashlib.sha256(counts.astype("<i8").tobytes()).hexdigest(),
        held_out,
        parts,
        tuple(sources),
    )
    end_folder(asked.output, manifest)
    return manifest


def put(path: Path, data: bytes) -> None:
    """Write a file of the folder, whole."""
    write_whole(path, data, path.with_name(f".{path.name}.tmp"))


def _tokenise_all(
    asked: Preparation, workers: Crew, steps: ReportedSteps
) -> tuple[list[_Made], list[SourceFile]]:
    total = sum(path.stat().st_size for path in asked.files)
    sources: list[SourceFile] = []
    places: list[tuple[int, int, Path]] = []
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size

    def works() -> Iterator[PieceWork]:
        for number, path in enumerate(asked.files):
            index = 0
            for piece in stream_file(path, asked.column, asked.piece, count):
                steps.tell("tokens", done, total)
                if isinstance(piece, SourceFile):
                    sources.append(piece)
                    continue
                made = asked.output / WORK / f"{len(places):06}.npz"
                places.append((number, index, made))
                index += 1
                yield PieceWork(piece, asked.options, made)

    facts = list(workers.map(make_piece, works()))
    return [_Made(*place, each) for place, each in zip(places, facts, strict=True)], sources


def _split(asked: Preparation, made: Sequence[_Made], workers: Crew) -> dict[str, list[_Made]]:
    """Return the pieces of each part: the text is cut by its characters, as `split_text` does.

    Raises InputError if a part is empty.
    """
    if not asked.held_out:
        return {LEARNED: list(made)}
    total = sum(each.facts.characters for each in made)
    cut = int(total * (1 - asked.held_out))
    place = 0
    while cut >= made[place].facts.characters:
        cut -= made[place].facts.characters
        place += 1
    before, behind = list(made[:place]), list(made[place:])
    pieces = _pieces_from(asked, made[place])
    if cut:
        piece, path = next(pieces), made[place].path
        halves = (
            PieceWork(piece, asked.options, path.with_suffix(".begin.npz"), 0, cut),
            PieceWork(piece, asked.options, path.with_suffix(".end.npz"), cut),
        )
        first, second = (
            replace(made[place], path=half.path, facts=facts)
            for half, facts in zip(halves, workers.map(make_piece, halves), strict=True)
        )
        before, behind = [*before, first], [second, *behind[1:]]
        pieces = _pieces_from(asked, made[place])
    if not all(sum(each.facts.words for each in part) for part in (before, behind)):
        rule = f"a held-out part of {asked.held_out:g} must leave text in both parts"
        raise InputError("text", rule, f"{total:,} characters", "Give more text")
    put(asked.output / EXCERPT, _excerpt(pieces, cut).encode())
    return {LEARNED: before, HELD_OUT_PART: behind}


def _pieces_from(asked: Preparation, made: _Made) -> Iterator[FilePiece]:
    """Yield a piece once more, and all after it."""
    index = 0
    for number in range(made.file, len(asked.files)):
        for piece in stream_file(asked.files[number], asked.column, asked.piece):
            if isinstance(piece, FilePiece):
                if number > made.file or index >= made.index:
                    yield piece
                index += 1


def _excerpt(pieces: Iterator[FilePiece], cut: int) -> str:
    """Return whole lines from the beginning of a text whose first `cut` characters are left out."""
    text = ""
    for piece in pieces:
        text += text_of(piece).text
        if len(text) - cut > EXCERPT_SIZE:
            break
    shown = text[cut : cut + EXCERPT_SIZE]
    return shown[: shown.rfind("\n") + 1] or shown


def _write_parts(
    asked: Preparation,
    parts: dict[str, list[_Made]],
    tokenizer: bytes,
    workers: Crew,
    steps: ReportedSteps,
) -> tuple[tuple[TokenPart, ...], NDArray[np.int64]]:
    """Write the shards and the documents of each part; return these, and the counts of learned tokens."""
    dtype = dtype_for(saved_tokenizer(tokenizer.decode(), asked.options).get_vocab_size())
    works = {name: list(_shards(asked, name, made, dtype)) for name, made in parts.items()}
    total = sum(map(len, works.values()))
    facts = []
    for each in workers.map(write_shard, (work for name in works for work in works[name])):
        facts.append(each)
        steps.tell("files of tokens", len(facts), total)
    found, learned = [], np.zeros(0, np.int64)
    for name, made in parts.items():
        own, facts = facts[: len(works[name])], facts[len(works[name]) :]
        records = [ShardRecord(work.record) for work in works[name]]
        begins = np.cumsum([0, *(each.tokens for each in own)])
        starts = [record.documents + begin for record, begin in zip(records, begins, strict=False)]
        # The held-out part may begin within a document.
        documents = np.unique(np.concatenate([[0], *starts])).astype("<i8").tobytes()
        put(asked.output / f"{name}.documents.bin", documents)
        if name == LEARNED:
            learned = np.sum([record.counts for record in records], axis=0)
        characters, left, words, lines = (
            sum(getattr(each.facts, field) for each in made) for field in _SUMMED
        )
        shards = tuple(
            Shard(work.path.name, each.tokens, each.sha256)
            for work, each in zip(works[name], own, strict=True)
        )
        found.append(
            TokenPart(
                name,
                int(begins[-1]),
                characters,
                left,
                words,
                lines,
                unknown=sum(each.unknown for each in own),
                documents=f"{name}.documents.bin",
                documents_sha256=hashlib.sha256(documents).hexdigest(),
                shards=shards,
            )
        )
    return tuple(found), learned


_SUMMED = ("characters", "left", "words", "lines")


def _shards(asked: Preparation, name: str, made: Sequence[_Made], dtype: str) -> Iterator[ShardWork]:
    for number, start in enumerate(range(0, len(made), _SHARD)):
        own = made[start : start + _SHARD]
        file = f"{name}-{number:05}"
        yield ShardWork(
            tuple(each.path for each in own),
            tuple(each.facts.key for each in own),
            asked.output / f"{file}.bin",
            asked.output / WORK / f"{file}.npz",
            asked.output / TOKENIZER,
            asked.options,
            dtype,
        )
