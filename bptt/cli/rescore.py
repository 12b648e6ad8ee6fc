"""`bptt rescore`: of the hypotheses of a recogniser, those that a language model finds best with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bptt.cli.casing import Case, case_for
from bptt.cli.streams import shown
from bptt.cli.training import as_typed
from bptt.errors import InputError
from bptt.files import kind_of, write_whole

if TYPE_CHECKING:
    from bptt.data.nbest import NBest
    from bptt.jobs.rescore.metrics import Alignment
    from bptt.jobs.rescore.rescoring import Candidates, ErrorRates, Weights

_NBEST = "n-best lists: a folder of ESPnet, or a file of Kaldi, HyPoradise or RNNLM."


@dataclass(frozen=True)
class ListArguments:
    """The lists to choose from, and what was said."""

    references: Annotated[
        Path | None,
        typer.Option(help="Reference transcripts: one utterance a line, its name, then its words."),
    ] = None
    costs: Annotated[list[Path] | None, typer.Option(help="Kaldi costs to add; may be repeated.")] = None
    case: Case = "auto"
    unit: Annotated[Literal["word", "character"], typer.Option(help="Unit of the error rate.")] = "word"
    batch_size: Annotated[
        int, typer.Option(min=1, help="Texts in a mini-batch; changes the speed, not the result.")
    ] = 64

    @property
    def files(self) -> list[Path]:
        """The files that are named here."""
        return [*filter(None, [self.references]), *(self.costs or ())]


@dataclass(frozen=True)
class WeightArguments:
    """Where the weights come from."""

    weight: Annotated[float | None, typer.Option(help="Weight of ln P under the language model.")] = None
    per_word: Annotated[float, typer.Option(help="With --weight: bonus for each word.")] = 0.0
    per_character: Annotated[float, typer.Option(help="With --weight: bonus for each character.")] = 0.0
    per_unknown: Annotated[float, typer.Option(help="With --weight: bonus for each unknown token.")] = 0.0
    tune: Annotated[Path | None, typer.Option(help="n-best lists to tune all weights on.")] = None
    tune_references: Annotated[Path | None, typer.Option(help="Reference transcripts of --tune.")] = None
    tune_costs: Annotated[list[Path] | None, typer.Option(help="Kaldi costs of --tune.")] = None
    tune_share: Annotated[
        float | None, typer.Option(help="Tune on this share of NBEST, choose in the rest.")
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw of --tune-share.")] = 0

    def check(self) -> None:
        """Raise InputError unless the weights come from one place."""
        sources = {"--weight": self.weight, "--tune": self.tune, "--tune-share": self.tune_share}
        given = [name for name, value in sources.items() if value is not None]
        if len(given) != 1:
            rule = f"needs one of {', '.join(sources)}"
            raise InputError("bptt rescore", rule, " and ".join(given) or "none")
        if self.tune_share is not None and not 0 < self.tune_share < 1:
            raise InputError("--tune-share", "is above 0 and below 1", self.tune_share)
        if self.weight is None and (self.per_word or self.per_character or self.per_unknown):
            rule = "--per-word, --per-character and --per-unknown belong to --weight"
            raise InputError("bptt rescore", rule, f"them with {given[0]}", "Leave them out: all are tuned")

    @property
    def files(self) -> list[Path]:
        """The files that are named here."""
        return [*filter(None, [self.tune, self.tune_references]), *(self.tune_costs or ())]

    def given(self) -> Weights:
        """Those that the user has typed. Raises InputError."""
        from bptt.jobs.rescore.rescoring import Weights

        with as_typed():
            return Weights(self.weight or 0.0, self.per_word, self.per_character, self.per_unknown)


def rescore(
    *,
    run: Annotated[Path, typer.Argument(help="Run folder written by `bptt train lm`.")],
    nbest: Annotated[Path, typer.Argument(help=_NBEST)],
    lists: ListArguments,
    weights: WeightArguments,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the chosen texts, in Kaldi's format.")
    ] = None,
) -> None:
    """Choose from n-best lists with a language model.

    Chooses by score of the list + weight * ln P + bonus for the length; the first of equal ones.

    Print the error rates of the first, the chosen and the best hypotheses; without references the
    chosen texts.
    """
    weights.check()
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.rescore.rescoring import choose, error_rates, judge

    trained = load_language_model(run)
    print(trained.config.data.line_context, file=sys.stderr)
    found, development = _read_lists(nbest, lists, weights)
    case = case_for(trained, (each.hypotheses[0].text for each in found.utterances), lists.case)
    ask = partial(judge, trained, case=case, batch_size=lists.batch_size)
    # What is missing for the error rates, or for the file, is missed before the work.
    alignments = _aligned(found, lists.unit)
    if output is not None:
        _check_output(output, [each.name for each in found.utterances], [nbest, *lists.files, *weights.files])
    given = weights.given() if development is None else _tuned(ask, development, lists.unit)
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
    """The alignments for the error rates; none, which is said, where jiwer is missing."""
    from bptt.jobs.rescore.metrics import can_align
    from bptt.jobs.rescore.rescoring import align_all

    if not found.has_references:
        return []
    if can_align():
        return align_all(found, unit)
    print("no error rates, which need jiwer (pip install 'bptt[metrics]')", file=sys.stderr)
    return []


def _check_output(output: Path, names: list[str], inputs: list[Path]) -> None:
    """Raise InputError unless a file can have this name: a new one, or an earlier choice for these names."""
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


def _read_lists(nbest: Path, lists: ListArguments, weights: WeightArguments) -> tuple[NBest, NBest | None]:
    """The lists to choose in, and those to tune on, if any."""
    from bptt.jobs.rescore.rescoring import split_lists

    found = _read(nbest, lists.references, lists.costs)
    if weights.tune_share is not None:
        development, found = split_lists(found, weights.tune_share, weights.seed)
        return found, development
    if weights.tune is not None:
        return found, _read(weights.tune, weights.tune_references, weights.tune_costs)
    return found, None


def _read(path: Path, references: Path | None, costs: list[Path] | None) -> NBest:
    from bptt.data.readers.document import read_document
    from bptt.data.readers.nbest import read_nbest, read_references

    found = read_nbest(path, [read_document(each) for each in costs or ()])
    for note in found.notes:
        print(f"{found.where}: {note}", file=sys.stderr)
    if references is None:
        return found
    return found.with_references(read_references(read_document(references)), str(references))


def _tuned(ask: Callable[[NBest], Candidates], development: NBest, unit: str) -> Weights:
    """The weights with the fewest errors there, said aloud as options."""
    from bptt.jobs.rescore.metrics import pool
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
