"""Every statement of the texts has a command; what the command prints is what another source says."""

from __future__ import annotations

from pathlib import Path

import pytest
from texts import s0, s1, s2, s3_s4
from texts.page import CHINESE, ENGLISH, Row, prepare, rows, run

CHECKS = {**s0.CHECKS, **s1.CHECKS, **s2.CHECKS, **s3_s4.CHECKS}
# Remarks on the history of the subject, which have nothing to show.
HISTORY = {2, 91}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files and runs of the page are."""
    made = tmp_path_factory.mktemp("texts")
    prepare(made)
    return made


def test_no_statement_is_missing() -> None:
    assert [row.number for row in rows(ENGLISH)] == sorted(set(range(1, 102)) - HISTORY)


def test_the_chinese_page_has_the_same_commands() -> None:
    def commands(found: list[Row]) -> list[tuple[int, str]]:
        return [(row.number, row.command.replace(" --lang zh", "")) for row in found]

    assert commands(rows(CHINESE)) == commands(rows(ENGLISH))


@pytest.mark.parametrize("row", rows(ENGLISH), ids=lambda row: str(row.number))
def test_the_command_shows_the_statement(row: Row, folder: Path) -> None:
    CHECKS[row.number](run(row.command, folder))
