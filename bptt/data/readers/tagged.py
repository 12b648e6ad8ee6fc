"""Sentences with a tag for each word: CoNLL columns, read and written; and words without tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from bptt.data.cutting import Cutting
from bptt.data.examples import Example, Examples, Words, gather
from bptt.data.readers.conll_layout import Layout, ends_sentence, layout_of, looks_like_columns
from bptt.data.readers.document import Document
from bptt.data.readers.objects import is_json
from bptt.errors import InputError

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


def read_conll(document: Document, header: bool | None = None) -> Examples[Words, Words]:
    """Read a word a line, in its first column; its tag in the last; a blank line after each sentence.

    A line of nothing but white space is blank, and `-DOCSTART-` ends a sentence too. Tabs separate columns if
    the first word's line has one, else spaces. Between tabs, a line that begins with # and has no tab is a
    comment; between spaces there are none, so that the word # is kept. `layout_of` finds other columns, and
    the `header` if there is one. One column: no tags. The place of a sentence is that of its first word.
    Raises InputError with the line if it does not have the columns of the first.
    """
    if is_json(document):
        cure = "Write a word a line with its tag behind a tab, and a blank line after each sentence"
        raise InputError(document.name, "must be CoNLL columns", "JSON", cure)
    layout = layout_of(document, header)
    rows: list[Example[Words, Words]] = []
    words: list[tuple[str, str, str | None]] = []
    for place, line in [*document.numbered(), ("", "")]:
        if not ends_sentence(line):
            if layout.is_word(line, place):
                words += _word(line, place, layout)
        elif words:
            places, tokens, tags = zip(*words, strict=True)
            rows.append(Example(tokens, None if layout.tag is None else tags, places[0]))
            words = []
    said = (layout.note,) if layout.note else ()
    return gather(document.name, rows, notes=(*said, *_note_joined(rows)))


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
    joined = [row for row in rows if any(_JOINED.match(tag) for tag in row.target or ())]
    if not joined:
        return ()
    tag = next(tag for tag in joined[0].target or () if _JOINED.match(tag))
    where = f"{len(joined):,} sentences, the first at {joined[0].place}"
    return (f"tags such as {tag} join several; each is taken as one tag of its own ({where})",)
