"""Regression: a network reads a Roman numeral letter by letter and says its value, with an interval."""

import random

import bptt

SIGNS = {100: "C", 90: "XC", 50: "L", 40: "XL", 10: "X", 9: "IX", 5: "V", 4: "IV", 1: "I"}


def roman(value: int) -> str:
    """Return a number below 400 as the Romans wrote it."""
    for worth, sign in SIGNS.items():
        if value >= worth:
            return sign + roman(value - worth)
    return ""


values = random.Random(0).sample(range(1, 400), 399)
learned, new = values[:330], values[330:]
model = bptt.SequenceRegressor(
    level="character",
    cell="lstm",
    hidden_size=32,
    num_layers=1,
    dropout=0.0,
    epochs=60,
    batch_size=32,
    learning_rate=0.02,
    held_out=0.1,
    random_state=0,
)
model.fit([roman(value) for value in learned], learned)

numerals = [roman(value) for value in new]
found, (low, high) = model.predict(numerals), model.predict_interval(numerals)
errors = sorted(abs(a - b) for a, b in zip(found, new, strict=True))
inside = sum(a <= b <= c for a, b, c in zip(low, new, high, strict=True))
print(f"numerals that it has never read: half of the errors are below {errors[len(errors) // 2]:.1f}")
print(f"{inside / len(new):.0%} lie within their interval")
for k in range(5):
    print(f"{numerals[k]:>10} = {new[k]:3}, found {found[k]:6.1f}, from {low[k]:6.1f} to {high[k]:6.1f}")
