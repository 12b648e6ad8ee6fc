"""The glossary in docs/ has the terms that the Chinese tables use."""

from __future__ import annotations

import re

import pytest
from documents import page

from bptt.cells import CATALOGUE
from bptt.languages.zh import CHINESE

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in page("glossary.md").text.splitlines()
    if line.startswith("| ") and "中文" not in line
]


TERMS = [row[0] for row in ROWS]
# Titles of articles are names.
SOURCES = {cell.source for cell in CATALOGUE.values()}


def used(term: str) -> dict[str, str]:
    """Return the templates, translated, that have the term; not those that have a longer one of it."""
    longer = "|".join(re.escape(other) for other in TERMS if term in other and term != other)
    word = re.compile(rf"\b{re.escape(term)}(?:e?s)?\b", re.IGNORECASE)
    return {
        english: chinese
        for english, chinese in CHINESE.items()
        if english not in SOURCES and word.search(re.sub(longer or "(?!)", "", english, flags=re.IGNORECASE))
    }


def without_it(term: str, chinese: str) -> list[str]:
    """Return the translations of templates with the term that have another word for it."""
    return [found for found in used(term).values() if chinese.lower() not in found.lower()]


def test_a_term_has_one_row() -> None:
    assert len(ROWS) > 40
    assert len({row[0] for row in ROWS}) == len(ROWS)
    assert all(len(row) == 4 and re.fullmatch("`bptt .*`", row[3]) for row in ROWS)


@pytest.mark.parametrize(("english", "chinese"), [row[:2] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_tables_use_the_term(english: str, chinese: str) -> None:
    assert used(english) or any(chinese in found for found in CHINESE.values())
    assert not without_it(english, chinese)


def test_another_word_for_a_term_is_found() -> None:
    assert without_it("loss", "代价")
    assert used("loss") and not used("los")
