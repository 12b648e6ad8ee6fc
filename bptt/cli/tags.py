"""How sentences with their tags, and the scores of entities, are printed."""

from __future__ import annotations

import sys
from math import exp
from typing import TYPE_CHECKING

from bptt.cli.training import as_typed

if TYPE_CHECKING:
    from bptt.data.examples import Words
    from bptt.data.readers.forms import Source
    from bptt.data.schemes import Scheme
    from bptt.tasks.tag.metrics import EntityScores, TagScores
    from bptt.tasks.tag.task import TrainedTagger


def print_tags(trained: TrainedTagger, source: Source, probabilities: bool, n_best: int | None) -> None:
    """Print CoNLL columns: the word, its tag if the input has such, and the tag found, behind which may
    stand its probability; or `n_best` alternatives for each sentence.
    """
    from bptt.data.readers.tagged import write_conll

    examples = trained.read(source, tagged=False)
    given = [examples.inputs, examples.targets] if examples.has_targets else [examples.inputs]
    if n_best is not None:
        _print_alternatives(trained, list(zip(*given, strict=True)), n_best)
        return
    found = trained.predict(examples.inputs)
    columns = [*given, [each.tags for each in found]]
    if probabilities:
        columns.append([tuple(f"{p:.6f}" for p in each.probabilities) for each in found])
    print(write_conll(*columns), end="")


def _print_alternatives(trained: TrainedTagger, given: list[tuple[Words, ...]], n: int) -> None:
    """Each sentence as often as it has alternatives, best first, below a comment with the probability."""
    from bptt.data.readers.tagged import write_conll

    with as_typed():
        found = trained.predict_nbest([columns[0] for columns in given], n)
    for columns, alternatives in zip(given, found, strict=True):
        for rank, each in enumerate(alternatives, 1):
            print(f"# {rank} of {len(alternatives)}, probability {exp(each.log_probability):.6f}")
            print(write_conll(*([column] for column in (*columns, each.tags))), end="")


def print_entities(scores: TagScores, scheme: Scheme | None) -> None:
    """Print how well entities were found: by conlleval's rule, and by both modes of seqeval if that is
    installed.
    """
    from bptt.tasks.tag.seqeval import INSTALLED, seqeval_scores

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
        print(f"{kind or '-'}\t{shares}\t{score.entities}")
