"""Forecasting: ten years of monthly sales are learned, the next year is predicted, with intervals.

The sales grow, follow the seasons, and are partly chance. A rule made them, so that what came after is known.
"""

import math
import random
import tempfile
from pathlib import Path

import numpy as np
import small_data

import bptt

YEARS, MONTHS = 10, 12
draw = random.Random(0)
sales = [
    100 + month + 20 * math.sin(math.tau * month / MONTHS) + draw.gauss(0, 2)
    for month in range((YEARS + 1) * MONTHS)
]
lines = [f"{2015 + k // MONTHS}-{k % MONTHS + 1:02},{value:.1f}" for k, value in enumerate(sales)]
past, future = lines[: YEARS * MONTHS], np.array(sales[YEARS * MONTHS :])
last_year = sales[-2 * MONTHS : -MONTHS]

with tempfile.TemporaryDirectory() as folder:
    table = small_data.write(Path(folder, "sales.csv"), ["month,sales", *past])
    model = bptt.train(
        "forecast", table, Path(folder, "run"), hidden_size=16, epochs=20, seed=1, progress=False
    )
    (forecast,) = model.predict(model.read(table))

values, low, high = (each[:, 0] for each in (forecast.values, forecast.low, forecast.high))
print("month       sold  forecast  interval")
for k, month in enumerate(forecast.times):
    print(f"{month}  {future[k]:7.1f}  {values[k]:8.1f}  {low[k]:.1f} to {high[k]:.1f}")

inside = sum((low <= future) & (future <= high))
print(f"\n{inside} of 12 months lie inside their interval")
print(
    f"mean error {abs(values - future).mean():.1f}; of last year's sales {abs(last_year - future).mean():.1f}"
)
