"""The scripts of the page without a browser: run by Node.js, compared with Python, numpy and scikit-learn."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bptt.report.payload import Payload, in_decades, in_levels
from bptt.report.standalone import SHARED

Evaluate = Callable[..., Any]
NAMES = "words payload elements scales store pattern matching search".split()
# JSON has no word for what is not finite, and none for arrays of numbers.
SHOWN = """
const shown = (_, value) => ArrayBuffer.isView(value) ? Array.from(value)
  : typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
Promise.resolve((async () => (EXPRESSION))()).then((value) => console.log(JSON.stringify(value, shown)));
"""


@pytest.fixture(scope="module")
def evaluate() -> Evaluate:
    """Evaluate an expression after the scripts; `given` are constants that it names."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js")
    scripts = "\n".join((SHARED / f"{name}.js").read_text(encoding="utf-8") for name in NAMES)

    def run(expression: str, **given: object) -> Any:
        constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
        text = f'"use strict";\n{scripts}\n{constants}{SHOWN.replace("EXPRESSION", expression)}'
        ended = subprocess.run([node, "-"], input=text, capture_output=True, encoding="utf-8", timeout=60)
        assert ended.returncode == 0, ended.stderr[-2000:]
        return json.loads(ended.stdout)

    return run


def test_numbers_come_back_as_they_were_packed(evaluate: Evaluate) -> None:
    numbers, payload = np.array([1.5, -0.0, np.nan, np.inf, 1e-300]), Payload()
    page = {
        "small": payload.store("u8", np.array([7])),  # an odd byte before the others
        "norms": payload.norms(numbers),
        "steps": payload.steps([3, -4]),
        "floats": payload.floats(numbers[:2]),
        "words": "猫 </script>",
    }
    found = evaluate("readPayload(letters)", letters=payload.text(page))
    assert found.pop("small") == [7] and found.pop("steps") == [3, -4] and found.pop("words") == page["words"]
    assert found.pop("norms") == [1.5, 0, "NaN", "Infinity", 1e-300] and found == {"floats": [1.5, 0]}


@pytest.mark.parametrize("keep", [0, 8, 40])
def test_a_payload_that_is_cut_is_refused(evaluate: Evaluate, keep: int) -> None:
    payload = Payload()
    letters = payload.text({"numbers": payload.floats(np.arange(99.0))})[:keep]
    said = evaluate(
        "readPayload(letters).then(() => 'read', (error) => `refused: ${error.name}`)", letters=letters
    )
    assert said.startswith("refused: ")


def test_levels_and_decades_are_read_as_they_were_written(evaluate: Evaluate) -> None:
    numbers = np.random.default_rng(0).normal(size=(2, 50))
    numbers[0, 3] = np.nan
    levels, low, high = in_levels(numbers)
    value = {"units": [4, 9], "levels": levels.ravel().tolist(), "low": low.tolist(), "high": high.tolist()}
    found = evaluate("seriesOf({ ...value, levels: Uint8Array.from(value.levels) }, 4)", value=value)
    assert found[3] == "NaN"
    # Half a level, and half a unit of the last digit shown, which is no larger than a level.
    limit = float(np.ptp(numbers[0][~np.isnan(numbers[0])]) / 254)
    known = [step for step in range(50) if step != 3]
    assert np.abs(np.array([found[step] for step in known]) - numbers[0][known]).max() <= limit
    assert evaluate("seriesOf({ ...value, levels: Uint8Array.from(value.levels) }, 5)", value=value) is None
    norms = np.array([[1e-200, 0, np.nan], [3.0, 7e150, 1]])
    decades, least, most = in_decades(norms)
    map_ = {"columns": [0, 1, 2], "levels": decades.ravel().tolist(), "low": least, "high": most}
    back = evaluate("[0, 1].map((row) => [0, 1, 2].map((column) => normAt(map, row, column)))", map=map_)
    assert (back[0][1], back[0][2]) == (0, "NaN")
    # Half a level of 351 decades in 65,533.
    assert np.array(back[1]) == pytest.approx(norms[1], rel=351 / 65533 * np.log(10))


