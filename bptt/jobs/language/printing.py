"""The output of `bptt sample` and `bptt score` for a language model, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bptt.data.readers.corpus import read_plain
from bptt.data.readers.forms import Source
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import said_of
from bptt.errors import InputError
from bptt.jobs.answers import Answer, Line
from bptt.jobs.language.answering import LineAnswer
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.model import Trained
from bptt.jobs.language.running_scores import score_in_order
from bptt.jobs.language.sampling import read_prompt, sample, sample_records
from bptt.jobs.language.sampling_options import LineOptions, PromptOptions, SamplingOptions
from bptt.jobs.language.scoring import LineScore, Totals, base_logarithm, score_lines
from bptt.jobs.language.scoring_options import LineScoreOptions
from bptt.options.choices import Choices


def print_samples(trained: Trained, choices: Choices) -> Iterator[str | Answer]:
    """Yield a sample piece by piece, or several, each after a line with its number; or their records."""
    options, lines = choices.make(SamplingOptions), choices.make(LineOptions)
    number = choices.get("number")
    begun = read_prompt(trained, choices.make(PromptOptions).prompt)
    if begun.unknown:
        known = f"{begun.unknown} of its {len(begun.tokens)} {trained.vocabulary.unit} are <unk>"
        choices.say(f"prompt: {known}, the model does not know them")
    if choices.get("json"):
        yield from sample_records(trained, begun, options, number, lines)
        return
    if number == 1:
        pieces = sample(trained, begun, options, lines=lines)
        yield begun.text
        yield from pieces
        yield "\n"
        return
    for each in sample_records(trained, begun, options, number, lines):
        yield f"--- {each.row}\n{begun.text + each.text}\n"


def print_scores(trained: Trained, sources: Sequence[Source], choices: Choices) -> Iterator[Line | Answer]:
    """Yield a line for each line of a text, for each of its tokens, or a record for each line; the sums are
    said.

    Raises InputError for several texts, one that cannot be read, or records in another base than e.
    """
    asked, as_json = choices.make(LineScoreOptions), choices.get("json")
    if as_json and asked.base != "e":
        rule, cure = "holds natural logarithms", "Leave one of them out"
        raise InputError("json", rule, f"`base` {asked.base}", cure)
    if len(sources) != 1:
        raise InputError("bptt score", "takes one text at a time", f"{len(sources)} of them")
    (source,) = sources
    text, notes = read_plain(source) if isinstance(source, Path) else (source.text, ())
    for note in notes:
        choices.say(note)
    lines = text.removesuffix("\n").split("\n")
    unit, totals = base_logarithm(asked.base), Totals()
    memory = choices.make(MemoryOptions)
    scores = (
        score_in_order(trained, lines, memory) if memory else score_lines(trained, lines, asked.batch_size)
    )
    rows: Iterable[tuple[int, LineScore]] = enumerate(scores)
    if asked.sort:
        rows = sorted(rows, key=lambda row: -row[1].log_probability)
    for index, found in rows:
        totals = totals.add(found)
        if as_json:
            yield LineAnswer.of(index + 1, lines[index], found, trained.vocabulary)
        elif asked.tokens:
            yield from _token_lines(index + 1, found, trained.vocabulary, unit)
        else:
            counts = f"{len(found.tokens)}\t{found.unknown}"
            yield f"{found.log_probability / unit:.6f}\t{counts}\t{lines[index]}"
    for line in (*_total_lines(totals, asked.base, unit), trained.config.data.line_context):
        choices.say(line)
    for line in said_of(trained.config.vocabulary.normalise):
        choices.say(line)


def _token_lines(number: int, found: LineScore, vocabulary: Vocabulary, unit: float) -> Iterator[Line]:
    for token, value in zip(found.tokens, found.log_probabilities, strict=True):
        yield str(number), vocabulary.show(token), f"{value / unit:.6f}"


def _total_lines(totals: Totals, base: str, unit: float) -> Iterator[str]:
    yield f"{totals.lines} lines, {totals.tokens} tokens, {totals.unknown} of them unknown"
    yield (
        f"log P (base {base}) {totals.log_probability / unit:.6f}, "
        f"{totals.bits_per_character:.4f} bits per character"
    )
    yield (
        f"perplexity per token {totals.perplexity:.4f}, "
        f"{totals.known_perplexity:.4f} without the unknown, <eos> counted in both"
    )
    yield (
        f"perplexity per word {totals.word_perplexity:.4f}, over {totals.words} words between white space "
        f"and {totals.lines} line ends, as KenLM and SRILM count"
    )
