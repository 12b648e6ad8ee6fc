"""`bptt inspect`: gates, states and the gradient through time of a trained model, on a page."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import print_json
from bptt.cli.commands import make_command
from bptt.cli.language import language
from bptt.cli.spelling import spelled
from bptt.errors import InputError, printable
from bptt.languages.phrase import phrase, table_of, translate, translated_phrases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bptt.data.readers.forms import Source
    from bptt.jobs.job import Job
    from bptt.jobs.look_commands import InspectOptions
    from bptt.options.choices import Choices
    from bptt.probe.look import Look
    from bptt.probe.properties import Property
    from bptt.probe.units import UnitScore

PAGE = "report.html"


TITLE = "Look into a model: a verdict here, the rest on a page."


def command() -> Any:
    """Return the command."""
    from bptt.jobs.look_commands import INSPECT

    about = (
        "δ is the gradient of all sums of a step, h and c those of the states that it passes on; lags are "
        "steps back from a loss. Everything is counted from 0."
    )
    return make_command("inspect", INSPECT, _inspect, TITLE, about)


def _inspect(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    prepare()
    from bptt import report
    from bptt.files import check_output
    from bptt.inspection import inspection_of, show
    from bptt.jobs.inspected import InspectAnswer
    from bptt.jobs.job import Stretch
    from bptt.jobs.loading import load
    from bptt.jobs.look_commands import InspectOptions
    from bptt.jobs.older import older_names
    from bptt.jobs.registry import job_of_run
    from bptt.probe.look import look
    from bptt.probe.properties import PROPERTIES, find_property
    from bptt.training.progress import stages
    from bptt.training.run_options import options_of

    asked = choices.make(InspectOptions)
    job = job_of_run(asked.run)
    trained = load(asked.run, asked.device)
    page = asked.output or _usual_page(asked.run)
    check_output(page)
    source, labelled = _source(job, asked)
    stretch = Stretch(source, labelled, asked.limit, asked.number, asked.examples, asked.target)
    exposures = job.expose(trained, stretch)
    followed = [find_property(said) for said in asked.property]
    with stages() as progress:
        properties = list(dict.fromkeys([*followed, *PROPERTIES]))
        found = look(exposures, asked.lags, properties, asked.losses, progress)
    trained_by = options_of(job.options)
    spoken = language(asked.lang)
    table = table_of(spoken)
    findings = translated_phrases(found.findings, table)
    advised = tuple(replace(each, advice=spelled(each.advice, trained_by)) for each in findings)
    said = replace(found, findings=advised)
    inspection = inspection_of(said, exposures, report.read_title(asked.run, older_names))
    show(inspection, page, asked.figures, spoken)
    if asked.figures is not None:
        report.draw_training(report.read_training(asked.run, older_names), asked.figures / "training.png")
    if asked.json:
        given = source if isinstance(source, Path) else source.text
        tokens = exposures[0].sequences[found.of].tokens
        print_json(InspectAnswer.of(1, str(given), tokens, found))
    else:
        _print_verdict(said, followed, table)
    # A program that reads the JSON expects nothing else on standard output.
    where = sys.stderr if asked.json else sys.stdout
    print(printable(translate(phrase("page: {}", str(page)), table)), file=where)
    if asked.figures is not None:
        print(printable(translate(phrase("pictures: {}", str(asked.figures)), table)), file=where)


def _print_verdict(found: Look, followed: Sequence[Property], table: Callable[[str], str | None]) -> None:
    """Print the findings, the gradient of each layer, and the units that follow the properties asked for."""
    said: set[str] = set()
    for finding in found.findings:
        level = translate(phrase(finding.level), table)
        print(translate(phrase("{}: {}", level, finding.headline), table), f"  {finding.evidence}", sep="\n")
        # Layers often share a finding: its advice is printed once.
        if finding.advice and finding.advice not in said:
            said.add(finding.advice)
            print(translate(phrase("  try: {}", finding.advice), table))
    for curve in found.flow.curves:
        print(printable(translate(curve.sentence, table)))
    for each in followed:
        print(printable(translate(_followed(each, found), table)))


def _usual_page(run: Path) -> Path:
    """Return the default page: in the run folder, or in the current folder if another user owns the run."""
    from bptt.files import belongs_to_us

    return (run if belongs_to_us(run) else Path()) / PAGE


def _followed(asked: Property, found: Look) -> str:
    """Describe a requested property and the units that follow it best."""
    rankings = [ranking for property_, ranking in found.rankings if property_ == asked]
    if not rankings:
        return phrase("property {}: the same at every step, so that no unit can follow it", asked.name)
    best = (ranking.units[0] for ranking in rankings if ranking.units)
    scores = [
        phrase("{} {}, unit {}: {}", unit.layer, unit.value, str(unit.unit), score_of(asked, unit))
        for unit in best
    ]
    listed = phrase("; ".join("{}" for _ in scores), *scores)
    return phrase("property {}, {}: {}", asked.name, measure_of(asked), listed)


def measure_of(asked: Property) -> str:
    """Return the name of the score of units that follow a property."""
    return phrase("area under the curve" if asked.measure == "inside" else "correlation of ranks")


def score_of(asked: Property, unit: UnitScore) -> str:
    """Write a score; an area below one half belongs to a unit that is low inside, and is as informative."""
    if asked.measure != "inside":
        return f"{unit.score:.2f}"
    if not unit.inverse:
        return f"{unit.strength:.2f}"
    return phrase("{}, inverse (low inside)", f"{unit.strength:.2f}")


def _source(job: Job[Any], asked: InspectOptions) -> tuple[Source, bool]:
    """Return the source to inspect, and whether it has targets."""
    from bptt.cli.sources import source_of

    if asked.text is not None and asked.data is not None:
        raise InputError("bptt inspect", "takes --text or --data, not both")
    if asked.data is not None:
        return asked.data, True
    if asked.text is not None:
        return source_of(asked.text, asked.encoding), False
    if job.held_out is not None:
        return job.held_out(asked.run), False
    raise InputError("bptt inspect", "needs data to inspect", "none", "Give --text or --data FILE")