@pytest.mark.parametrize(
    "pattern",
    [
        "a+",
        r"\w+",
        "^.",
        "(b)a",
        r"[\d_]",
        r"(?P<x>ab)|c",
        "(?i)B",
        "a|",
        "^a|c$",
        "[^a]",
        r"a\b",
        r"\b.",
        r"\Bc\B",
        r"\W[\w]\D",
        "(?s)b.",
        "猫.",
    ],
)
def test_patterns_mark_what_those_of_python_do(evaluate: Evaluate, pattern: str) -> None:
    draw = np.random.default_rng(1)
    texts = ["".join(draw.choice(list("abcB1_ \n猫é"), draw.integers(0, 4))) for _ in range(200)]
    touched = np.zeros(sum(map(len, texts)), bool)
    for match in re.compile(pattern, re.MULTILINE).finditer("".join(texts)):
        for group in range(1, match.re.groups + 1) if match.re.groups else [0]:
            start, end = match.span(group)
            touched[max(start, 0) : max(end, 0)] = True
    ends = np.cumsum([len(text) for text in texts])
    wanted = [int(touched[end - len(text) : end].any()) for end, text in zip(ends, texts, strict=True)]
    assert 0 < sum(wanted) < len(wanted)
    assert evaluate("insideOf(texts, pattern)", texts=texts, pattern=pattern) == wanted


def test_a_worker_needs_nothing_but_its_text(evaluate: Evaluate) -> None:
    run = """(() => {
      const said = [];
      const worker = require("node:vm").createContext({ postMessage: (each) => said.push(each) });
      require("node:vm").runInContext(workerText(), worker);
      for (const pattern of ["b", "("]) worker.onmessage({ data: { texts: [["a", "b"], ["b"]], pattern } });
      return said;
    })()"""
    found, refused = evaluate(run)
    assert found == {"masks": [[0, 1], [1]]}
    assert refused["masks"] is None and refused["said"].startswith("Not a pattern: ")


def test_the_area_under_the_curve_is_that_of_scikit_learn(evaluate: Evaluate) -> None:
    draw = np.random.default_rng(2)
    levels, inside = draw.integers(0, 255, 300), draw.integers(0, 2, 300)
    levels[::7] //= 16  # ties
    found = evaluate(
        "areaUnderCurve(Uint8Array.from(levels), inside)", levels=levels.tolist(), inside=inside.tolist()
    )
    assert found == pytest.approx(roc_auc_score(inside, levels), rel=1e-12)
    assert evaluate("areaUnderCurve(Uint8Array.from([1, 2]), [1, 1])") == "NaN"


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (0.03124, "0.0312"),
        (12.44, "12.4"),
        (-3.214e-7, "−3.21e−7"),
        (None, "–"),
        (99999, "100000"),
        (1e5, "1.00e5"),
    ],
)
def test_numbers_are_shown_with_three_digits(evaluate: Evaluate, number: float | None, word: str) -> None:
    assert evaluate("digits(number)", number=number) == word


def test_tokens_without_a_shape_are_shown(evaluate: Evaluate) -> None:
    tokens = ["", " a\n", "\t", "\x00", "\x1b"]
    assert evaluate("tokens.map(quoted)", tokens=tokens) == ["“∅”", "“␣a↵”", "“⇥”", "“␀”", "“␛”"]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.7, 12.2), (0.001, 0.0042), (5, 5)])
def test_ticks_are_round_and_in_their_place(evaluate: Evaluate, low: float, high: float) -> None:
    ticks, places = evaluate(
        "(({ ticks, place }) => [ticks, ticks.map(place)])(scaleOf([low, high], false, 300))",
        low=low,
        high=high,
    )
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    if high > low:
        assert 2 <= len(ticks) <= 9
        assert places == pytest.approx(np.interp(ticks, [low, high], [0, 300]).tolist(), abs=1e-6)
        step = float(np.diff(ticks).mean())
        assert float(f"{step:.6e}".partition("e")[0]) in (1, 2, 5, 10)


def test_a_line_is_broken_where_there_is_no_number(evaluate: Evaluate) -> None:
    same = "(number) => number"
    assert evaluate(f"linePath([0, 1, 2, 3], [1, NaN, 2, 3], {same}, {same})") == "M0.0 1.0M2.0 2.0L3.0 3.0"


def test_a_watcher_is_called_for_its_keys_alone(evaluate: Evaluate) -> None:
    run = """(() => {
      const [calls, store] = [[], createStore({ a: 1, b: 2 })];
      store.watch(["a"], ({ a, b }) => calls.push([a, b]));
      store.set({ b: 3 });
      store.set({ a: 1 });
      store.set({ a: 4 });
      return calls;
    })()"""
    assert evaluate(run) == [[1, 2], [4, 3]]
