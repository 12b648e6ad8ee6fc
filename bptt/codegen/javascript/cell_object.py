"""A cell as JavaScript text: an object with its names and widths, and three functions.

`forward` computes all values of some steps, `backward` all δ of some steps, the last one first, and
`gradients` adds what some steps contribute to the gradients of the parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import Expression
from bptt.codegen.javascript.javascript_names import (
    definitions,
    gradient_array,
    identifier,
    parameter_array,
    place_at,
    size,
)
from bptt.codegen.javascript.step_text import StepLine, Steps, written
from bptt.codegen.javascript.value_places import Places
from bptt.codegen.plan import KernelPlan, plan
from bptt.derive.normal_form import EquationStep, normal_form

_FORWARD, _BACKWARD = "t = first; t < last; t += 1", "t = last - 1; t >= first; t -= 1"
_WORD = re.compile(r"[\w$]+")


@cached_by_cell
def javascript(cell: Cell) -> str:
    """Return the object of a cell, an expression of JavaScript.

    It calls the functions of `sums.js` and `functions.js`. Each of its arrays holds a value over time, step t
    from t times its width on, in numbers of any type. Arrays of states and of δ of previous states have one
    step more: the initial state at 0, and after the last step the gradient that comes from beyond it. Raises
    InputError if the cell calls a function of a package that has neither a value nor a text in JavaScript.
    """
    found = plan(cell)
    places = Places(found)
    steps = Steps(found, places)
    functions = [
        ("forward", ("values", "parameters"), _FORWARD, steps.forward()),
        ("backward", ("values", "deltas", "parameters"), _BACKWARD, steps.backward()),
        ("gradients", ("values", "deltas", "parameters", "gradients"), _FORWARD, steps.gradients()),
    ]
    lines = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}," for key, value in _facts(cell, places).items()
    ]
    for name, arguments, loop, body in functions:
        lines += _function(places, name, arguments, loop, body)
    text = "\n".join(["{", *(f"  {line}" for line in lines), "}"])
    added = definitions(_expressions(found))
    return "\n".join(["(() => {", *added, f"return {text};", "})()"]) if added else text


def _facts(cell: Cell, places: Places) -> dict[str, object]:
    """Return what a caller has to know of a cell: names, and the letters of their widths."""
    sums = [s.target for s in normal_form(cell).steps if any(p.vector in cell.inputs for p in s.products)]
    families = {f.name: {"members": f.members, "rows": f.rows, "columns": f.columns} for f in cell.families}
    return {
        "name": cell.name,
        "equations": {equation.target: equation.text for equation in cell.equations},
        "inputs": {name: cell.width(name) for name in cell.inputs},
        "states": cell.states,
        "output": cell.output,
        "inputSums": sums,
        "values": places.values,
        "deltas": {**places.deltas, **places.losses},
        "families": families,
    }


def _expressions(found: KernelPlan) -> Iterator[Expression]:
    yield from (base.rest for base in found.bases)
    yield from (item.rest for item in found.loop if isinstance(item, EquationStep))
    yield from (
        term.coefficient for step in (*found.backward_loop, *found.backward_after) for term in step.terms
    )
    yield from (gradient.expression for gradient in found.vector_gradients)


def _function(
    places: Places, name: str, arguments: Sequence[str], loop: str, body: Iterable[StepLine]
) -> list[str]:
    """Return a method: its arrays by name, then a loop over the steps."""
    text = written(body)
    used = set(_WORD.findall("\n".join(text)))
    families = [family.name for family in places.cell.families]
    arrays = {
        "values": {n: identifier(n) for n in (*places.cell.inputs, *places.values)},
        "deltas": {n: identifier(n) for n in (*places.deltas, *places.losses)},
        "parameters": {n: parameter_array(n) for n in families},
        "gradients": {n: gradient_array(n) for n in families},
    }
    letters = {letter: size(letter) for letter in places.letters}
    offsets = {
        place_at(when, letter): f"{step} * {size(letter)}"
        for letter in letters
        for when, step in (("now", "t"), ("next", "(t + 1)"))
    }
    taken = [at for at in offsets if at in used]
    # The letter of a width is one character.
    used |= {size(at[-1]) for at in taken}
    head = [_taken(letters, "sizes", used), *(_taken(arrays[each], each, used) for each in arguments)]
    return [
        f"{name}(sizes, {', '.join(arguments)}, first, last) {{",
        *(f"  {line}" for line in head if line),
        f"  for (let {loop}) {{",
        *(f"    const {at} = {offsets[at]};" for at in taken),
        *(["    let row = 0;"] if "row" in used else []),
        *(f"    {line}" for line in text),
        "  }",
        "},",
    ]


def _taken(names: Mapping[str, str], source: str, used: set[str]) -> str:
    """Return the line that takes what is used out of an object."""
    pairs = [(name, variable) for name, variable in names.items() if variable in used]
    parts = [n if n == v else f"{json.dumps(n, ensure_ascii=False)}: {v}" for n, v in pairs]
    return f"const {{ {', '.join(parts)} }} = {source};" if parts else ""
