"""Texts: a line each, columns, fastText, and folders of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptt.data.forms.form import (
    FOLDER,
    LAST,
    MARKED,
    NAMED,
    NUMBERS,
    OTHERWISE,
    ExampleForm,
    InputForms,
    Sign,
    alone,
    of_document,
    of_path,
    of_rows,
)
from bptt.deferred import deferred

if TYPE_CHECKING:
    pass

# How a file shows the form: not asked of a text that was typed.
_lines = deferred("bptt.data.forms.text_signs", "lines")
_named = deferred("bptt.data.forms.text_signs", "named")
_refuse_entities = deferred("bptt.data.forms.text_signs", "refuse_entities")
_columns = deferred("bptt.data.forms.text_signs", "columns")
_fasttext = deferred("bptt.data.forms.text_signs", "fasttext")
_class_folders = deferred("bptt.data.forms.text_signs", "class_folders")
_class_files = deferred("bptt.data.forms.text_signs", "class_files")

FORMS = InputForms(
    "text",
    (
        ExampleForm(
            "lines",
            "text",
            of_document(alone(deferred("bptt.data.readers.lines", "read_lines"))),
            (Sign(LAST, _lines),),
            "Write a text, a tab and its label on each line, or a file or folder of texts for each label",
        ),
        ExampleForm(
            "columns",
            "text",
            of_rows(deferred("bptt.data.readers.labelled", "read_labelled")),
            # Behind the series of numbers, before tables: words may be numbers, too.
            (Sign(NAMED, _named), Sign(NUMBERS + 1, _refuse_entities), Sign(OTHERWISE, _columns)),
        ),
        ExampleForm(
            "fasttext",
            "text",
            of_document(deferred("bptt.data.readers.labelled", "read_fasttext")),
            (Sign(MARKED + 3, _fasttext),),
        ),
        ExampleForm(
            "class-folders",
            "text",
            of_path(deferred("bptt.data.readers.folders", "read_class_folders")),
            # Behind all other folders: what is left must be plain text.
            (Sign(FOLDER + 1, _class_folders),),
        ),
        ExampleForm(
            "class-files",
            "text",
            of_path(alone(deferred("bptt.data.readers.folders", "read_class_files"))),
            (Sign(FOLDER + 2, _class_files),),
        ),
    ),
    typed="lines",
)
