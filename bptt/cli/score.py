"""`bptt score`: how probable a language model finds each line of a text."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bptt.cli.answers import one_line
from bptt.cli.streams import shown

if TYPE_CHECKING:
    from bptt.data.vocabulary import Vocabulary
    from bptt.jobs.language.scoring import LineScore, Totals


def score(
    run: Annotated[Path, typer.Argument(help="Run folder written by `bptt train lm`.")],
    file: Annotated[Path, typer.Argument(help="Text with one sentence a line, or - for standard input.")],
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Print a line for each token: line number, token, log P.")
    ] = False,
    sort: Annotated[bool, typer.Option("--sort", help="Print the most probable line first.")] = False,
    base: Annotated[Literal["e", "2", "10"], typer.Option(help="Base of the logarithms.")] = "e",
    batch_size: Annotated[
        int, typer.Option(min=1, help="Lines in a mini-batch; changes the speed, not the result.")
    ] = 64,
) -> None:
    """Print the log-probability of every line of a text.

    The columns, separated by tabs, are log P, number of tokens, number of unknown tokens, and the text;
    perplexity per token and per word, and bits per character, of all lines go to standard error.
    """
    from bptt.cli.machine import prepare

    prepare()
    from bptt.data.readers.corpus import Plain, read_plain
    from bptt.data.text import decode_text
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.language.scoring import Totals, base_logarithm, score_lines

    trained = load_language_model(run)
    stdin = str(file) == "-"
    text, notes = Plain(decode_text(sys.stdin.buffer.read(), "standard input")) if stdin else read_plain(file)
    for note in notes:
        print(note, file=sys.stderr)
    lines = text.removesuffix("\n").split("\n")
    unit, totals = base_logarithm(base), Totals()
    rows: Iterable[tuple[int, LineScore]] = enumerate(score_lines(trained, lines, batch_size))
    if sort:
        rows = sorted(rows, key=lambda row: -row[1].log_probability)
    for index, found in rows:
        totals = totals.add(found)
        if tokens:
            _print_tokens(index + 1, found, trained.vocabulary, unit)
        else:
            counts = f"{len(found.tokens)}\t{found.unknown}"
            print(f"{found.log_probability / unit:.6f}\t{counts}\t{shown(lines[index])}")
    _print_totals(totals, base, unit)
    print(trained.config.data.line_context, file=sys.stderr)


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
