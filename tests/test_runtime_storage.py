"""The memory that a mode of storage takes is what its formula says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bptt.cells import CATALOGUE
from bptt.derive.storage import storage

T, B, H = 400, 64, 256
MIB = 1 << 20

# What a process has at most while it trains a layer once, beyond what it has after one short sequence.
_PEAK = """
import sys, torch
from pathlib import Path
from bptt import nn

torch.set_num_threads(1)
T, B, H, mode = *map(int, sys.argv[1:4]), sys.argv[4]
layer = nn.LSTM(8, H)
layer.storage = mode
x = torch.randn(T, B, 8)
layer(x[:1])[1][0].sum().backward()
Path("/proc/self/clear_refs").write_text("5")
status = lambda name: next(int(line.split()[1]) for line in open("/proc/self/status") if name in line)
before = status("VmRSS")
layer(x)[1][0].sum().backward()
print((status("VmHWM") - before) * 1024)
"""


def numbers(mode: str) -> int:
    """The formula, with numbers for its letters."""
    formula = storage(CATALOGUE["lstm"]).formulas[mode].replace("·", "*")
    found = eval(formula, {"T": T, "B": B, "H": H, "S": int(T**0.5)})
    assert isinstance(found, int)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("mode", ["keep", "recompute", "segments"])
def test_the_peak_is_that_of_the_formula(mode: str) -> None:
    """With segments the output of all steps is there too, which is no state that was stored."""
    code = [sys.executable, "-c", _PEAK, *map(str, (T, B, H)), mode]
    done = subprocess.run(code, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    output = T * B * H if mode == "segments" else 0
    # On top: packed weights and gradients, 3 MiB, and the gradient of the sums of a few steps, 4 MiB.
    assert 0 <= int(done.stdout) - 4 * (numbers(mode) + output) <= 12 * MIB
