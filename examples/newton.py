"""Newton's method beside Gauss-Newton, L-BFGS and gradient descent, on a network of 21 weights.

Gradient descent knows the slope of the loss. Newton's method knows its curvature too, and steps to the
minimum of the parabola that has both.
"""

import json
import random
import tempfile
from pathlib import Path

import small_data

import bptt

STEPS, SHOWN = 32, (1, 2, 4, 8, 16, 32)
METHODS = {"gradient descent": "sgd", "L-BFGS": "lbfgs", "Gauss-Newton": "gauss-newton", "Newton": "newton"}
OPTIONS = {"feed_forward": (4,), "activation": "tanh", "epochs": STEPS, "held_out": 0.0}
OPTIONS |= {"batch_size": 60, "schedule": "constant", "seed": 3, "progress": False}


def losses(run: Path) -> list[float]:
    """Return the loss before each step, on all 60 rows, from the record of a run."""
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]


with tempfile.TemporaryDirectory() as folder:
    table = small_data.write(Path(folder, "rows.csv"), small_data.rows(random.Random(6), 60))
    print(f"{'loss before step':>17}", *(f"{step:>9}" for step in SHOWN))
    for name, method in METHODS.items():
        rate = {"learning_rate": 0.3} if method == "sgd" else {}
        model = bptt.train("regress", table, Path(folder, method), optimiser=method, **OPTIONS, **rate)
        found = losses(Path(folder, method))
        print(f"{name:>17}", *(f"{found[step - 1]:9.6f}" for step in SHOWN))

errors = []
for line in list(small_data.rows(random.Random(7), 60))[1:]:
    *row, value = map(float, line.split(","))
    errors.append(abs(model.predict([row])[0].values[0] - value))
print(f"\nthe network of Newton's method on 60 new rows: mean error {sum(errors) / len(errors):.3f}")
