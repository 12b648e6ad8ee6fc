"""`bptt inspect`: gates, states and the gradient through time of a trained model, on a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bptt.errors import InputError, printable

if TYPE_CHECKING:
    from bptt.data.readers.forms import Source
    from bptt.jobs.loading import AnyTrained
    from bptt.probe.look import Look
    from bptt.probe.properties import Property
    from bptt.probe.units import UnitScore

PAGE = "report.html"
_TEXT = "Text, or a file of it, each line an example. Default: the held-out text of a language model."
_PROPERTY = "Property that units may follow: a name or a regular expression; may be repeated."


def inspect(
    run: Annotated[Path, typer.Argument(help="Run folder written by `bptt train`.")],
    text: Annotated[str | None, typer.Option(help=_TEXT)] = None,
    data: Annotated[
        Path | None, typer.Option(help="Labelled examples, in the format that was learned.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="Target file of --data: its line n is the target of example n.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help=f"Page to write. Default: {PAGE} in the run folder, if that is yours."
        ),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for all pictures, each as PNG and SVG.")
    ] = None,
    number: Annotated[
        int, typer.Option(help="The first example, or token of a text that is read as one; from 0.")
    ] = 0,
    examples: Annotated[int, typer.Option(help="Number of examples, or of stretches of a text.")] = 10,
    limit: Annotated[int, typer.Option(help="Largest number of steps of each.")] = 200,
    lags: Annotated[int, typer.Option(help="Steps that the gradient is followed back.")] = 100,
    losses: Annotated[
        int,
        typer.Option(help="Largest number of losses of each example that are followed back, evenly spaced."),
    ] = 200,
    property: Annotated[list[str] | None, typer.Option(help=_PROPERTY)] = None,
) -> None:
    """Look into a model: a verdict here, the rest on a page.

    δ is the gradient of all sums of a step, h and c those of the states that it hands on; lags are steps back
    from a loss. Everything is counted from 0.
    """
    from bptt.cli.machine import prepare

    prepare()
    from bptt import report
    from bptt.cli.progress import stages
    from bptt.files import check_output
    from bptt.inspection import inspection_of, show
    from bptt.jobs.expose import expose_all
    from bptt.jobs.loading import load
    from bptt.jobs.older import older_names
    from bptt.probe.look import look
    from bptt.probe.properties import PROPERTIES, find_property

    trained = load(run)
    page = out or _usual_page(run)
    check_output(page)
    source, labelled = _source(run, trained, text, data)
    exposures = expose_all(
        trained,
        source,
        labelled=labelled,
        limit=limit,
        count=examples,
        number=number,
        target=target,
    )
    asked = [find_property(said) for said in property or ()]
    with stages() as progress:
        properties = list(dict.fromkeys([*asked, *PROPERTIES]))
        found = look(exposures, lags, properties, losses, progress)
    inspection = inspection_of(found, exposures, report.read_title(run, older_names))
    show(inspection, page, figures)
    if figures is not None:
        report.draw_training(report.read_training(run, older_names), figures / "training.png")
    said: set[str] = set()
    for finding in found.findings:
        print(f"{finding.level}: {finding.headline}\n  {finding.evidence}")
        # What helps one layer helps the next.
        if finding.advice and finding.advice not in said:
            said.add(finding.advice)
            print(f"  try: {finding.advice}")
    for curve in found.flow.curves:
        print(printable(curve.sentence))
    for each in asked:
        print(printable(_followed(each, found)))
    print(printable(f"page: {page}"))
    if figures is not None:
        print(printable(f"pictures: {figures}"))


def _usual_page(run: Path) -> Path:
    """The page in the run folder; in the current folder if the run is somebody else's."""
    from bptt.files import belongs_to_us

    return (run if belongs_to_us(run) else Path()) / PAGE


def _followed(asked: Property, found: Look) -> str:
    """A property that was asked for, and the unit that follows it best."""
    rankings = [ranking for property_, ranking in found.rankings if property_ == asked]
    if not rankings:
        return f"property {asked.name}: the same at every step, so that no unit can follow it"
    best = (ranking.units[0] for ranking in rankings if ranking.units)
    scores = (f"{unit.layer} {unit.value}, unit {unit.unit}: {_score(asked, unit)}" for unit in best)
    measure = "area under the curve" if asked.measure == "inside" else "correlation of ranks"
    return f"property {asked.name}, {measure}: {'; '.join(scores)}"


def _score(asked: Property, unit: UnitScore) -> str:
    """An area below one half is that of a unit that is low inside, which tells as much."""
    if asked.measure != "inside":
        return f"{unit.score:.2f}"
    return f"{unit.strength:.2f}{', inverse (low inside)' if unit.inverse else ''}"


def _source(run: Path, trained: AnyTrained, text: str | None, data: Path | None) -> tuple[Source, bool]:
    """What is looked at, and whether it comes with what is wanted."""
    from bptt.cli.sources import source_of
    from bptt.data.readers.document import Document
    from bptt.jobs.language.model import Trained
    from bptt.runs.run_folder import HELD_OUT, read_held_out

    if text is not None and data is not None:
        raise InputError("bptt inspect", "takes --text or --data, not both")
    if data is not None:
        return data, True
    if text is not None:
        return source_of(text), False
    if isinstance(trained, Trained):
        return Document(HELD_OUT, read_held_out(run)), False
    raise InputError("bptt inspect", "needs something to look at", "neither", "Give --text or --data FILE")
