"""The imports of `bptt derive`: no torch for cells; for a run nothing of the slow compiler of torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUNS = Path(__file__).parent / "golden" / "runs"


def imported(*arguments: str) -> set[str]:
    """Return the modules that `bptt derive` has imported at its end."""
    code = (
        "import sys; from bptt.cli.main import main\n"
        f"sys.argv = ['bptt', 'derive', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit as ended: assert not ended.code\n"
        "print('MODULES', *sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, _, names = found.stdout.partition("MODULES")
    assert "The gradients of all parameters" in text
    return set(names.split())


def test_a_network_of_cells_needs_no_torch() -> None:
    assert not imported("lstm,gru", "--loss", "softmax") & {"torch", "numpy", "sympy"}


@pytest.mark.parametrize("run", ["lm-word", "classify-text", "tag-crf"])
def test_a_run_needs_no_compiler_of_torch(run: str) -> None:
    names = imported(str(RUNS / run))
    assert "torch" in names
    assert not names & {"torch._dynamo", "torch._inductor", "sympy", "matplotlib"}
