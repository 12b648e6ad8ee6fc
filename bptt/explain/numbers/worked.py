"""A small network worked through: numbers are read or drawn, then evaluated before and after an update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from bptt.cells.cell import Cell
from bptt.cells.dense import DENSE
from bptt.derive.evaluate import Vector
from bptt.derive.network import Loss, Network
from bptt.derive.network_pass import NetworkExample, Parameters, Updated, evaluate, update
from bptt.derive.network_shapes import parameter_shapes
from bptt.errors import InputError
from bptt.explain.network_options import NetworkOptions
from bptt.explain.numbers.draw import draw_choices, draw_parameters, draw_rows
from bptt.explain.numbers.nodes import is_plain
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.numbers.reading import NumberSource, read_choices, read_parameters, read_rows

# More would fill screens that nobody follows by hand.
MOST_UNITS, MOST_STEPS, MOST_LAYERS = 12, 8, 6
# Time steps of a recurrent network if no number is given.
STEPS = 3
# The families that are left out without biases: the bias, and that of the recurrent side if apart.
_BIASES = ("b", "d")
# The network of the texts, for dense layers without sizes: two inputs, two hidden nodes, one output, no bias.
_NODES = (2, 2, 1)
_NODE_WEIGHTS: Parameters = {"1": {"W_u": [[0.1, 0.8], [0.4, 0.6]]}, "2": {"W_u": [[0.3, 0.9]]}}
_NODE_INPUTS, _NODE_TARGETS = [0.35, 0.9], [0.5]


@dataclass(frozen=True)
class Sources:
    """The texts of weights, inputs and targets; None: drawn."""

    weights: NumberSource | None = None
    inputs: NumberSource | None = None
    targets: NumberSource | None = None


@dataclass(frozen=True)
class Worked:
    """A network with its widths, evaluated and updated.

    `drawn` lists the kinds of numbers that come from the seed, `files` the files of the others,
    "" for numbers that are options themselves.
    """

    updated: Updated
    widths: tuple[int, ...]
    seed: int
    drawn: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)


def work(
    cells: Sequence[Cell], network: NetworkOptions, wanted: NumbersOptions, sources: Sources | None = None
) -> Worked:
    """Evaluate a network, from the input up of `cells`, on numbers that are read or drawn.

    Raises InputError for sizes beyond those that can be followed by hand, numbers that do not fit, and a
    network whose numbers are not finite.
    """
    sources = sources or Sources()
    plain = _is_feed_forward(cells, network)
    of_texts = tuple(cells) == (DENSE,) and plain and not network.widths and wanted.seed is None
    widths = network.widths or _usual_widths(cells, plain, network.embedding)
    built = _network(cells, widths, network, wanted.bias and not of_texts)
    _check_most("units in a layer", max(widths), MOST_UNITS)
    _check_most("layers", len(built.layers), MOST_LAYERS)
    shapes = parameter_shapes(built, widths)
    seed, drawn, files = wanted.seed or 0, [], {}
    named = (("weights", sources.weights), ("inputs", sources.inputs), ("targets", sources.targets))
    for name, source in named:
        if source is not None:
            files[name] = source.where if source.is_file else ""
        elif not of_texts:
            drawn.append(name)
    if sources.weights:
        parameters = read_parameters(sources.weights, shapes, len(built.layers))
    else:
        parameters = _NODE_WEIGHTS if of_texts else draw_parameters(seed, built, shapes)
    example = _example(built, widths, wanted.steps, seed, sources, of_texts)
    minus = plain if wanted.minus_delta is None else wanted.minus_delta
    rate = wanted.rate if wanted.rate is not None else 1.0 if plain else 0.1
    return Worked(_evaluated(built, parameters, example, minus, rate), widths, seed, tuple(drawn), files)


def _is_feed_forward(cells: Sequence[Cell], wanted: NetworkOptions) -> bool:
    """Return whether layers y = f(W x + b) alone make the network, the last one for its output."""
    return all(map(is_plain, cells)) and wanted.loss in (None, Loss.SQUARED) and not wanted.embedding


def _usual_widths(cells: Sequence[Cell], plain: bool, embedding: bool) -> tuple[int, ...]:
    if plain and len(cells) == 1:
        return _NODES
    return (*((4,) if embedding else ()), 2, *(3 for _ in cells), 2)


def _network(cells: Sequence[Cell], widths: Sequence[int], wanted: NetworkOptions, bias: bool) -> Network:
    """Return the network that cells and widths describe.

    One cell is taken for every hidden layer. Without an output layer there is one width less; a feed-forward
    network with the squared error has its last layer for the output.
    """
    layers = len(widths) - 1 - wanted.embedding
    output = layers > len(cells)
    if len(cells) == 1:
        output = layers > 1 and not _is_feed_forward(cells, wanted)
        cells = tuple(cells) * max(1, layers - output)
    loss = wanted.loss or (Loss.SOFTMAX if output else Loss.SQUARED)
    stack = tuple(cell if bias else cell.without(*_BIASES) for cell in cells)
    return Network(stack, loss, output_layer=output, embedding=wanted.embedding, bias=bias)


def _check_most(what: str, number: int, most: int) -> None:
    """Raise InputError for more of something than can be followed by hand."""
    if number > most:
        rule = f"at most {most} {what} are written out"
        raise InputError("numbers", rule, f"{number}", "Choose a smaller network, or name a run folder")


def _example(
    network: Network, widths: Sequence[int], steps: int | None, seed: int, sources: Sources, of_texts: bool
) -> NetworkExample:
    inputs = sources.inputs and _inputs(network, widths, sources.inputs)
    if inputs and steps not in (None, len(inputs)):
        raise InputError("steps", "must be the number of rows of the inputs", f"{steps} and {len(inputs)}")
    length = len(inputs) if inputs else steps or (STEPS if network.is_recurrent else 1)
    _check_most("time steps", length, MOST_STEPS)
    if not inputs:
        inputs = [_NODE_INPUTS] * length if of_texts else _drawn_inputs(network, widths, length, seed)
    targets = _targets(network, widths[-1], length, seed, sources.targets, of_texts)
    if len(targets) != len(inputs):
        rule = "targets must have a row for each step"
        raise InputError("targets", rule, f"{len(targets)} rows for {len(inputs)} steps")
    return NetworkExample(inputs, targets)


def _inputs(network: Network, widths: Sequence[int], source: NumberSource) -> list[Vector]:
    if network.embedding:
        return [_one_hot(token, widths[0]) for token in read_choices(source, widths[0])]
    return read_rows(source, widths[0])


def _drawn_inputs(network: Network, widths: Sequence[int], steps: int, seed: int) -> list[Vector]:
    if network.embedding:
        return [_one_hot(token, widths[0]) for token in draw_choices(seed, "inputs", steps, widths[0])]
    return draw_rows(seed, "inputs", steps, widths[0])


def _targets(
    network: Network, width: int, steps: int, seed: int, source: NumberSource | None, of_texts: bool
) -> list[Vector]:
    """Return the targets as vectors: one-hot for the softmax, 0 or 1 for the logistic function."""
    if network.loss is Loss.SOFTMAX:
        chosen = read_choices(source, width) if source else draw_choices(seed, "targets", steps, width)
        return [_one_hot(each, width) for each in chosen]
    if source:
        rows = read_rows(source, width)
        _check_targets(network, source, rows)
        return rows
    if of_texts:
        return [_NODE_TARGETS] * steps
    if network.loss is Loss.LOGISTIC:
        return [list(map(float, draw_choices(seed, f"targets {step}", width, 2))) for step in range(steps)]
    # The values of a sigmoid layer lie between 0 and 1.
    return [[abs(number) for number in row] for row in draw_rows(seed, "targets", steps, width)]


def _check_targets(network: Network, source: NumberSource, rows: Sequence[Vector]) -> None:
    for step, row in enumerate(rows, 1):
        if network.loss is Loss.LOGISTIC and not {*row} <= {0.0, 1.0}:
            rule = "the logistic loss needs targets 0 or 1"
            raise InputError(f"{source.where}, step {step}", rule, ", ".join(f"{n:g}" for n in row))


def _one_hot(index: int, width: int) -> Vector:
    return [float(each == index) for each in range(width)]


def _evaluated(
    network: Network, parameters: Parameters, example: NetworkExample, minus: bool, rate: float
) -> Updated:
    """Evaluate and update. Raises InputError if a loss is not finite."""
    try:
        updated = update(evaluate(network, parameters, example, -1 if minus else 1), rate)
        finite = isfinite(updated.before.error) and isfinite(updated.after.error)
    except (OverflowError, ZeroDivisionError, ValueError):
        finite = False
    if not finite:
        cure = "Choose smaller weights, inputs or a smaller learning rate"
        raise InputError("numbers", "the loss must be finite, before and after the update", "none", cure)
    return updated
