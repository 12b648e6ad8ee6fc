"""The record of the job `lm`: training, evaluation and inspection."""

from __future__ import annotations

from pathlib import Path

from bptt.cells.load import as_cells, own_layers
from bptt.data.readers.corpus import read_corpus, read_plain
from bptt.data.readers.document import Document
from bptt.data.readers.forms import document_of
from bptt.data.text import Corpus, default_corpus
from bptt.errors import InputError
from bptt.jobs.answers import EvaluationReport
from bptt.jobs.commands import EvaluateOptions
from bptt.jobs.job import Job, Stretch
from bptt.jobs.language.config import LanguageModelConfig, read_language_config
from bptt.jobs.language.evaluation import COUNTED, evaluate_text
from bptt.jobs.language.exposure import expose_all, expose_line
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.model import LanguageModelTask
from bptt.jobs.language.options import OPTIONS, DataOptions, LanguageFiles, ModelOptions
from bptt.jobs.language.pair_report import read_pairs, report_pairs
from bptt.jobs.language.prepared_model import (
    PreparedTask,
    as_prepared,
    evaluate_prepared,
    find_prepared,
    prepared_of_run,
)
from bptt.jobs.language.printing import print_samples, print_scores
from bptt.jobs.language.trained import TrainedLanguageModel, load_trained
from bptt.jobs.reading import refuse_target
from bptt.models.tokens import vocabulary_options
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.origin import Origin
from bptt.runs.run_folder import CONFIG, HELD_OUT, read_held_out


def _begin(choices: Choices, origin: Origin[TrainedLanguageModel] | None) -> LanguageModelTask:
    files = choices.make(LanguageFiles)
    if files.one_hot and choices.has("embedding_size"):
        raise InputError("bptt train lm", "takes `embedding_size` or `one_hot`, not both")
    cells = as_cells(files.cell)
    embedding = 0 if files.one_hot else None
    config = LanguageModelConfig(
        cells,
        choices.make(ModelOptions, embedding_size=embedding, **own_layers(cells)),
        choices.make(DataOptions, seed=choices.get("seed")),
        vocabulary_options(choices),
    )
    goes_on = bool(choices.get("resume")) and (choices.get("output") / CONFIG).exists()
    prepared = find_prepared(files.files)
    if prepared is None and not files.files and goes_on:
        prepared = prepared_of_run(choices.get("output"))
    corpus = Corpus("", ()) if prepared else _corpus(choices, files.files)
    held = None if files.dev is None else read_corpus([files.dev])
    for note in (*corpus.notes, *(held.notes if held else ())):
        choices.say(note)
    if prepared is not None:
        config = as_prepared(config, prepared, choices)
        return PreparedTask(prepared, config, held, origin, files.vectors, goes_on)
    return LanguageModelTask(corpus, config, held, origin, files.vectors, goes_on)


def _corpus(choices: Choices, files: tuple[Path, ...]) -> Corpus:
    """Return the text of the files; without files, Python's language reference.

    Raises InputError if a run to resume was trained on other files.
    """
    if files:
        return read_corpus(list(files))
    found, run = default_corpus(), choices.get("output")
    if choices.get("resume") and (run / CONFIG).exists():
        names = read_language_config(run)[1].names
        if names and names[0].split()[0] != found.names[0].split()[0]:
            rule = "needs the files that the run learns from"
            raise InputError("bptt train lm", rule, "none", f"Name {', '.join(names)}")
    return found


def _evaluate(trained: TrainedLanguageModel, run: Path, choices: Choices) -> EvaluationReport:
    """Evaluate on minimal pairs, sentence by sentence, or on a text, read as in training."""
    data = choices.make(EvaluateOptions).file
    if data is not None:
        prepared = find_prepared((data,))
    else:
        prepared = prepared_of_run(run) if trained.config.data.held_out else None
    if prepared is not None:
        return evaluate_prepared(trained, prepared, choices.make(MemoryOptions))
    if data is not None and (pairs := read_pairs(data)):
        return report_pairs(trained, pairs)
    text, notes = read_plain(data) if data else (read_held_out(run), ())
    metrics = evaluate_text(
        trained.model, trained.vocabulary, trained.config.data, text, choices.make(MemoryOptions)
    )
    return EvaluationReport(metrics, notes=(*notes, COUNTED))


def _expose(trained: TrainedLanguageModel, stretch: Stretch) -> list[Exposure]:
    refuse_target(stretch)
    prepared = find_prepared((stretch.source,)) if isinstance(stretch.source, Path) else None
    text = document_of(stretch.source).text if prepared is None else prepared.excerpt()
    if stretch.alone:
        return [expose_line(trained, text, stretch.number, stretch.limit)]
    return expose_all(trained, text, stretch.number, stretch.limit, stretch.count)


JOB = Job(
    options=OPTIONS,
    begin=_begin,
    configuration=lambda run: read_language_config(run)[0],
    load=load_trained,
    evaluate=_evaluate,
    expose=_expose,
    sample=print_samples,
    score=print_scores,
    held_out=lambda run: Document(HELD_OUT, read_held_out(run)),
    hub_task="text-generation",
    reads_on=True,
)
