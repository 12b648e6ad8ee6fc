"""`bptt score`: the log-probability of each line of a text under a language model."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import one_line
from bptt.cli.commands import make_command
from bptt.cli.sources import STDIN_NAME
from bptt.cli.streams import shown
from bptt.jobs.language.commands import SCORE, ScoreOptions

if TYPE_CHECKING:
    from bptt.data.vocabulary import Vocabulary
    from bptt.jobs.language.scoring import LineScore, Totals
    from bptt.options.choices import Choices


def command() -> Any:
    """Return the command."""
    about = (
        "The columns, separated by tabs, are log P, number of tokens, number of unknown tokens, and the "
        "text; perplexity per token and per word, and bits per character, of all lines go to standard error."
    )
    return make_command("score", SCORE, _score, "Print the log-probability of every line of a text.", about)


def _score(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    asked = choices.make(ScoreOptions)
    prepare()
    from bptt.data.readers.corpus import Plain, read_plain
    from bptt.data.reading import known_encoding
    from bptt.data.text import decode_text
    from bptt.data.vocabulary_options import said_of
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.language.scoring import Totals, base_logarithm, score_lines

    trained = load_language_model(asked.run, asked.device)
    stdin = str(asked.file) == "-"
    text, notes = (
        Plain(decode_text(sys.stdin.buffer.read(), STDIN_NAME, encoding=known_encoding(asked.encoding)))
        if stdin
        else read_plain(asked.file)
    )
    for note in notes:
        print(note, file=sys.stderr)
    lines = text.removesuffix("\n").split("\n")
    unit, totals = base_logarithm(asked.base), Totals()
    rows: Iterable[tuple[int, LineScore]] = enumerate(score_lines(trained, lines, asked.batch_size))
    if asked.sort:
        rows = sorted(rows, key=lambda row: -row[1].log_probability)
    for index, found in rows:
        totals = totals.add(found)
        if asked.tokens:
            _print_tokens(index + 1, found, trained.vocabulary, unit)
        else:
            counts = f"{len(found.tokens)}\t{found.unknown}"
            print(f"{found.log_probability / unit:.6f}\t{counts}\t{shown(lines[index])}")
    _print_totals(totals, asked.base, unit)
    for line in (trained.config.data.line_context, *said_of(trained.config.vocabulary.normalise)):
        print(line, file=sys.stderr)


def _print_tokens(number: int, found: LineScore, vocabulary: Vocabulary, unit: float) -> None:
    for token, value in zip(found.tokens, found.log_probabilities, strict=True):
        print(f"{number}\t{one_line(vocabulary.show(token))}\t{value / unit:.6f}")


def _print_totals(totals: Totals, base: str, unit: float) -> None:
    print(
        f"{totals.lines} lines, {totals.tokens} tokens, {totals.unknown} of them unknown\n"
        f"log P (base {base}) {totals.log_probability / unit:.6f}, "
        f"{totals.bits_per_character:.4f} bits per character\n"
        f"perplexity per token {totals.perplexity:.4f}, "
        f"{totals.known_perplexity:.4f} without the unknown, <eos> counted in both\n"
        f"perplexity per word {totals.word_perplexity:.4f}, over {totals.words} words between white space "
        f"and {totals.lines} line ends, as KenLM and SRILM count",
        file=sys.stderr,
    )
