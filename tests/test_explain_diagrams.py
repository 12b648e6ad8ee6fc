"""Diagrams: their geometry cell by cell, their arrows against the equations, their texts against files."""

from __future__ import annotations

import random
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from diagram_faults import faults
from diagram_models import MODELS
from diagram_texts import CELLS as DRAWN
from diagram_texts import TEN, changed
from user_cells import CELLS as ODD

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import symbols
from bptt.derive import adjoint, normal_form
from bptt.derive.adjoint import DELTA, FROM_LOSS
from bptt.derive.normal_form import NormalForm
from bptt.explain.diagrams.architectures import architecture_diagram
from bptt.explain.diagrams.boxes import text_drawing
from bptt.explain.diagrams.cell_diagram import cell_diagram, region_diagram
from bptt.explain.diagrams.computational_graph import computational_graph
from bptt.explain.diagrams.diagram import Box, BoxKind, Diagram, label_text
from bptt.explain.diagrams.grid_layout import layout
from bptt.explain.diagrams.placed import Drawing, PlacedBox
from bptt.explain.diagrams.regions import regions
from bptt.explain.diagrams.routing import Piece, tracks
from bptt.explain.diagrams.runs import BASE, LOWERED, RAISED, estimated, runs
from bptt.explain.diagrams.svg import svg, svg_file
from bptt.explain.drawn import diagrams
from bptt.explain.formula_tree import MathName, Raised
from bptt.explain.notation import Notation
from bptt.explain.plain import formula_text

STATES = "abcdefgh"
LINES = frozenset("─│┌┐└┘├┤┬┴┼▲▼◀▶╎ ")


def random_cell(seed: int) -> Cell:
    """A cell of 3 to 12 equations, each of which reads some of what is before it."""
    chance = random.Random(seed)
    states = STATES[: chance.randint(1, 3)]
    known = ["x", *(f"{state}_prev" for state in states)]
    lines = []
    for target in [*(f"v{k}" for k in range(chance.randint(2, 9))), *states]:
        read = chance.sample(known, min(len(known), chance.randint(1, 4)))
        parts = [
            chance.choice(
                [f"W_{target} @ {name}" if name == "x" else f"R{k}_{target} @ {name}", f"{name} * {name}"]
            )
            if name != "x"
            else f"W_{target} @ x"
            for k, name in enumerate(read)
        ]
        body = " + ".join([*parts, *([f"b_{target}"] if chance.random() < 0.5 else [])])
        lines.append(f"{target} = {chance.choice(['sigmoid', 'tanh', ''])}({body})")
        known.append(target)
    return Cell.define(f"random-{seed}", "\n".join(lines), states=" ".join(states))


ALL = {**DRAWN, **ODD, **{f"random {seed}": random_cell(seed) for seed in range(20)}}


def drawings() -> Iterator[tuple[str, Diagram]]:
    for name, cell in ALL.items():
        yield from ((f"{name}: {key}", diagram) for key, diagram in diagrams(cell).items())
    for name, model in MODELS.items():
        yield name, architecture_diagram(model)


def test_nothing_overlaps_and_no_end_is_loose() -> None:
    assert [f"{name}: {fault}" for name, diagram in drawings() for fault in faults(layout(diagram))] == []


def test_the_faults_are_seen() -> None:
    good = layout(cell_diagram(normal_form(CATALOGUE["gru"]), "t"))
    shifted = {box.key: box for box in good.boxes}["r"]
    moved = PlacedBox(shifted.key, shifted.x + 8, shifted.y, shifted.width, shifted.height, shifted.kind)
    boxes = tuple(moved if box is shifted else box for box in good.boxes)
    damaged = Drawing(good.name, good.width, good.height, boxes, good.labels, good.wires)
    assert {fault.split(" ")[0] for fault in faults(damaged)} >= {"boxes", "label"}
    narrow = Drawing(good.name, good.width - 9, good.height, good.boxes, good.labels, good.wires)
    assert any("cut" in fault for fault in faults(narrow))


def reads(form: NormalForm, boxes: dict[str, Box], key: str) -> set[str]:
    """The values with a name that a box reads, through boxes without a name."""
    named = {*form.cell.targets, *form.cell.inputs, *form.previous}
    found: set[str] = set()
    for port in boxes[key].ports:
        if port.source in form.cell.vectors:
            continue
        found |= {port.source} if port.source in named else reads(form, boxes, port.source)
    return found


