"""The evaluation of a transcriber: error rates of the likeliest symbols and of the search, by speaker too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bptt.data.error_rates import ErrorUnit
from bptt.data.names import kept_in, names_to_bytes, read_names
from bptt.data.scripts import scripts_of
from bptt.errors import InputError
from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.ensembling import refuse_ensemble
from bptt.jobs.reading import needed_data, noted
from bptt.jobs.transcribe.metrics import ErrorScores, sclite_table, score, speaker_table, worst_utterances
from bptt.jobs.transcribe.options import TranscribeEvaluationOptions
from bptt.jobs.transcribe.search_tuning import tune_search
from bptt.jobs.transcribe.searching import SpeechSearch
from bptt.jobs.transcribe.spoken_texts import Recordings, note_unknown
from bptt.jobs.transcribe.symbol_paths import BLANK
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.options.choices import Choices
from bptt.runs.run_folder import write_bytes

# The recordings that a training held out, by what `Examples.keys` says of them.
HELD_OUT = "held_out"
# The utterances with the most errors that an evaluation shows.
_WORST = 5


def write_held_out(run: Path, examples: Recordings) -> None:
    """Write which recordings were held out, so that a search can be tuned on them alone."""
    write_bytes(run / f"{HELD_OUT}.json", names_to_bytes(list(dict.fromkeys(_keys(examples)))))


def evaluate(trained: TrainedTranscriber, run: Path, choices: Choices) -> EvaluationReport:
    """Measure the loss on what was said, and the errors of the likeliest symbols and of the search."""
    asked = choices.make(TranscribeEvaluationOptions)
    data, said = needed_data(run, choices.make(EvaluateOptions).file), choices.make(ReadingOptions).said()
    examples = trained.read(data, labelled=True, said=said)
    search = SpeechSearch(trained.vocabulary, BLANK, asked)
    unit = asked.error_unit or usual_unit(examples.targets)
    notes = [*noted(data, examples), *search.notes]
    if trained.vocabulary.options.level == "character":
        notes += note_unknown(examples.targets, trained.vocabulary.tokens, str(data))
    if asked.tune is not None:
        notes += _tune(trained, run, search, asked, unit)
    texts, metrics = trained.judge(examples)
    found = {"greedy": texts}
    if search.has_beam:
        lists = trained.search(examples.inputs, search, places=examples.places)
        name = f"beam {asked.beam_width}{' with lm' if asked.lm else ''}"
        found[name] = [each[0].text for each in lists]
    tables = tuple(_tables(examples, found, unit))
    return EvaluationReport(metrics, tables, tuple(notes))


def usual_unit(texts: Sequence[str]) -> ErrorUnit:
    """Return the unit in which errors are counted: characters where words have no spaces between them."""
    return "character" if scripts_of(texts).is_spaceless else "word"


def _tables(examples: Recordings, found: dict[str, list[str]], unit: ErrorUnit) -> Iterator[ScoreTable]:
    """Yield the errors by speaker, if speakers are named, and of all: of each search, and both units."""
    units: tuple[ErrorUnit, ...] = ("word", "character") if unit == "word" else ("character", "word")
    scores: dict[str, ErrorScores] = {}
    for each in units:
        for name, texts in found.items():
            scores[f"{name}, {each}s"] = score(examples.targets, texts, each)
    last, texts = list(found.items())[-1]
    best = scores[f"{last}, {unit}s"]
    by_speaker = speaker_table(best, [row.group for row in examples.rows])
    if by_speaker is not None:
        yield replace(by_speaker, title=f"{unit}s by speaker, {last}")
    names = [row.name or row.place for row in examples.rows]
    yield sclite_table(scores, worst_utterances(best, examples.targets, texts, names, _WORST))


def _tune(
    trained: TrainedTranscriber,
    run: Path,
    search: SpeechSearch,
    asked: TranscribeEvaluationOptions,
    unit: ErrorUnit,
) -> Iterator[str]:
    """Set the weights of a search to the best on the recordings to tune on, and yield lines for the user.

    Of the training data only what was held out is taken. Raises InputError for a search without weights, and
    for an ensemble.
    """
    if not search.has_beam:
        cure = "Name a language model with `lm`, or a `width` of the beam"
        raise InputError("tune", "needs a search that keeps several texts", "the likeliest symbols", cure)
    assert asked.tune is not None
    # Recordings that one run of an ensemble has held out may be those that another has learned.
    refuse_ensemble("tune", trained.members)
    examples = trained.read(asked.tune, labelled=True)
    held_out = set(read_names(kept_in(run, HELD_OUT)))
    rows = [row for row, key in enumerate(_keys(examples)) if key in held_out]
    taken = examples.take(rows) if rows else examples
    found = tune_search(search, trained.log_probabilities(taken.inputs), taken.targets, unit)
    yield f"tuned on {len(taken):,} of {len(examples):,} recordings of {asked.tune}" + (
        ", which training held out" if rows else ""
    )
    weights, before = found.weights, found.rounds[0][1]
    bonuses = f"`word_bonus` {weights.per_word:.4g} `character_bonus` {weights.per_character:.4g}"
    language = "" if asked.lm is None else f"`lm_weight` {weights.language:.4g} "
    yield f"errors there {before:,} before, {found.errors:,} with {language}{bonuses}"


def _keys(examples: Recordings) -> list[str]:
    return [hashlib.sha256(repr(key).encode()).hexdigest() for key in examples.keys]
