"""A language model in onnxruntime with weights in 8 bits beside those in float32: one row, one thread.

python benchmarks/eight_bits.py RUN

Both graphs take turns; times are the least of all rounds. The perplexity is that of the run's held-out text.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

import bptt

_ROUNDS = 400
# Steps of a call, and calls of a round.
_CALLS = {1: 20, 64: 2}


def session(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Export a run twice, time both graphs, and print a table."""
    run, folder = Path(sys.argv[1]), Path(tempfile.mkdtemp())
    bptt.export(run, folder / "whole")
    small = bptt.export(run, folder / "small", int8=True)
    paths = {"float32": folder / "whole" / "model.onnx", "8 bits": folder / "small" / "model.onnx"}
    perplexity = dict(zip(paths, small.measured.values(), strict=True))
    sessions = {name: session(path) for name, path in paths.items()}
    shapes = {each.name: each.shape for each in sessions["float32"].get_inputs() if each.name != "tokens"}
    states = {name: np.zeros((shape[0], 1, shape[2]), np.float32) for name, shape in shapes.items()}
    least = {(name, steps): float("inf") for name in paths for steps in _CALLS}
    for _ in range(_ROUNDS):
        for name, found in sessions.items():
            for steps, calls in _CALLS.items():
                given = {"tokens": np.zeros((steps, 1), np.int64), **states}
                begun = time.perf_counter()
                for _ in range(calls):
                    found.run(None, given)
                spent = (time.perf_counter() - begun) / calls * 1e6
                least[name, steps] = min(least[name, steps], spent)
    print(f"{'weights':8} {'bytes':>10} {'one step, µs':>14} {'64 steps, µs':>14} {'perplexity':>11}")
    for name, path in paths.items():
        one, many = (least[name, steps] for steps in _CALLS)
        print(f"{name:8} {path.stat().st_size:10,} {one:14.0f} {many:14.0f} {perplexity[name]:11.4f}")
    ratio = [least["float32", steps] / least["8 bits", steps] for steps in _CALLS]
    size = paths["8 bits"].stat().st_size / paths["float32"].stat().st_size
    print(f"{'ratio':8} {size:10.2f} {ratio[0]:14.1f} {ratio[1]:14.1f}")


if __name__ == "__main__":
    main()