@pytest.mark.parametrize("name", ALL)
def test_the_arrows_of_a_cell_are_the_uses_in_its_equations(name: str) -> None:
    form = normal_form(ALL[name])
    parts = regions(form.cell)
    hidden = {e.target for region in parts for e in region.equations if e.target != region.result}
    whole = {box.key: box for box in cell_diagram(form, "t").boxes}
    inner = [{box.key: box for box in region_diagram(form, "t", region).boxes} for region in parts]
    for equation in form.cell.equations:
        values = {*form.cell.targets, *form.cell.inputs, *form.previous}
        used = {n for n in symbols(equation.expression) if n in values}
        places = [
            boxes
            for boxes in (*inner, *([] if equation.target in hidden else [whole]))
            if equation.target in boxes
        ]
        own = [
            boxes
            for boxes in places
            if boxes is not whole or not inner or not _in_part(parts, equation.target)
        ]
        assert own and all(reads(form, boxes, equation.target) == used for boxes in own), equation.target
    for region in parts:
        assert reads(form, whole, region.result) == {n for n in region.reads if n in values}


def _in_part(parts: tuple[object, ...], target: str) -> bool:
    return any(target in region.targets for region in parts)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ALL)
def test_what_flows_back_is_what_the_adjoint_adds(name: str) -> None:
    form = normal_form(ALL[name])
    notation = Notation(form, "t" if form.cell.states else "")
    diagram = computational_graph(form, notation.index)
    boxes = {box.key: box for box in diagram.boxes}
    for step in form.steps:
        values = {n for n in step.names if n not in form.cell.vectors and n not in form.cell.constants}
        assert {port.source for port in boxes[step.target].ports} == values
    found = adjoint(form.cell)
    closed = {step.target.removeprefix(DELTA) for step in found.steps}
    for box in diagram.boxes:
        assert all(port.back is not None for port in box.ports) or box.key not in closed
    exits = {edge.source: edge.back for edge in diagram.exits}
    for step in found.steps:
        value = step.target.removeprefix(DELTA)
        flows = [
            p.back for box in diagram.boxes for p in box.ports if p.source == value and p.back is not None
        ]
        flows += [exits[value]] if exits.get(value) else []
        shown = sorted(map(label_text, flows))
        rest = [notation.formula(step.rest)] if notation.right_side(step) else []
        terms = notation.right_side(step)
        simple = len(flows) == len([t for t in terms if not _is_zero_loss(form, t.body)])
        if rest and simple and not any(t.negative for t in terms) and step.width != "1":
            texts = [formula_text(t.body) for t in terms if not _is_zero_loss(form, t.body)]
            assert sorted(text.strip("()") for text in texts) == [text.strip("()") for text in shown], value


def _is_zero_loss(form: NormalForm, body: object) -> bool:
    """Whether a term is the derivative of the loss by a state that it does not read."""
    others = {state for state in form.cell.states if state != form.cell.output}
    notation = Notation(form, "t")
    return any(body == notation.name(FROM_LOSS + state) for state in others)


def test_each_arrow_back_is_beside_one_forward() -> None:
    for name in CATALOGUE:
        form = normal_form(CATALOGUE[name])
        drawing = layout(computational_graph(form, "t"))
        forward = {wire.value for wire in drawing.wires if not wire.backward}
        backward = {wire.value for wire in drawing.wires if wire.backward}
        assert forward == backward
        deltas = [label for label in drawing.labels if label.role.value == "delta"]
        assert len(deltas) == len(form.steps) + len(form.cell.inputs)


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm-layernorm", TEN.name])
def test_lines_of_text_hold_boxes_and_labels_alone(name: str) -> None:
    for diagram in diagrams(DRAWN[name]).values():
        drawing = layout(diagram)
        labels = {(x, y) for one in drawing.labels for y in [one.y] for x in range(one.x, one.x + one.width)}
        lines = text_drawing(drawing)
        for y, line in enumerate(lines):
            assert {c for x, c in enumerate(line) if (x, y) not in labels} <= LINES
        for box in drawing.boxes:
            if box.height:
                assert (lines[box.y][box.x], lines[box.y][box.x + box.width]) == ("┌", "┐")
                right = lines[box.y + box.height][box.x + box.width]
                assert (lines[box.y + box.height][box.x], right) == ("└", "┘")


