"""The C++ of the catalogue's kernels changes on purpose only."""

from __future__ import annotations

import pytest
from kernel_texts import TESTS, changed, difference, texts

from bptt.codegen.cpp import emit


def test_texts_are_those_of_the_hashes() -> None:
    cure = "see `python tests/kernel_texts.py diff`, then `... renew`, and say in the commit why"
    assert changed() == [], cure


@pytest.mark.skipif(not (TESTS.parent / ".git").exists(), reason="compares with a revision of git")
def test_a_change_is_found_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    emit.source.cache_clear()
    monkeypatch.setattr(emit, "_DOORS", emit._DOORS.replace("return 1;", "return 2;"))
    try:
        assert len(changed()) == len(texts()) - 5  # losses and search have their own text
        lines = list(difference("HEAD"))
        assert "--- HEAD/gru-float32" in lines and any(
            line.startswith("+            return 2;") for line in lines
        )
    finally:
        emit.source.cache_clear()
