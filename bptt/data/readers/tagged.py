"""Sentences with a tag for each word: CoNLL columns, read and written; and words without tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bptt.data.cutting import Cutting
from bptt.data.examples import Example, Examples, Words, column, gather, kept
from bptt.data.readers.conll_layout import Layout, ends_sentence, layout_of, looks_like_columns
from bptt.data.readers.document import Document
from bptt.data.readers.objects import is_json
from bptt.data.readers.sources import Source, document_of, large_text
from bptt.deferred import deferred
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.large_text import LargeText, PlacedLine
    from bptt.data.stored_rows import StoredRows

_index_records = deferred("bptt.data.stored_rows", "index_records")

# Lines that show the layout of a large file.
_HEAD = 10_000
_JOINED = re.compile(r"[A-Z]-[^,]+,[A-Z]-")


def read_words(document: Document, cutting: Cutting) -> Examples[Words, Words]:
    """Read plain text: each line, also an empty one, is a sentence without tags, cut by a rule."""
    lines = document.numbered()
    rows: list[Example[Words, Words]] = [Example(cutting.cut(line), None, place) for place, line in lines]
    return gather(document.name, rows)


def words_of_texts(examples: Examples[str, str], cutting: Cutting) -> Examples[Words, Words]:
    """Return the same texts, cut by a rule, without tags."""
    rows: list[Example[Words, Words]] = [
        Example(cutting.cut(row.input), None, row.place, row.name) for row in examples.rows
    ]
    return Examples(tuple(rows), notes=examples.notes)


def looks_like_conll(document: Document, tags: Collection[str] = ()) -> bool:
    """Return whether a text has a word a line, the last column of which may be one of `tags`."""
    return looks_like_columns(document, tags)


def read_conll(source: Source, header: bool | None = None) -> Examples[Words, Words]:
    """Read a word a line, in its first column; its tag in the last; a blank line after each sentence.

    A line of nothing but white space is blank, and `-DOCSTART-` ends a sentence too. Tabs separate columns if
    the first word's line has one, else spaces. Between tabs, a line that begins with # and has no tab is a
    comment; between spaces there are none, so that the word # is kept. `layout_of` finds other columns, and
    the `header` if there is one. One column: no tags. The place of a sentence is that of its first word.
    Raises InputError with the line if it does not have the columns of the first.
    """
    large = large_text(source)
    document = document_of(source) if large is None else _head_of(large)
    if is_json(document):
        cure = "Write a word a line with its tag behind a tab, and a blank line after each sentence"
        raise InputError(document.name, "must be CoNLL columns", "JSON", cure)
    layout = layout_of(document, header)
    if large is None:
        rows: Sequence[Example[Words, Words]] = list(_sentences(document, layout))
    else:
        rows, _ = kept(_stored_sentences(large, layout), lambda _: True)
    said = (layout.note,) if layout.note else ()
    return gather(document.name, rows, notes=(*said, *_note_joined(rows)))


def _sentences(document: Document, layout: Layout) -> Iterator[Example[Words, Words]]:
    words: list[tuple[str, str, str | None]] = []
    for place, line in [*document.numbered(), ("", "")]:
        if not ends_sentence(line):
            if layout.is_word(line, place):
                words += _word(line, place, layout)
        elif words:
            places, tokens, tags = zip(*words, strict=True)
            yield Example(tokens, None if layout.tag is None else tags, places[0])
            words = []


def _head_of(large: LargeText) -> Document:
    """Return the first lines of a file, which show its layout."""
    return Document(large.name, "\n".join(large.head.split("\n", _HEAD)[:_HEAD]), cut=True)


def _stored_sentences(large: LargeText, layout: Layout) -> StoredRows[Example[Words, Words]]:
    """Return the sentences of a file too large for memory, whose lines are read when they are asked for."""

    def sentence(text: str, place: str) -> Example[Words, Words]:
        name, _, first = place.rpartition(":")
        return next(_sentences(Document(name, text, first=int(first)), layout))

    rows: StoredRows[Any] = _index_records(large, partial(_cut, large.name, layout), sentence)
    return rows


def _cut(name: str, layout: Layout, lines: Iterator[PlacedLine]) -> Iterator[tuple[PlacedLine, PlacedLine]]:
    """Yield the lines of the first and the last word of each sentence."""
    first = last = None
    for line in lines:
        place = f"{name}:{line.number}"
        if ends_sentence(line.text):
            if first is not None and last is not None:
                yield first, last
            first = last = None
        elif layout.is_word(line.text, place) and (not layout.numbered or _word(line.text, place, layout)):
            first, last = first or line, line
    if first is not None and last is not None:
        yield first, last


def write_conll(sentences: Iterable[Words], *columns: Iterable[Words]) -> str:
    """Return the text of a CoNLL file: the words, then each of `columns` (gold tags, predicted tags, ...)."""
    return "".join(
        "".join("\t".join(cells) + "\n" for cells in zip(*sentence, strict=True)) + "\n"
        for sentence in zip(sentences, *columns, strict=True)
    )


def _word(line: str, place: str, layout: Layout) -> list[tuple[str, str, str | None]]:
    """Yield the place, word and tag of a line; none for a number of CoNLL-U that is no word (1-2, 1.1)."""
    cells = layout.cells(line)
    if len(cells) != layout.width:
        rule = f"must have {layout.width} columns as {layout.place} has"
        raise InputError(place, rule, f"{len(cells)}: {line[:60]!r}", "Is a word, tag or blank line missing?")
    tag = None if layout.tag is None else cells[layout.tag]
    if not cells[layout.token] or tag == "":
        raise InputError(place, "must have a word and a tag", repr(line[:60]), "Add what is missing")
    if layout.numbered and not cells[0].isdigit():
        return []
    return [(place, cells[layout.token], tag)]


def _note_joined(rows: Sequence[Example[Words, Words]]) -> tuple[str, ...]:
    first, count = None, 0
    for number, tags in enumerate(column(rows, "target")):
        if (tag := next(filter(_JOINED.match, tags or ()), None)) is not None:
            first, count = first or (tag, rows[number].place), count + 1
    if first is None:
        return ()
    where = f"{count:,} sentences, the first at {first[1]}"
    return (f"tags such as {first[0]} join several; each is taken as one tag of its own ({where})",)
