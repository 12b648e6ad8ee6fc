"""The diagrams of a cell as a section: the cell, the network in time, the graph of one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bptt.cells.cell import Cell
from bptt.derive.network import Network
from bptt.derive.normal_form import NormalForm, normal_form
from bptt.explain.diagrams.architectures import Architecture, architecture_diagram, named
from bptt.explain.diagrams.cell_diagram import PRODUCT, cell_diagram, region_diagram
from bptt.explain.diagrams.computational_graph import computational_graph
from bptt.explain.diagrams.diagram import Diagram
from bptt.explain.diagrams.grid_layout import layout
from bptt.explain.diagrams.network_diagrams import folded, unrolled
from bptt.explain.diagrams.regions import alike, regions
from bptt.explain.document import Derivation, Part, Section, Sentence, Stage, listing, say
from bptt.explain.formula_tree import MathName
from bptt.explain.legend import TIME
from bptt.explain.losses import LAYERS
from bptt.explain.notation import Notation
from bptt.explain.text import INDENT


def with_diagrams(
    document: Derivation, cells: tuple[Cell, ...], architecture: Architecture | None = None
) -> Derivation:
    """Add the section of the diagrams of these cells, with the architecture of their model if it is given."""
    model: tuple[Part, ...] = ()
    if architecture is not None:
        model = (
            say("The model, from its inputs at the bottom to its answers at the top:"),
            architecture_diagram(architecture),
        )
    different = dict.fromkeys(cells)
    parts = (part for cell in different for part in _parts(cell))
    return document.with_section(Section(Stage.DIAGRAMS, "Diagrams", (*model, *parts)))


def fitting(document: Derivation, width: int, files: str, page: str) -> Derivation:
    """Return the document for a terminal of `width` columns: a sentence replaces each wider diagram.

    `files` and `page` are the options by which the diagrams are written to files or to a page.
    """
    sections = (
        replace(section, parts=tuple(_fitted(part, width, files, page) for part in section.parts))
        for section in document.sections
    )
    return replace(document, sections=tuple(sections))


def _fitted(part: Part, width: int, files: str, page: str) -> Part:
    if not isinstance(part, Diagram):
        return part
    needed = len(INDENT) + layout(part).width + 1
    if needed <= width:
        return part
    return say(
        "[A diagram of {} columns; the terminal has {}. Write the diagrams to files with {}, or to a page"
        " with {}.]",
        str(needed),
        str(width),
        files,
        page,
    )


def architecture_of(network: Network) -> Architecture | None:
    """Return the architecture of a network, None for one that is a single layer."""
    if len(network.layers) == 1 and network.loss is None and not network.embedding:
        return None
    output = LAYERS[network.loss] if network.loss is not None and network.output_layer else ""
    if not network.is_recurrent:
        return Architecture("network", inputs=1, feed_forward=len(network.layers), output=output)
    names = tuple(cell.name for cell in network.layers)
    return Architecture("network", names, embedding=network.embedding, output=output)


def diagrams(cell: Cell) -> Mapping[str, Diagram]:
    """Return all diagrams of a cell, and those of the architectures that have a name, by their names."""
    own = [part for part in _parts(cell) if isinstance(part, Diagram)]
    others = [architecture_diagram(one) for one in named(cell.name).values()] if cell.states else []
    return {diagram.name: diagram for diagram in (*own, *others)}


def _parts(cell: Cell) -> Iterator[Part]:
    form = normal_form(cell)
    yield from _cell(form)
    if cell.states:
        yield say("The network as one box: its states come back one step later.")
        yield folded(cell)
        yield say("Unrolled over {} steps, which share all weights:", MathName("T"))
        yield unrolled(cell)
        yield say(
            "Back-propagation through time: what flows back along a dashed arrow is written in the box that"
            " it leaves, or below it."
        )
        yield unrolled(cell, backward=True)
    yield say(
        "The computational graph of the forward equations. The dashed arrows lead back; each carries what is"
        " written above its beginning, and where arrows join, the derivatives are added."
    )
    yield computational_graph(form, _index(form))


def _cell(form: NormalForm) -> Iterator[Part]:
    """Yield the diagram of the cell, and those of its parts."""
    yield from _captions(form)
    yield cell_diagram(form, _index(form))
    notation = Notation(form, _index(form))
    for first, *others in alike(form.cell, regions(form.cell)):
        result = notation.name(first.result)
        if others:
            same = listing(say("{}", notation.name(region.result)) for region in others)
            yield say("The part that computes {}; those of {} have the same form:", result, same)
        else:
            yield say("The part that computes {}:", result)
        yield region_diagram(form, _index(form), first)


def _captions(form: NormalForm) -> Iterator[Sentence]:
    if form.cell.states:
        yield say(
            "The cell: the states come in at the left and leave at the right, the input comes in from below,"
            " the output leaves at the top."
        )
    else:
        yield say("The layer: the input comes in from below, the output leaves at the top.")
    yield say(
        "A box shows its operation and its value. The letters above an arrowhead are the factor of what comes"
        " in there; letters without an arrow are added, or multiplied where the operation is {}.",
        PRODUCT,
    )


def _index(form: NormalForm) -> str:
    return TIME if form.cell.states else ""
