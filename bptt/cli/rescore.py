"""`bptt rescore`: a choice among the hypotheses of a recogniser, with a language model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.cli.casing import case_for
from bptt.cli.commands import make_command
from bptt.cli.streams import shown
from bptt.errors import InputError
from bptt.files import kind_of, write_whole
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.rescore.options import RESCORE, ListOptions, RescoreOptions, WeightOptions

if TYPE_CHECKING:
    from bptt.data.error_rates import Alignment
    from bptt.data.nbest import NBest
    from bptt.jobs.rescore.rescoring import Candidates, ErrorRates, Weights
    from bptt.options.choices import Choices


def command() -> Any:
    """Return the command."""
    about = (
        "Chooses by score of the list + weight * ln P + bonus for the length; the first of equal ones.\n\n"
        "Prints the error rates of the first, the chosen and the best hypotheses; without references the "
        "chosen texts."
    )
    return make_command(
        "rescore", RESCORE, _rescore, "Choose from n-best lists with a language model.", about
    )


def _rescore(choices: Choices) -> None:
    asked = choices.make(RescoreOptions)
    lists, weights = choices.make(ListOptions), choices.make(WeightOptions)
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.rescore.rescoring import choose, error_rates, judge

    trained = load_language_model(asked.run, asked.device)
    print(trained.config.data.line_context, file=sys.stderr)
    found, development = _read_lists(asked, lists, weights)
    case = case_for(trained, (each.hypotheses[0].text for each in found.utterances), lists.case)
    ask = partial(judge, trained, case=case, batch_size=lists.batch_size, memory=choices.make(MemoryOptions))
    # Fail before the work if something is missing for the error rates or for the file.
    alignments = _aligned(found, lists.unit)
    output, inputs = asked.output, [asked.nbest, *lists.files, *weights.files]
    if output is not None:
        _check_output(output, [each.name for each in found.utterances], inputs)
    given = _given(weights) if development is None else _tuned(ask, development, lists.unit)
    chosen = choose(ask(found), given)
    texts = [each.hypotheses[i].text for each, i in zip(found.utterances, chosen, strict=True)]
    lines = [f"{each.name} {text}".rstrip() for each, text in zip(found.utterances, texts, strict=True)]
    if output is not None:
        write_whole(output, "".join(f"{line}\n" for line in lines).encode("utf-8"))
    elif not alignments:
        print(*map(shown, lines), sep="\n")
    if alignments:
        _print_rates(error_rates(alignments, chosen), lists.unit)


def _aligned(found: NBest, unit: str) -> list[list[Alignment]]:
    """Return the alignments for the error rates, none without references."""
    from bptt.jobs.rescore.rescoring import align_all

    return align_all(found, unit) if found.has_references else []


def _check_output(output: Path, names: list[str], inputs: list[Path]) -> None:
    """Raise InputError unless the file is new, or an earlier choice for the same utterances."""
    if kind_of(output) not in (None, "a file"):
        raise InputError(str(output), "must be the name of a file", kind_of(output), "Name another file")
    if not output.parent.is_dir():
        raise InputError(str(output), "must be in a folder that exists", str(output.parent), "Make it first")
    if any(output.exists() and each.exists() and output.samefile(each) for each in inputs):
        raise InputError(str(output), "must not be a file that is read", "one of them", "Name another file")
    if (
        output.exists()
        and [line.split(b" ")[0].decode("utf-8", "replace") for line in _lines(output)] != names
    ):
        rule = "must be new, or hold an earlier choice for the same utterances"
        raise InputError(str(output), rule, "another file", "Name another file")


def _lines(path: Path) -> list[bytes]:
    from bptt.data.reading import read_bytes

    return read_bytes(path).removesuffix(b"\n").split(b"\n")


def _read_lists(
    asked: RescoreOptions, lists: ListOptions, weights: WeightOptions
) -> tuple[NBest, NBest | None]:
    """Return the lists to choose from, and the lists to tune on if there are any."""
    from bptt.jobs.rescore.rescoring import split_lists

    found = _read(asked.nbest, lists.references, lists.costs, asked.encoding)
    if weights.tune_share is not None:
        development, found = split_lists(found, weights.tune_share, weights.seed)
        return found, development
    if weights.tune is not None:
        return found, _read(weights.tune, weights.tune_references, weights.tune_costs, asked.encoding)
    return found, None


def _read(path: Path, references: Path | None, costs: tuple[Path, ...], encoding: str | None) -> NBest:
    from bptt.data.readers.document import read_document
    from bptt.data.readers.nbest import read_nbest, read_references
    from bptt.data.reading import in_encoding

    written = partial(in_encoding, encoding=encoding)
    found = read_nbest(written(path), [read_document(written(each)) for each in costs])
    for note in found.notes:
        print(f"{found.where}: {note}", file=sys.stderr)
    if references is None:
        return found
    return found.with_references(read_references(read_document(written(references))), str(references))


def _given(options: WeightOptions) -> Weights:
    """Return the weights given as options."""
    from bptt.jobs.rescore.rescoring import Weights

    return Weights(options.weight or 0.0, options.per_word, options.per_character, options.per_unknown)


def _tuned(ask: Callable[[NBest], Candidates], development: NBest, unit: str) -> Weights:
    """Return the weights with the fewest errors on the development lists, and print them as options."""
    from bptt.data.error_rates import pool
    from bptt.jobs.rescore.rescoring import align_all
    from bptt.jobs.rescore.tuning import tune

    alignments = align_all(development, unit)
    found = tune(ask(development), [[each.errors for each in some] for some in alignments])
    first, weights = pool(some[0] for some in alignments), found.weights
    print(
        f"tuned on {len(alignments):,} utterances of {development.where}, error rate there "
        f"{first.error_rate:.2%} before, {found.errors / first.words:.2%} with "
        f"--weight {weights.language:.6g} --per-word {weights.per_word:.6g} "
        f"--per-character {weights.per_character:.6g} --per-unknown {weights.per_unknown:.6g}",
        file=sys.stderr,
    )
    return weights


def _print_rates(rates: ErrorRates, unit: str) -> None:
    print(f"\terror rate\terrors\t{unit}s\thits\tsubstitutions\tdeletions\tinsertions")
    for name, found in (("1-best", rates.first), ("rescored", rates.rescored), ("oracle", rates.oracle)):
        counts = found.errors, found.words, found.hits, found.substitutions, found.deletions, found.insertions
        print(name, f"{found.error_rate:.2%}", *counts, sep="\t")
