"""The pictures of an inspection, as files: what its page shows, for a paper or a slide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from bptt.report.figure_page import BLUE, GREEN, LAYERS, ORANGE, QUIET, page
from bptt.report.inspection_views import (
    Array,
    CurveView,
    Inspection,
    MapView,
    SaturationView,
    SpectrumView,
    UnitView,
)
from bptt.report.pictures_figure import draw_pictures
from bptt.report.text_figure import draw_text
from bptt.report.timeline_figure import draw_timeline

LineStyle: TypeAlias = str | tuple[float, Sequence[float]]

FORMATS = ("png", "svg")
# Values smaller than this share of the largest, or of 1, are not drawn on a logarithmic scale.
SMALLEST_SHARE = 1e-16
SMALLEST_IN_MAP = 1e-12
# Of the quantities of a layer: dots are left to the bound.
_QUANTITIES: Sequence[LineStyle] = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)))
# The distance between the triangles of two gates, in units of their sides.
_NEXT_GATE = 1.3


def draw_all(inspection: Inspection, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Draw every picture that the inspection has numbers for, in each format. Returns the paths in a fixed
    order.

    Raises MachineError if a file cannot be written.
    """
    drawn: list[Path] = []
    for name, draw in _pictures(inspection):
        # Of patterns nothing but signs may be left, and the same of two of them.
        if folder / f"{name}.{formats[0]}" in drawn:
            name = f"{name}_{len(drawn) // len(formats) + 1}"
        for ending in formats:
            path = folder / f"{name}.{ending}"
            draw(path)
            drawn.append(path)
    return drawn


def _pictures(inspection: Inspection) -> Iterator[tuple[str, partial[None]]]:
    title = inspection.title
    for name, hit in _to_colour(inspection):
        layer = next(layer for layer in inspection.layers if layer.name == hit.layer)
        value = next(value for value in layer.values if value.name == hit.value)
        tokens = inspection.sequences[layer.sequence].tokens
        said = _slug(name) or "pattern"
        yield f"text_{said}", partial(draw_text, tokens, layer.name, value, hit.unit, title)
    yield from _of_pictures(inspection)
    if inspection.flows:
        yield "gradient_flow", partial(draw_flow, inspection.flows, title)
    for picture in inspection.maps:
        # More than one sequence may have losses that a layer serves.
        of = f"_of_{_slug(inspection.sequences[picture.of].name)}" if picture.of != picture.sequence else ""
        yield f"map_{_slug(picture.layer)}{of}", partial(draw_map, picture, title)
    if inspection.saturations:
        yield "saturation", partial(draw_saturation, inspection.saturations, title)
    for spectrum in inspection.spectra:
        yield f"singular_values_{_slug(spectrum.layer)}", partial(draw_singular_values, spectrum, title)
        yield f"lyapunov_{_slug(spectrum.layer)}", partial(draw_exponents, spectrum, title)


def _of_pictures(inspection: Inspection) -> Iterator[tuple[str, partial[None]]]:
    """Return the pictures of each layer whose steps look like something or have a time, over the unit that
    moves most.
    """
    for layer in inspection.layers:
        read = inspection.sequences[layer.sequence]
        if not layer.values or not (read.pictures or read.timelines):
            continue
        unit = int(np.nan_to_num(layer.values[0].numbers).std(0).argmax())
        found = next((each for each in inspection.maps if each.layer == layer.name), None)
        rest = layer, unit, found, inspection.title
        if read.pictures is not None:
            yield f"pictures_{_slug(layer.name)}", partial(draw_pictures, read.pictures, *rest)
        if read.timelines:
            yield f"time_{_slug(layer.name)}", partial(draw_timeline, read.timelines[0], *rest)


