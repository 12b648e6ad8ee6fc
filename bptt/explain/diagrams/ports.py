"""The order of the ports of each box, so that few wires cross."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bptt.explain.diagrams.diagram import Box, Diagram, Port
from bptt.explain.diagrams.layering import arrange
from bptt.explain.diagrams.nets import nets, shapes
from bptt.explain.diagrams.places import place


def with_sorted_ports(diagram: Diagram) -> Diagram:
    """Order the ports of every box that commutes as their sources lie, so that fewer wires cross."""
    for _ in range(2):
        found = shapes(diagram)
        rows = arrange(diagram, nets(diagram, found))
        passing: dict[tuple[int, str], float] = {}
        centres: dict[str, float] = {}
        for (layer, item), x in place(diagram, rows, found).items():
            if item.box:
                centres[item.box] = x + found[item.box].width / 2
            else:
                passing[layer, rows.nets[item.net].value] = x
        boxes = (_with_sorted_ports(box, passing, centres) for box in diagram.boxes)
        diagram = replace(diagram, boxes=tuple(boxes))
    return diagram


def _with_sorted_ports(
    box: Box, passing: Mapping[tuple[int, str], float], centres: Mapping[str, float]
) -> Box:
    """Order the ports of a box by the columns where their wires come from; those from the left are first."""
    if not box.commutes:
        return box

    def column(port: Port) -> float:
        return passing.get((box.layer - 1, port.source), centres.get(port.source, -1.0))

    return replace(box, ports=tuple(sorted(box.ports, key=column)))
