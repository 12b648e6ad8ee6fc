"""How sentences with their tags, and the scores of entities, are printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING

from bptt.cli.answers import one_line
from bptt.cli.training import as_typed

if TYPE_CHECKING:
    from bptt.cli.answers import Answers
    from bptt.data.examples import Example, Words
    from bptt.data.schemes import Scheme
    from bptt.jobs.tag.metrics import EntityScores, TagScores
    from bptt.jobs.tag.tag_set import Tagged
    from bptt.jobs.tag.task import TrainedTagger


def write_tags(
    trained: TrainedTagger, written: Answers, probabilities: bool, n_best: int | None, examples: Tagged
) -> None:
    """Write CoNLL columns: the word, its tag if the input has such, and the tag found, behind which may
    be its probability; or `n_best` alternatives for each sentence; or all that as JSON.
    """
    if n_best is not None:
        return _write_alternatives(trained, written, n_best, examples)
    found = trained.predict(examples.inputs)
    for row, each in zip(examples.rows, found, strict=True):
        written.next_row()
        if written.as_json:
            written.record(row, {**_given(row), "tags": each.tags, "probabilities": each.probabilities})
            continue
        columns = [row.input, *([row.target] if row.target else []), each.tags]
        if probabilities:
            columns.append(tuple(f"{p:.6f}" for p in each.probabilities))
        written.write(_lines(columns))


def _lines(columns: Sequence[Words]) -> str:
    """A word a line with its columns, whose control characters are escaped."""
    from bptt.data.readers.tagged import write_conll

    return write_conll(*([tuple(map(one_line, column))] for column in columns))


def _given(row: Example[Words, Words]) -> dict[str, Words]:
    return {} if row.target is None else {"given": row.target}


def _write_alternatives(trained: TrainedTagger, written: Answers, n: int, examples: Tagged) -> None:
    """Each sentence as often as it has alternatives, best first, below a comment with the probability."""
    with as_typed():
        found = trained.predict_nbest(examples.inputs, n)
    for row, alternatives in zip(examples.rows, found, strict=True):
        written.next_row()
        given = [row.input, *([row.target] if row.target else [])]
        if written.as_json:
            each = [{"tags": one.tags, "probability": exp(one.log_probability)} for one in alternatives]
            written.record(row, {**_given(row), "alternatives": each})
            continue
        for rank, one in enumerate(alternatives, 1):
            written.write(f"# {rank} of {len(alternatives)}, probability {exp(one.log_probability):.6f}")
            written.write(_lines([*given, one.tags]))


def print_entities(scores: TagScores, scheme: Scheme | None) -> None:
    """Print how well entities were found: by conlleval's rule, and by both modes of seqeval if that is
    installed.
    """
    from bptt.jobs.tag.seqeval import INSTALLED, seqeval_scores

    if scheme is None or scores.entities is None or not scores.entities.types:
        return
    _print_table(scores.entities, scheme)
    if not INSTALLED:
        print("scores by seqeval, with its strict mode: pip install 'bptt[metrics]'", file=sys.stderr)
        return
    for each in seqeval_scores(scores.gold, scores.found, scheme):
        _print_table(each, scheme)


def _print_table(scores: EntityScores, scheme: Scheme) -> None:
    print(f"\n{scheme.name}, {scores.rule}\nentities\tprecision\trecall\tf1\tnumber")
    for kind, score in {"all": scores.whole, **scores.types}.items():
        shares = "\t".join(f"{share:.4f}" for share in score[:3])
        print(f"{one_line(kind) or '-'}\t{shares}\t{score.entities}")
