"""Reading sentences for a tagger: CoNLL columns, plain text, or a column of texts."""

from __future__ import annotations

from dataclasses import replace

from bptt.data.cutting import Cutting
from bptt.data.examples import Words
from bptt.data.readers.asked import Said
from bptt.data.readers.conll_layout import check_is_no_csv
from bptt.data.readers.delimited import even_rows
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source, document_of, is_typed, read_grid
from bptt.data.readers.grid import Columns
from bptt.data.readers.headers import TEXTS, holds_names
from bptt.data.readers.labelled import read_labelled
from bptt.data.readers.objects import is_json
from bptt.data.readers.tagged import looks_like_conll, read_conll, read_words, words_of_texts
from bptt.jobs.tag.tag_set import Tagged
from bptt.options.checks import check_choice

# Formats of sentences to be tagged, as a user names them.
_FORMS = ("lines", "conll")
_PLAIN = "read as plain text, a sentence a line (`form` conll: a word a line)"


def read_sentences(source: Source, said: Said, cutting: Cutting, tags: Words | None) -> Tagged:
    """Read sentences of CoNLL columns, or sentences without tags if `tags`, those of the model, are given.

    Without tags, each line of plain text is a sentence, and each text of JSON or of a table with a header.
    They are cut by the rule `cutting`. A text passed directly is plain.

    Raises InputError with the line if `tags` is None and a word has no tag, or the format cannot be read.
    """
    check_choice("input", said.form or _FORMS[0], _FORMS)
    if tags is None:
        return read_conll(source, said.header)
    document = document_of(source)
    is_open = said.form is None and not is_typed(source)
    if said.form == "conll" or (is_open and looks_like_conll(document, tags)):
        return read_conll(document, said.header)
    if is_open and said.input is None:
        check_is_no_csv(document, only_named=True)
    if said.input is not None or (is_open and _has_columns(document)):
        texts = read_labelled(read_grid(document), said.about(Columns(labelled=False)))
        return words_of_texts(texts, cutting)
    found = read_words(document, cutting)
    return found if is_typed(source) else replace(found, notes=(_PLAIN, *found.notes))


def begins_as_lines(first: Document, said: Said, cutting: Cutting) -> bool:
    """Return whether each line of a source that begins with `first` is a sentence, not a tagged word."""
    if said.form is not None or said.input is not None:
        return said.form == "lines"
    if "\t" in first.text.strip() or _has_columns(first):
        return False
    return cutting.level == "character" or len(cutting.cut(first.text)) > 1


def _has_columns(document: Document) -> bool:
    """Return whether a text is JSON, or has a header that names a column of texts."""
    rows = even_rows(document)
    return is_json(document) or bool(rows and holds_names(rows, Columns(), TEXTS))
