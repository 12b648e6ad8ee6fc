"""The layout of a CoNLL file: the column of the word, that of its tag, and the lines that are neither."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bptt.data.readers.delimited import delimiter, even_rows
from bptt.data.readers.document import Document
from bptt.data.schemes import detect_scheme
from bptt.errors import InputError

Cells = list[str]

_DOCUMENT = "-DOCSTART-"
_WORDS = frozenset("word words token tokens form text 词 词语 单词 字 字符 文本".split())
_TAGS = frozenset(
    "tag tags label labels ner ner_tag ner_tags iob bio entity pos upos xpos chunk 标签 标注 词性".split()
)
_OTHERS = frozenset(
    "id # lemma feats head deprel sentence sentence_id deps misc 编号 序号 句子 句子编号".split()
)
# CoNLL-U and CoNLL-X: ten columns, the word second, the universal part of speech fourth.
_CONLL_U, _FORM, _UPOS = 10, 1, 3
_GLOBAL = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
_RULE = "must have columns between tabs or spaces"
_MARKS = {",": "commas", ";": "semicolons", "|": "bars"}
_CURE = "Put tabs in their place, and a blank line behind each sentence"
# A word, several words written as one (1-2), or one that is not written (1.1).
_NUMBER = re.compile(r"\d{1,9}([-.]\d{1,9})?")


@dataclass(frozen=True)
class Layout:
    """How the columns of a file are used, found on its first line of a word, at `place`.

    `header` is the place of a line that names the columns, "" if there is none; in a `numbered` file the
    first column counts the words of a sentence. `note` is for the user, on layouts that are not obvious.
    """

    place: str
    tabs: bool
    width: int
    token: int
    tag: int | None
    numbered: bool = False
    header: str = ""
    note: str = ""

    def cells(self, line: str) -> Cells:
        """Return the columns of a line."""
        return cut(line, self.tabs)

    def is_word(self, line: str, place: str) -> bool:
        """Return whether a line is no comment and no header."""
        return place != self.header and not (self.tabs and line.startswith("#") and "\t" not in line)


def ends_sentence(line: str) -> bool:
    """Return whether a line is one between sentences: blank, or the mark of a document."""
    return not line.strip() or line.startswith(_DOCUMENT)


def cut(line: str, tabs: bool) -> Cells:
    """Return the columns of a line, between tabs or between spaces."""
    # Not str.split: a word may hold another kind of white space, such as a full-width one.
    return [cell.strip(" ") for cell in line.split("\t")] if tabs else re.split("[ \t]+", line.strip(" \t"))


def layout_of(document: Document, header: bool | None = None) -> Layout:
    """Return the layout of a file; `header` says whether its first line names columns (None: detected).

    The word is the first column and its tag the last, but where the first column numbers the words, the
    second is the word; of ten columns (CoNLL-U) the fourth is the tag. `# global.columns` (CoNLL-U Plus)
    and a header name the columns: words FORM, tags UPOS if there are such.
    """
    check_is_no_csv(document)
    rows = _rows(document)
    if not rows:
        raise InputError(document.name, "must hold at least one example that is not empty", "none")
    place, first, tabs = rows[0][0], rows[0][1], rows[0][2]
    named = next((found[1] for line in document.lines if (found := _GLOBAL.match(line))), None)
    if tabs and named:
        return _of_names(place, named.casefold().split(), "", f"columns: {named}")
    if _names_columns(rows, first, header):
        note = f"header: {', '.join(first)} (`no_header` if it is a word)"
        return _of_names(place, [cell.casefold() for cell in first], place, note, tabs)
    width = len(first)
    if width == 1 and len(rows) > 1 and all("," in cells[0] for _, cells, _ in rows):
        raise InputError(place, _RULE, "commas between them", _CURE)
    if width > 2 and _are_numbered(document, rows):
        tag = _UPOS if width == _CONLL_U else width - 1
        note = "" if width == _CONLL_U else f"numbered words: the word is column 2, the tag column {tag + 1}"
        return Layout(place, tabs, width, _FORM, tag, True, note=note)
    return Layout(place, tabs, width, 0, width - 1 if width > 1 else None)


def check_is_no_csv(document: Document, only_named: bool = False) -> None:
    """Raise InputError for words and tags between commas, semicolons or bars; with `only_named` only below a
    header that names them.
    """
    rows, mark = even_rows(document), delimiter(document)
    if len(rows) < 2 or mark == "\t":
        return
    names = {cell.strip().casefold() for cell in rows[0]}
    is_named = not (names.isdisjoint(_WORDS) or names.isdisjoint(_TAGS))
    # A comma may be a word, with its tag behind a space.
    if is_named or not (only_named or any(row[-1].startswith(" ") for row in rows)):
        came = f"{_MARKS.get(mark, mark)} between them: {', '.join(rows[0])[:60]}"
        raise InputError(f"{document.name}:1", _RULE, came, _CURE)


def looks_like_columns(document: Document, tags: Collection[str]) -> bool:
    """Return whether a text has a word a line: lines of equally many columns whose last is one of `tags`, or
    of an entity scheme; or, with blank lines between, of nothing but words. A text that was typed has not.
    """
    rows = [] if document.typed else _rows(document)
    if not rows or len({len(cells) for _, cells, _ in rows}) != 1:
        return False
    if _names_columns(rows, rows[0][1], None) and len(rows) > 1:
        rows = rows[1:]
    last = {cells[-1] for _, cells, _ in rows}
    width = len(rows[0][1])
    apart = any(ends_sentence(line) for line in document.lines)
    if width > 1 and (last <= set(tags) or detect_scheme([tuple(last)]).scheme is not None):
        return apart or rows[0][2]
    single = all(" " not in cell for _, cells, _ in rows for cell in cells)
    return apart and single and (width == 1 or rows[0][2])


def holds_entities(document: Document) -> bool:
    """Return whether a text has words with the tags of entities, a word a line, with blank lines between."""
    rows = _rows(document)
    if not any(ends_sentence(line) for line in document.lines) or not rows:
        return False
    if {len(cells) for _, cells, _ in rows} != {len(rows[0][1])} or len(rows[0][1]) < 2:
        return False
    last = {cells[-1] for _, cells, _ in rows}
    return any("-" in tag for tag in last) and detect_scheme([tuple(last)]).scheme is not None


def _rows(document: Document) -> list[tuple[str, Cells, bool]]:
    """Return the place and the columns of each line of a word, and whether tabs separate them."""
    lines = [(place, line) for place, line in document.numbered() if not ends_sentence(line)]
    tabs = any("\t" in line.strip() for _, line in lines)
    kept = [(place, line) for place, line in lines if not (tabs and line[0] == "#" and "\t" not in line)]
    first = next((line for _, line in kept if not line.startswith("#")), "")
    tabs = tabs and ("\t" in first.strip() or not first)
    return [(place, cut(line, tabs), tabs) for place, line in kept]


def _names_columns(rows: Sequence[tuple[str, Cells, bool]], first: Cells, header: bool | None) -> bool:
    if header is not None or len(first) < 2 or len(rows) < 2:
        return bool(header)
    names = [cell.casefold() for cell in first]
    if names[-1] in _TAGS and any(name in _WORDS for name in names[:-1]):
        return all(name in _WORDS | _TAGS | _OTHERS for name in names[:-1])
    # A name that is no tag of the scheme of all others is the name of their column.
    if len(rows) < 4 or detect_scheme([(first[-1],)]).scheme is not None:
        return False
    below = {cells[-1] for _, cells, _ in rows[1:] if len(cells) == len(first)}
    return len(below) > 1 and detect_scheme([tuple(below)]).scheme is not None


def _of_names(place: str, names: Sequence[str], header: str, note: str, tabs: bool = True) -> Layout:
    numbered = names[0] in ("id", "#", "编号", "序号") and len(names) > 1
    token = next((i for i, name in enumerate(names) if name in _WORDS), int(numbered))
    tag = names.index("upos") if "upos" in names else len(names) - 1
    return Layout(place, tabs, len(names), token, None if tag == token else tag, numbered, header, note)


def _are_numbered(document: Document, rows: Sequence[tuple[str, Cells, bool]]) -> bool:
    """Return whether the first column counts the words of each sentence, from 0 or 1 on."""
    if not all(_NUMBER.fullmatch(cells[0]) for _, cells, _ in rows):
        return False
    cells, before = {place: cells[0] for place, cells, _ in rows}, None
    for place, line in document.numbered():
        if ends_sentence(line):
            before = None
        elif cells.get(place, "").isdigit():
            number = int(cells[place])
            if number not in ((0, 1) if before is None else (before + 1,)):
                return False
            before = number
    return True
