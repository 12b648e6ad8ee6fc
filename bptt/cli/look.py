"""`bptt look`: one unit of a model step by step over a text: its gates, states, and what it makes likely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bptt.cli.commands import make_command
from bptt.cli.inspect import measure_of, score_of
from bptt.cli.language import note
from bptt.cli.next import likeliest
from bptt.cli.tables import TableColumn, numbers, print_table, shades, token_name
from bptt.errors import InputError
from bptt.languages.phrase import phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bptt.cells.cell import Cell
    from bptt.jobs.job import Job
    from bptt.jobs.look_commands import LookOptions
    from bptt.nn.exposure import Exposure, Part, RankedAnswers
    from bptt.options.choices import Choices
    from bptt.probe.layer_values import LayerValues
    from bptt.probe.unit_steps import UnitSteps
    from bptt.probe.units import UnitScore
    from bptt.report.steps_figure import Strip

    _Place: TypeAlias = tuple[Part, LayerValues]

TITLE = "Print gates, states and probabilities step by step over a text."
# Examples, and steps of each, of the held-out text on which the unit that follows a property is found.
EXAMPLES, STEPS = 30, 200
# Numbers of an embedding that are printed.
FIRST = 5


def command() -> Any:
    """Return the command."""
    from bptt.jobs.look_commands import LOOK

    about = (
        "A row for each token: the gates and states of one unit after it, by the names of the cell's "
        "equations, then the right answer with its probability, and the likeliest answers. The answer of a "
        "language model is the next token."
    )
    return make_command("look", LOOK, _look, TITLE, about)


def _look(choices: Choices) -> None:
    from bptt.cli.machine import prepare
    from bptt.jobs.look_commands import LookOptions

    asked = choices.make(LookOptions)
    if (asked.text is None) == (asked.word is None):
        raise InputError("bptt look", "takes a text, or --word")
    prepare()
    if asked.word is not None:
        _show_word(asked)
        return
    from bptt.jobs.loading import load
    from bptt.jobs.registry import job_of_run
    from bptt.probe.unit_steps import unit_steps

    job = job_of_run(asked.run)
    trained = load(asked.run, asked.device)
    exposure = _expose(job, trained, asked)
    (part, layer), unit, reason = _choose(job, trained, exposure, asked)
    shown = unit_steps(layer, unit)
    if asked.notation == "texts":
        shown, reason = _in_texts(shown, reason, part.stack.cell)
    said = phrase(": its {} {}", reason.state, reason.words) if reason else ""
    note(phrase("{}, unit {} of {}{}", shown.layer, str(unit), str(shown.units), said), asked.lang)
    tokens = exposure.sequences[part.sequence].tokens
    expected = _expected(exposure, len(tokens), asked.top) if part.sequence == exposure.of else []
    print_table(_table(exposure, tokens, shown, expected), max(0, _width(expected) - 1), asked.lang)
    if len(tokens) == asked.limit:
        note(phrase("the first {} steps; {} shows more", f"{asked.limit:,}", "--limit"), asked.lang)
    if asked.figures is not None:
        strips = _strips(shown, expected, exposure.predicted)
        for path in _draw(asked.run, [token_name(token) for token in tokens], strips, shown, asked.figures):
            note(phrase("picture: {}", str(path)), asked.lang)


def _expose(job: Job[Any], trained: Any, asked: LookOptions) -> Exposure:
    """Return the text as the model reads it. Raises InputError if it is empty or cannot be read."""
    from bptt.cli.sources import source_of
    from bptt.jobs.job import Stretch

    assert asked.text is not None
    source = source_of(asked.text, asked.encoding)
    if not isinstance(source, Path) and not source.text.strip():
        cure = "`bptt next RUN ''` prints the likeliest first tokens"
        raise InputError("text", "must hold something to look at", repr(asked.text), cure)
    if isinstance(source, Path) or "\n" in source.text.strip():
        note(phrase("example {} of the text; {} shows another", str(asked.number), "--number"), asked.lang)
    (found,) = job.expose(trained, Stretch(source, False, asked.limit, asked.number, 1, alone=True))
    return found


@dataclass(frozen=True)
class _Reason:
    """The state by which a unit was chosen, and what the state does."""

    state: str
    words: str


def _choose(
    job: Job[Any], trained: Any, exposure: Exposure, asked: LookOptions
) -> tuple[_Place, int, _Reason | None]:
    """Return the layer and the unit to show, and the reason; None for a unit that is named."""
    from bptt.probe.example_values import values_of
    from bptt.probe.unit_steps import find_layers, most_moving_unit

    among = find_layers(values_of([exposure]), asked.part, asked.layer, asked.reverse)
    if asked.property is not None and asked.unit is None:
        found, reason = _following(job, trained, exposure, asked)
        return next(place for place in among if place[1].name == found.layer), found.unit, reason
    part, last = among[-1]
    # The forward direction, if there are two, comes first.
    place = next(each for each in among if each[0] is part and each[1].layer == last.layer)
    if asked.unit is not None:
        return place, asked.unit, None
    state, unit = most_moving_unit(place[1])
    return (
        place,
        unit,
        _Reason(state, phrase("moves most over the text; {} and {} choose another", "--unit", "--property")),
    )


def _following(
    job: Job[Any], trained: Any, exposure: Exposure, asked: LookOptions
) -> tuple[UnitScore, _Reason]:
    """Return the unit whose state follows the property best in the held-out text, or in the text itself."""
    from bptt.data.readers.forms import document_of
    from bptt.jobs.job import Stretch
    from bptt.probe.example_values import rank_properties, values_of
    from bptt.probe.properties import find_property
    from bptt.probe.unit_steps import find_layers, states_of

    property_ = find_property(asked.property or "")
    texts = {phrase("the text"): [exposure]}
    if job.held_out is not None and document_of(job.held_out(asked.run)).text:
        stretch = Stretch(job.held_out(asked.run), False, STEPS, 0, EXAMPLES)
        texts = {phrase("the held-out text"): job.expose(trained, stretch), **texts}
    for name, subjects in texts.items():
        among = find_layers(values_of(subjects), asked.part, asked.layer, asked.reverse)
        layers = [(part.sequence, states_of(layer)) for part, layer in among]
        best = [ranking.units[0] for _, ranking in rank_properties(subjects, layers, [property_])]
        if best:
            found = max(best, key=lambda unit: unit.strength)
            measure, score = measure_of(property_), score_of(property_, found)
            words = phrase("follows {} best in {}, {} {}", property_.name, name, measure, score)
            return found, _Reason(found.value, words)
    cure = "Choose a property that some tokens have and others have not"
    raise InputError("property", "must differ between steps", f"{property_.name}: the same at all", cure)


def _in_texts(shown: UnitSteps, reason: _Reason | None, cell: Cell) -> tuple[UnitSteps, _Reason | None]:
    """Return values and reason by the names of the texts; a gate whose opposite is theirs is one minus ours.

    Raises InputError for a cell that has no names there.
    """
    from bptt.explain.cells_of_texts import text_names

    names = text_names(cell)
    if names is None:
        raise InputError("notation", "is for the cells of the catalogue", cell.name, "Leave it out")
    values = (
        replace(
            value,
            name=names.value(value.name),
            numbers=tuple(1 - n for n in value.numbers) if value.name in names.opposite else value.numbers,
        )
        for value in shown.values
    )
    renamed = None if reason is None else replace(reason, state=names.value(reason.state))
    return replace(shown, values=tuple(values)), renamed


def _expected(exposure: Exposure, steps: int, top: int) -> list[RankedAnswers | None]:
    """Return the likeliest answers at each step; the last steps have those of the loss terms."""
    if exposure.predict is None:
        return []
    found = exposure.predict(top)
    return [*[None] * (steps - len(found)), *found]


def _width(expected: Sequence[RankedAnswers | None]) -> int:
    """Return the number of answers at each step."""
    return max((len(each.answers) for each in expected if each), default=0)


def _table(
    exposure: Exposure, tokens: Sequence[str], shown: UnitSteps, expected: Sequence[RankedAnswers | None]
) -> list[TableColumn]:
    table = [
        TableColumn(phrase("step"), [str(step) for step in range(len(tokens))], number=True),
        TableColumn(phrase("token"), [token_name(token) for token in tokens]),
        *(numbers(v.name, v.numbers, shades(v.numbers, v.kind == "gate")) for v in shown.values),
    ]
    if not expected:
        return table
    targets = [*[""] * (len(tokens) - len(exposure.targets)), *map(token_name, exposure.targets)]
    own = numbers("P", [each.probability if each else None for each in expected])
    return [*table, TableColumn(phrase(exposure.predicted), targets), own, *likeliest(expected)]


def _strips(shown: UnitSteps, expected: Sequence[RankedAnswers | None], predicted: str) -> list[Strip]:
    """Return gates and states, and P of the right answer, as they are drawn."""
    from bptt.report.steps_figure import Strip

    strips = [Strip(value.name, value.kind, value.numbers) for value in shown.values]
    own = tuple(each.probability if each else None for each in expected)
    return [*strips, Strip(f"P({predicted})", "share", own)] if expected else strips


def _draw(
    run: Path, tokens: Sequence[str], strips: Sequence[Strip], shown: UnitSteps, folder: Path
) -> Iterator[Path]:
    """Draw the table into the folder, and yield each picture."""
    from bptt.files import make_folder
    from bptt.jobs.older import older_names
    from bptt.report import read_title
    from bptt.report.inspection_figures import FORMATS
    from bptt.report.steps_figure import draw_steps

    make_folder(folder)
    headline, title = f"{shown.layer}, unit {shown.unit}", read_title(run, older_names)
    for form in FORMATS:
        path = folder / f"{shown.layer} unit {shown.unit}.{form}".replace(" ", "_")
        draw_steps(tokens, strips, headline, title, path)
        yield path


def _show_word(asked: LookOptions) -> None:
    """Print a row for each token of the word."""
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.language.one_hot import read_tokens

    trained = load_language_model(asked.run, asked.device)
    found = read_tokens(trained, asked.word or "")
    unknown = sum(not token.known for token in found)
    if unknown:
        counts = str(unknown), str(len(found))
        note(phrase("word: {} of its {} tokens are <unk>, the model does not know them", *counts), asked.lang)
    table = [
        TableColumn(phrase("token"), [token_name(each.token) for each in found]),
        TableColumn(phrase("number"), [str(each.number) for each in found], number=True),
        TableColumn(phrase("vocabulary"), [str(each.size) for each in found], number=True),
        TableColumn(phrase("one-hot"), [each.one_hot for each in found]),
    ]
    rows = [each.embedding for each in found if each.embedding is not None]
    if rows:
        table.append(TableColumn(phrase("embedding"), [_first(row) for row in rows]))
    print_table(table, asked=asked.lang)


def _first(row: Sequence[float]) -> str:
    """Write the first numbers of a row of the embedding, and how many there are."""
    more = f" … ({len(row):,} numbers)" if len(row) > FIRST else ""
    return f"({' '.join(f'{number:.3f}' for number in row[:FIRST])}{more})"