def _to_colour(inspection: Inspection) -> Iterator[tuple[str, UnitView]]:
    """Return the best unit of each property; without any, the unit that moves most of the first state."""
    found = [(p.name, p.hits[0]) for p in inspection.properties if p.hits]
    yield from found
    states = (
        (layer, value) for layer in inspection.layers for value in layer.values if value.kind == "state"
    )
    if not found:
        for layer, value in list(states)[:1]:
            unit = int(np.nan_to_num(value.numbers).std(0).argmax())
            yield f"unit_{unit}", UnitView(layer.name, value.name, unit, 0.5)


def _slug(name: str) -> str:
    """Return the part of a file name for a layer, as layer_1_reverse."""
    return re.sub(r"\W+", "_", name.replace("←", "reverse").replace("→", "")).strip("_")


def draw_flow(flows: Sequence[CurveView], title: str, path: Path) -> None:
    """Draw the norm of the gradient by lag: median, middle half, bound (dotted), and a ring at a tenth."""
    layers = list(dict.fromkeys(flow.layer for flow in flows))
    quantities = list(dict.fromkeys(flow.quantity for flow in flows))
    with page(path, "How far back the gradient reaches", title) as axes:
        for flow in flows:
            place, kind = layers.index(flow.layer), quantities.index(flow.quantity)
            # Of a single layer the quantities have the colours.
            alone = len(layers) == 1
            colour = LAYERS[(kind if alone else place) % len(LAYERS)]
            _draw_line(axes, flow, colour, "-" if alone else _QUANTITIES[kind % len(_QUANTITIES)])
        axes.set(xlabel="lag k (time steps back)", ylabel="norm of the gradient")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines["right"].set_visible(False)
        axes.margins(x=0.01)
        _logarithmic(axes, [part for flow in flows for part in (flow.median, flow.upper)])
        axes.legend(loc="best", handlelength=3.2, fontsize=9)
        bound = " dotted: the bound;" if any(flow.bound is not None for flow in flows) else ""
        note = f"median; shaded: middle half;{bound} ring: a tenth left"
        axes.annotate(note, (0, -0.18), xycoords="axes fraction", fontsize=8, color=QUIET)


def _draw_line(axes: Axes, flow: CurveView, colour: str, dash: LineStyle) -> None:
    lags = np.arange(len(flow.median))
    axes.fill_between(lags, flow.lower, flow.upper, color=colour, alpha=0.1, lw=0)
    axes.plot(lags, flow.median, ls=dash, color=colour, label=f"{flow.layer}, {flow.quantity}")
    if flow.bound is not None:
        axes.plot(lags, flow.bound, color=colour, lw=1, ls=(0, (1, 2)))
    if flow.memory is not None:
        axes.plot([flow.memory], [flow.median[flow.memory]], "o", color=colour, ms=8, mfc="white")


def _logarithmic(axes: Axes, shown: Sequence[Array]) -> None:
    """Set a logarithmic scale over the positive values shown, if there are any."""
    numbers = np.concatenate([part[np.isfinite(part) & (part > 0)] for part in shown])
    if numbers.size:
        axes.set_yscale("log")
        lowest = max(numbers.min(), min(numbers.max(), 1) * SMALLEST_SHARE)
        axes.set_ylim(lowest / 2, numbers.max() * 3)


def draw_map(picture: MapView, title: str, path: Path) -> None:
    """Draw a square for each loss step (row) and step of the layer (column); the larger, the brighter."""
    positive = picture.norms[np.isfinite(picture.norms) & (picture.norms > 0)]
    most = positive.max(initial=0) or 1.0
    least = max(positive.min(initial=most), min(most, 1) * SMALLEST_IN_MAP)
    with page(path, f"Every loss and every step, {picture.layer}", title) as axes:
        image = axes.imshow(
            np.ma.masked_less_equal(picture.norms, 0),
            norm=LogNorm(least, most),
            cmap="viridis",
            interpolation="nearest",
        )
        _number(axes.xaxis, picture.steps)
        _number(axes.yaxis, picture.loss_steps)
        axes.set(xlabel="step n", ylabel="loss step m", aspect="auto")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        bar = axes.figure.colorbar(image, ax=axes)
        bar.set_label(r"$\Vert\partial E_m\,/\,\partial net_n\Vert$")
        bar.outline.set_visible(False)


