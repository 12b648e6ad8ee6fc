"""What the tests of additions from outside need."""

from __future__ import annotations

from pathlib import Path

import pytest
from distributions import Installed


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """A place to install packages into."""
    return Installed(tmp_path / "site")
