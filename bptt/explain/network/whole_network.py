"""The document of a whole network, and that of cells with the sections that options ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from bptt.cells.cell import Cell
from bptt.derive.adjoint import adjoint
from bptt.derive.network import Network
from bptt.derive.normal_form import normal_form
from bptt.errors import InputError
from bptt.explain.derivation import derivation
from bptt.explain.document import Derivation, Section, Stage
from bptt.explain.legend import TIME
from bptt.explain.network.composition import composition_section
from bptt.explain.network.forward_pass import network_facts, network_section
from bptt.explain.network.loss import loss_section
from bptt.explain.network.output import output_section
from bptt.explain.network.rows import BothForms, rows_section
from bptt.explain.network.stacked import stacked_section
from bptt.explain.network.symbols import NetworkNotation
from bptt.explain.network.through_layers import layers_section, sums_section
from bptt.explain.network.widths import Widths, letter, read_widths
from bptt.explain.network_options import NetworkOptions, network_of
from bptt.explain.notation import Notation
from bptt.explain.sizes import size
from bptt.languages.phrase import phrase

# The sections that only a network has; the last one is that of feed-forward networks.
OF_A_NETWORK = (Stage.NETWORK, Stage.LOSS, Stage.OUTPUT, Stage.LAYERS, Stage.SUMS, Stage.COMPOSITION)


def derive_cells(cells: tuple[Cell, ...], options: NetworkOptions, stage: Stage | None = None) -> Derivation:
    """Return the derivation of a cell alone, or of the network of these cells.

    Raises InputError for a section that the document does not have, and for sizes that do not fit.
    """
    network = network_of(cells, options)
    if len(cells) > 1 or options.asks_for_network:
        document = network_derivation(network, options.widths, options.rows or stage is Stage.ROWS)
    else:
        document = _one_cell(network, options, stage)
    there = [section.stage for section in document.sections]
    if stage is not None and stage not in (*there, *([Stage.KERNEL] if len(cells) == 1 else [])):
        names = ", ".join(each.value for each in there)
        cure = "Sections of a network need `loss`, or several cells" if stage in OF_A_NETWORK else ""
        raise InputError("stage", f"is one of {names} here", stage.value, cure)
    return document


def _one_cell(network: Network, options: NetworkOptions, stage: Stage | None) -> Derivation:
    """Return the derivation of a cell, followed by the sections that options ask for."""
    (cell,) = network.layers
    notation = Notation(normal_form(cell), TIME if cell.states else "")
    document, more = derivation(cell), []
    if options.rows or stage is Stage.ROWS:
        more.append(rows_section([BothForms(notation, size, adjoint(cell).steps, bool(cell.states))]))
    if options.widths or stage is Stage.STACKED:
        sizes = read_widths(NetworkNotation(network), options.widths)
        more += stacked_section([(notation, size, sizes.layers[0] if sizes else None)])
    return replace(document, sections=(*document.sections, *more)).numbered()


def network_derivation(network: Network, widths: tuple[int, ...] = (), rows: bool = False) -> Derivation:
    """Return the whole derivation of a network; with `rows`, the row-major form too.

    `widths` are those from the input up, as numbers. Raises InputError if they do not fit the network.
    """
    notation = NetworkNotation(network)
    names = [cell.name for cell in network.layers]
    names += [phrase(network.loss.value)] if network.loss else []
    title = phrase(", ".join("{}" for _ in names), *names)
    sizes = read_widths(notation, widths)
    sections = (*network_sections(notation, sizes), *_forms(notation, sizes, rows))
    return Derivation(title, tuple(network_facts(notation)), sections).numbered()


def network_sections(notation: NetworkNotation, sizes: Widths | None) -> Iterator[Section]:
    """Yield the sections from the forward equations to the gradients of all parameters."""
    loss = notation.network.loss
    yield network_section(notation, sizes)
    if loss is not None:
        yield loss_section(notation, loss)
        yield output_section(notation, loss)
    yield layers_section(notation)
    yield sums_section(notation)
    if not notation.time:
        yield composition_section(notation, sizes)


def _forms(notation: NetworkNotation, sizes: Widths | None, rows: bool) -> Iterator[Section]:
    """Yield the sections that write the same equations in other forms."""
    letters = [partial(letter, notation, layer) for layer in notation.layers]
    if rows:
        yield rows_section(
            [
                BothForms(layer, size_of, layer.backward, bool(layer.index), str(k))
                for k, (layer, size_of) in enumerate(zip(notation.layers, letters, strict=True), 1)
            ],
            notation,
        )
    counted = sizes.layers if sizes else [None] * len(letters)
    yield from stacked_section(list(zip(notation.layers, letters, counted, strict=True)))
