"""`bptt choose`: the most probable of several sentences under a language model, word by word."""

from __future__ import annotations

import sys
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import one_line, print_json
from bptt.cli.commands import make_command
from bptt.cli.sources import is_file_name
from bptt.errors import InputError
from bptt.jobs.language.commands import CHOOSE, ChooseOptions

if TYPE_CHECKING:
    from bptt.jobs.language.comparison import Word
    from bptt.options.choices import Choices


def command() -> Any:
    """Return the command."""
    about = (
        "Prints ln P of every word side by side, the sums, and how far each sentence is behind the most "
        "probable one: in nats, and as odds."
    )
    return make_command(
        "choose", CHOOSE, _choose, "Compare sentences by their probability, word by word.", about
    )


def _choose(choices: Choices) -> None:
    asked = choices.make(ChooseOptions)
    sentences = asked.sentences
    for sentence in sentences:
        if is_file_name(sentence):
            cure = "`bptt score` ranks the lines of a file"
            raise InputError(sentence, "must be a sentence", "what looks like a file", cure)
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.language.answering import LineAnswer, choices_of
    from bptt.jobs.language.comparison import odds, words
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.language.scoring import score_lines

    trained = load_language_model(asked.run, asked.device)
    print(trained.config.data.line_context, file=sys.stderr)
    scores = list(score_lines(trained, sentences))
    if asked.json:
        found = zip(sentences, scores, strict=True)
        lines = (
            LineAnswer.of(n, line, score, trained.vocabulary) for n, (line, score) in enumerate(found, 1)
        )
        for record in choices_of(lines):
            print_json(record)
        return
    for row in zip_longest(*(words(trained.vocabulary, score) for score in scores)):
        print("\t".join(map(_cells, row)))
    sums = [score.log_probability for score in scores]
    print("\t".join(f"sum\t{total:.6f}" for total in sums), end="\n\n")
    best = max(sums)
    print("nats behind\todds\tunknown\tsentence")
    for total, score, sentence in sorted(zip(sums, scores, sentences, strict=True), key=lambda row: -row[0]):
        print(f"{best - total:.6f}\t1 : {odds(best - total)}\t{score.unknown}\t{one_line(sentence)}")


def _cells(word: Word | None) -> str:
    return f"{one_line(word.text)}\t{word.log_probability:.6f}" if word else "\t"
