"""The record of the job `tag`: training, answers, evaluation and inspection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from bptt.cells.load import as_cells, own_layers
from bptt.data.schemes import Scheme
from bptt.deferred import deferred, imported
from bptt.jobs.answers import Asking, EvaluationReport, ScoreTable
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.job import Job, Stretch
from bptt.jobs.reading import needed_data, noted, read_stretch
from bptt.jobs.tag.answering import TaggerAsking
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.exposure import expose
from bptt.jobs.tag.metrics import EntityScores, TagScores
from bptt.jobs.tag.options import SentenceFiles
from bptt.jobs.tag.tag_set import note_rewritten
from bptt.jobs.tag.task import TagTask
from bptt.jobs.tag.trained import TrainedTagger, load_tagger, read_config_of
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.origin import Origin

# scikit-learn comes with it, a second that answers need not wait.
_seqeval_scores = deferred("bptt.jobs.tag.seqeval", "seqeval_scores")


def _has_seqeval() -> bool:
    found: bool = imported("bptt.jobs.tag.seqeval", "INSTALLED")
    return found


def _begin(kind: type[TrainedTagger], choices: Choices, origin: Origin[TrainedTagger] | None) -> TagTask:
    sections = kind.options.train.sections
    files: SentenceFiles = choices.make(sections[""])
    cells = as_cells(files.cell)
    config = TaggerConfig(
        cells,
        choices.make(sections["tags"]),
        choices.make(sections["words"], vector_words=files.known_words),
        choices.make(sections["model"], **own_layers(cells)),
        choices.make(sections["data"], seed=choices.get("seed")),
    )
    said = files.said()
    learned = kind.sentences(files.data, config, said, None)
    # A file beside DATA has the targets of DATA alone.
    of_dev = replace(said, beside=None)
    dev = None if files.dev is None else kind.sentences(files.dev, config, of_dev, None)
    return TagTask(learned, dev, config, files.vectors, origin, kind)


def _evaluate(trained: TrainedTagger, run: Path, choices: Choices) -> EvaluationReport:
    data = needed_data(run, choices.make(EvaluateOptions).file)
    examples = trained.read(data, tagged=True, said=choices.make(ReadingOptions).said())
    rewritten = note_rewritten(examples, trained.tags.scheme)
    notes = noted(data, replace(examples, notes=(*examples.notes, *rewritten)))
    found = trained.evaluate(examples)
    scheme = trained.tags.scheme
    if scheme is None or found.entities is None or not found.entities.types:
        return EvaluationReport(found.metrics, notes=notes)
    if not _has_seqeval():
        notes = (*notes, "scores by seqeval, with its strict mode: pip install 'bptt[metrics]'")
    return EvaluationReport(found.metrics, tuple(_tables(found, found.entities, scheme)), notes)


def _tables(found: TagScores, entities: EntityScores, scheme: Scheme) -> Iterator[ScoreTable]:
    """Yield the scores of entities: by the rule of conlleval, and by both modes of seqeval if installed."""
    both = _seqeval_scores(found.gold, found.found, scheme) if _has_seqeval() else ()
    for each in (entities, *both):
        rows = [
            (kind or "-", *(f"{share:.4f}" for share in score[:3]), score.entities)
            for kind, score in {"all": each.whole, **each.types}.items()
        ]
        header = ("entities", "precision", "recall", "f1", "number")
        yield ScoreTable(header, tuple(rows), f"{scheme.name}, {each.rule}")


def _expose(trained: TrainedTagger, stretch: Stretch) -> list[Exposure]:
    return [expose(trained, row, stretch.limit) for row in read_stretch(trained.read, stretch)]


def tagging_job(
    trained: type[TrainedTagger] = TrainedTagger,
    ask: Callable[[TrainedTagger, Choices], Asking] = TaggerAsking,
) -> Job[TrainedTagger]:
    """Return the job of a class of taggers.

    The class defines names and options, and reads the files; `ask` makes the model answer.
    """
    return Job(
        options=trained.options,
        begin=partial(_begin, trained),
        configuration=lambda run: read_config_of(run, trained),
        load=lambda run: load_tagger(run, trained),
        evaluate=_evaluate,
        expose=_expose,
        ask=ask,
        criterion=lambda trained: trained.config.tags.criterion,
    )


JOB = replace(tagging_job(), hub_task="token-classification")