def _number(axis: Axis, steps: Sequence[int]) -> None:
    chosen = sorted({round(share * (len(steps) - 1) / 4) for share in range(5)})
    axis.set_ticks(chosen, labels=[f"{steps[i]:,}" for i in chosen])


def draw_saturation(saturations: Sequence[SaturationView], title: str, path: Path) -> None:
    """Draw for each gate a circle a unit: right, the share of steps at which it is open; up, shut.

    Figure 3 of Karpathy, Johnson & Fei-Fei 2015. Raises MachineError if the file cannot be written.
    """
    gates = list(dict.fromkeys(saturation.gate for saturation in saturations))
    layers = list(dict.fromkeys(saturation.layer for saturation in saturations))
    with page(path, "How often gates are open or shut", title) as axes:
        for i, gate in enumerate(gates):
            left = _NEXT_GATE * i
            axes.plot([left, left, left + 1, left], [1, 0, 0, 1], color=QUIET, lw=0.8)
            axes.annotate(f"gate {gate}", (left + 0.5, 1), ha="center", fontsize=11, parse_math=False)
        for saturation in saturations:
            place = layers.index(saturation.layer)
            start = _NEXT_GATE * gates.index(saturation.gate)
            colour = LAYERS[place % len(LAYERS)]
            # Each layer is named once.
            label = saturation.layer if saturation.gate == gates[0] else None
            axes.scatter(
                start + saturation.right, saturation.left, s=22, color=colour, alpha=0.5, lw=0, label=label
            )
        ends = [_NEXT_GATE * i + end for i in range(len(gates)) for end in (0, 1)]
        axes.set_xticks(ends, ["0", "1"] * len(gates))
        axes.set(xlabel="share of steps open (above 0.9)", ylabel="share of steps shut (below 0.1)")
        axes.set(aspect="equal", xlim=(-0.05, ends[-1] + 0.05), ylim=(-0.03, 1.12))
        axes.spines[["left", "right", "bottom"]].set_visible(False)
        axes.grid(visible=False)
        axes.figure.legend(loc="outside lower left", ncols=len(layers), fontsize=9)


def draw_singular_values(spectrum: SpectrumView, title: str, path: Path) -> None:
    """Draw the largest, the median and the smallest singular value of the Jacobian at each step."""
    values = spectrum.singular_values
    lines = {"largest": values.max(1), "median": np.median(values, axis=1), "smallest": values.min(1)}
    with page(path, f"How far a step stretches and shrinks, {spectrum.layer}", title) as axes:
        for (name, numbers), colour in zip(lines.items(), (BLUE, ORANGE, GREEN), strict=True):
            axes.plot(spectrum.steps, numbers, color=colour, lw=1.2, label=name)
        axes.set(xlabel="step t", ylabel=r"singular value of $\partial s_t\,/\,\partial s_{t-1}$")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines["right"].set_visible(False)
        axes.margins(x=0.01)
        _logarithmic(axes, list(lines.values()))
        axes.legend(loc="best", ncols=3)


def draw_exponents(spectrum: SpectrumView, title: str, path: Path) -> None:
    """Draw the Lyapunov exponents, largest first: above 0 a small change grows."""
    exponents = spectrum.exponents
    with page(path, f"Lyapunov exponents, {spectrum.layer}", title) as axes:
        axes.axhline(0, color=QUIET, lw=1)
        axes.plot(range(1, len(exponents) + 1), exponents, "o-", color=BLUE, ms=3)
        axes.set(xlabel="number of the exponent", ylabel="nats a step")
        axes.spines["right"].set_visible(False)
        axes.margins(x=0.01)
