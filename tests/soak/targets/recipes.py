"""Recipes: options in TOML, with other values, other keys, and damaged."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from bptt.jobs.registry import find_options
from bptt.options.recipe import read_recipe, write_recipe
from bptt.training.run_options import options_of
from soak.damage import damage
from soak.target import Target

OPTIONS = options_of(find_options("classify"))
LINES = [
    line for line in write_recipe(OPTIONS, {}, "classify").splitlines() if " =" in line or line[:1] == "["
]
VALUES = (
    "0",
    "-1",
    "1.5",
    "1e400",
    "nan",
    "-inf",
    "true",
    '""',
    '"x\\u0000"',
    "[]",
    "[1, 'a']",
    "{a = 1}",
    "9" * 5000,
)
VALUES = (
    *VALUES,
    "[" * 3000,
    "1979-05-27T07:32:00Z",
    "0x10",
    "'''\n'''",
    '"\\ud83d"',
    "zero",
    '"lstm"',
    "00:00:00",
)


def recipe(random: Random) -> bytes:
    """Lines of a recipe, some with values, and perhaps damaged."""
    lines = []
    for line in LINES:
        name, mark, value = line.removeprefix("# ").partition(" =")
        if mark and random.random() < 0.004:
            value = random.choice(VALUES)
            line = f"{name} = {value}"
        elif mark and value and random.random() < 0.3:
            line = line.removeprefix("# ")
        lines.append(line)
    made = ("\n".join(lines) + "\n").encode()
    return made if random.random() < 0.5 else damage(made, random)


def meet(data: bytes, folder: Path) -> None:
    """Read a recipe; what it gives are options, which can be written again."""
    found = read_recipe(data, "recipe.toml", OPTIONS, "classify")
    again = write_recipe(OPTIONS, found, "classify")
    assert read_recipe(again.encode(), "again.toml", OPTIONS, "classify") == found
    json.dumps(found, default=str)


TARGETS = (Target("recipes", recipe, meet, cost=10),)
