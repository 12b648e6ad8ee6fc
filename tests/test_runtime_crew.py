"""The threads that share out short jobs: all is done once and in order, whoever takes part."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sanitizers import MEMORY, RACES, build, needs, watch

DRIVER = Path(__file__).parent / "crew_driver.cpp"
# A sanitizer of races does not survive a fork.
FORKING = ("-pthread", "-DFORK")
FLAGS = {"plain": ("-O2", *FORKING), "memory": (*MEMORY, *FORKING), "races": RACES}


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="helpers take part on processors of their own")
@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_rounds_of_a_crew(flags: tuple[str, ...], tmp_path: Path) -> None:
    needs(tmp_path, *flags)
    watch(build(DRIVER, tmp_path, *flags), "0 faults\n")
