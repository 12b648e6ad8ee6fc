"""Sentences with a tag for each word: CoNLL columns, read and written; and words without tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bptt.data.examples import Example, Examples, Words, gather
from bptt.data.readers.document import Document
from bptt.data.schemes import detect_scheme
from bptt.errors import InputError

_DOCUMENT = "-DOCSTART-"
_JOINED = re.compile(r"[A-Z]-[^,]+,[A-Z]-")
# CoNLL-U: ten columns by tabs, numbered words, the form second, the universal part of speech fourth.
_CONLL_U, _FORM, _UPOS = 10, 1, 3


@dataclass(frozen=True)
class _Layout:
    """How the columns of a file stand, found on its first line of a word, at `place`."""

    place: str
    tabs: bool
    width: int
    token: int
    tag: int | None

    def cells(self, line: str) -> list[str]:
        """The columns of a line."""
        return _cut(line, self.tabs)


def read_words(document: Document) -> Examples[Words, Words]:
    """Plain text: each line, also an empty one, is a sentence without tags, cut at white space."""
    lines = document.numbered()
    rows: list[Example[Words, Words]] = [Example(tuple(line.split()), None, place) for place, line in lines]
    return gather(document.name, rows)


def looks_like_conll(document: Document, tags: Collection[str] = ()) -> bool:
    """Whether a text has a word a line: columns between tabs, or, with blank lines between, lines of
    one word or of equally many columns of which the last is one of `tags`, or of an entity scheme.
    """
    lines = [line.strip(" ") for line in document.lines if not line.startswith(_DOCUMENT)]
    if any("\t" in line.strip() for line in lines):
        return True
    words = [_cut(line, tabs=False) for line in lines if line.strip()]
    if len(words) == len(lines) or len({len(cells) for cells in words}) != 1:
        return False
    last = {cells[-1] for cells in words}
    return len(words[0]) == 1 or last <= set(tags) or detect_scheme([tuple(last)]).scheme is not None


def read_conll(document: Document) -> Examples[Words, Words]:
    """A word a line, in its first column; its tag in the last; a blank line after each sentence.

    A line of nothing but white space is blank, and `-DOCSTART-` ends a sentence too. Columns stand
    between tabs if the first word's line has one, else between spaces. Between tabs, a line that
    begins with # and has no tab is a comment; between spaces there are none, so that the word # is
    kept. Ten numbered columns are CoNLL-U, with the part of speech as the tag. One column: no tags.
    The place of a sentence is that of its first word. Raises InputError with the line if it does not
    have the columns of the first.
    """
    layout = _layout(document)
    rows: list[Example[Words, Words]] = []
    words: list[tuple[str, str, str | None]] = []
    for place, line in [*document.numbered(), ("", "")]:
        if line.strip() and not line.startswith(_DOCUMENT):
            if not _is_comment(line, layout):
                words += _word(line, place, layout)
        elif words:
            places, tokens, tags = zip(*words, strict=True)
            rows.append(Example(tokens, None if layout.tag is None else tags, places[0]))
            words = []
    return gather(document.name, rows, notes=_note_joined(rows))


def write_conll(sentences: Iterable[Words], *columns: Iterable[Words]) -> str:
    """The text of a CoNLL file: the words, then each of `columns` (gold tags, predicted tags, ...)."""
    return "".join(
        "".join("\t".join(cells) + "\n" for cells in zip(*sentence, strict=True)) + "\n"
        for sentence in zip(sentences, *columns, strict=True)
    )


def _layout(document: Document) -> _Layout:
    for place, line in document.numbered():
        tabs = "\t" in line.strip()
        if not line.strip() or line.startswith(_DOCUMENT) or (line.startswith("#") and not tabs):
            continue
        cells = _cut(line, tabs)
        if tabs and len(cells) == _CONLL_U and re.fullmatch(r"1([-.]\d+)?", cells[0]):
            return _Layout(place, tabs, _CONLL_U, _FORM, _UPOS)
        return _Layout(place, tabs, len(cells), 0, len(cells) - 1 if len(cells) > 1 else None)
    # Every line begins with #: words, one a line, or with their tags behind a space.
    first = next(line for line in document.lines if line.strip())
    width = len(_cut(first, tabs=False))
    return _Layout(document.name, False, width, 0, width - 1 if width > 1 else None)


def _is_comment(line: str, layout: _Layout) -> bool:
    return layout.tabs and line.startswith("#") and "\t" not in line


def _word(line: str, place: str, layout: _Layout) -> list[tuple[str, str, str | None]]:
    """The place, word and tag of a line; none for a number of CoNLL-U that is no word (1-2, 1.1)."""
    cells = layout.cells(line)
    if len(cells) != layout.width:
        rule = f"must have {layout.width} columns as {layout.place} has"
        raise InputError(place, rule, f"{len(cells)}: {line[:60]!r}", "Is a word, tag or blank line missing?")
    tag = None if layout.tag is None else cells[layout.tag]
    if not cells[layout.token] or tag == "":
        raise InputError(place, "must have a word and a tag", repr(line[:60]), "Add what is missing")
    if layout.token == _FORM and not cells[0].isdigit():
        return []
    return [(place, cells[layout.token], tag)]


def _cut(line: str, tabs: bool) -> list[str]:
    # Not str.split: a word may hold another kind of white space, such as a full-width one.
    return [cell.strip(" ") for cell in line.split("\t")] if tabs else re.split("[ \t]+", line.strip(" \t"))


def _note_joined(rows: Sequence[Example[Words, Words]]) -> tuple[str, ...]:
    joined = [row for row in rows if any(_JOINED.match(tag) for tag in row.target or ())]
    if not joined:
        return ()
    tag = next(tag for tag in joined[0].target or () if _JOINED.match(tag))
    where = f"{len(joined):,} sentences, the first at {joined[0].place}"
    return (f"tags such as {tag} join several; each is taken as one tag of its own ({where})",)
