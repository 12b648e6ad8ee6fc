"""Which column of a table is the label where no name says so: the only one whose cells are no numbers."""

from __future__ import annotations

import pytest

from bptt.data.readers.detect import detect
from bptt.data.readers.document import Document
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns

ROWS = [(k, 1.5 * k, 7 - k, 0.5) for k in range(8)]
WORDS = ("setosa", "virginica")


def table(header: str, place: int) -> Document:
    lines = []
    for n, numbers in enumerate(ROWS):
        cells = list(map(str, numbers[1:]))
        cells.insert(place, WORDS[n % 2])
        lines.append(",".join(cells))
    return Document("d", "\n".join([*([header] if header else []), *lines]) + "\n")


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("species,a,b,c", 0),
        ("a,kind,b,c", 1),
        ("a,b,品种,c", 2),
        ("a,b,c,species", 3),
        ("", 0),
        ("", 1),
        ("", 3),
    ],
)
def test_the_only_column_of_words_is_the_label(header: str, place: int) -> None:
    document = table(header, place)
    assert detect(document, Columns()).form == "table"
    found = read_examples(document, "table", Columns())
    assert found.targets == tuple(WORDS[n % 2] for n in range(8))
    assert [tuple(map(float, row)) for row in found.inputs] == [row[1:] for row in ROWS]
    if header and place < 3:
        assert f'"{header.split(",")[place]}" is the label' in found.notes[0]
    # A model looks for it under its name, wherever it stands.
    learned = ("", header.split(",")[place] if header else str(place + 1))
    asked = Columns(features=found.columns, learned=learned, labelled=False)
    assert read_examples(document, "table", asked).targets == found.targets


def test_words_that_hardly_repeat_are_texts() -> None:
    lines = "".join(f"word {n},{n},{n}.5\n" for n in range(8))
    assert detect(Document("d", "said,a,b\n" + lines), Columns()).form == "columns"