def test_the_diagrams_are_as_they_were() -> None:
    assert changed() == []


@pytest.mark.parametrize("name", DRAWN)
def test_svg_is_well_formed_and_names_every_value(name: str) -> None:
    form = normal_form(DRAWN[name])
    notation = Notation(form, "t" if form.cell.states else "")
    text = svg_file(layout(computational_graph(form, notation.index)))
    root = ElementTree.fromstring(text.encode())
    written = {"".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")}
    for step in form.steps:
        symbol = notation.names[step.target]
        assert (
            symbol.base + ",".join((*symbol.subscripts, *([symbol.index] if symbol.index else []))) in written
        )
    assert "<style" not in svg(layout(cell_diagram(form, notation.index)), alone=False)


def test_no_label_is_wider_than_its_room_unless_it_is_squeezed() -> None:
    drawing = layout(cell_diagram(normal_form(TEN), "t"))
    root = ElementTree.fromstring(svg(drawing))
    width = float(root.attrib["width"])
    for element in root.iter():
        if element.tag.endswith("}text"):
            size, x = float(element.attrib["font-size"]), float(element.attrib["x"])
            needed = float(element.attrib.get("textLength", estimated("".join(element.itertext())) * size))
            share = {"middle": 0.5, "end": 1.0, "start": 0.0}[element.attrib["text-anchor"]]
            assert x - share * needed >= 0 and x + (1 - share) * needed <= width


def test_an_answer_comes_from_the_last_step_of_each_direction() -> None:
    boxes = {box.key: box for box in architecture_diagram(MODELS["ends"]).boxes}
    forward, backward = ([b for b in boxes.values() if b.layer == layer] for layer in (1, 2))
    output = next(box for box in boxes.values() if box.value == MODELS["ends"].output)
    ends = [max(forward, key=lambda b: b.column or 0), min(backward, key=lambda b: b.column or 0)]
    assert [port.source for port in output.ports] == [box.key for box in ends]


def test_the_time_of_the_texts_is_above_the_line() -> None:
    state = MathName("c\N{COMBINING TILDE}", ("u",), "⟨t−1⟩")
    assert [(run.text, run.height, run.italic) for run in runs(state)] == [
        ("c\N{COMBINING TILDE}", BASE, True),
        ("u", LOWERED, True),
        ("⟨", RAISED, False),
        ("t", RAISED, True),
        ("−1⟩", RAISED, False),
    ]
    # The square is of the whole, not of the time.
    assert "".join(run.text for run in runs(Raised(state, "2"))) == "(c\N{COMBINING TILDE}u⟨t−1⟩)2"
    assert "".join(run.text for run in runs(Raised(state, "T"))) == "c\N{COMBINING TILDE}u⟨t−1⟩⊤"


def test_wires_that_would_have_to_be_below_each_other_are_split() -> None:
    routed = tracks([Piece(0, (4,), (20,)), Piece(1, (20,), (4,))])
    assert {piece.joint for piece, _ in routed} != {None}
    rows = {(piece.net, piece.upper): track for piece, track in routed}
    assert len(rows) == 3


def test_a_large_cell_is_drawn_in_parts() -> None:
    cell = CATALOGUE["lstm-layernorm"]
    assert [region.result for region in regions(cell)] == ["i", "f", "g", "o"]
    assert regions(CATALOGUE["lstm"]) == ()
    shown = [name for name in diagrams(cell) if name.startswith(cell.name)]
    assert shown[:3] == ["lstm-layernorm-cell", "lstm-layernorm-i", "lstm-layernorm-g"]


def test_states_enter_left_and_leave_right_and_the_output_is_at_the_top() -> None:
    drawing = layout(cell_diagram(normal_form(CATALOGUE["lstm"]), "t"))
    places = {
        (label_text(one.label), one.x < drawing.width / 2, one.y == 0): one
        for one in drawing.labels
        if not one.box
    }
    assert {"hₜ₋₁", "cₜ₋₁"} == {text for text, left, _ in places if left}
    assert {"hₜ", "cₜ"} == {text for text, left, _ in places if not left}
    outer = {box.key: box for box in drawing.boxes if box.kind is BoxKind.OUTER}
    assert outer["x"].y == drawing.height - 1
    assert outer["output"].y == 0
