"""How translations are searched for, printed and judged, for `bptt predict` and `bptt evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bptt.cli.sources import say_notes
from bptt.cli.streams import shown
from bptt.cli.training import as_typed
from bptt.errors import InputError
from bptt.files import make_folder

if TYPE_CHECKING:
    from bptt.cli.answers import Answers
    from bptt.data.examples import Example
    from bptt.data.readers.asked import Said
    from bptt.data.readers.translations import Pairs
    from bptt.jobs.translate.beam import BeamOptions
    from bptt.jobs.translate.translator import Search, TrainedTranslator, Translation

of_search = partial(typer.Option, rich_help_panel="Translation")

ParallelArgument = Annotated[
    Path | None, typer.Argument(help="Target file, line by line, as with --target (translate).")
]


@dataclass(frozen=True)
class SearchArguments:
    """How the most probable text is searched for."""

    beam: Annotated[
        int | None, of_search(help="Hypotheses kept open while searching (1: greedy). Default: 5.")
    ] = None
    penalty: Annotated[Literal["gnmt", "power"], of_search(help="Formula of the length penalty.")] = "gnmt"
    alpha: Annotated[
        float, of_search(help="Strength of the length penalty (0: none, which favours short texts).")
    ] = 1.0
    beta: Annotated[float, of_search(help="Strength of the coverage penalty.")] = 0.0
    refuse_unknown: Annotated[bool, of_search("--refuse-unknown", help="Never write <unk>.")] = False

    def options(self, n_best: int | None = None) -> BeamOptions:
        """The same as checked values."""
        from bptt.jobs.translate.beam import BeamOptions

        wanted = 1 if n_best is None else n_best
        beam = max(5, wanted) if self.beam is None else self.beam
        return BeamOptions(beam, wanted, self.penalty, self.alpha, self.beta, self.refuse_unknown)


@dataclass(frozen=True)
class WritingArguments:
    """Texts drawn instead of searched for, and the picture of the attention."""

    temperature: Annotated[
        float | None, of_search(help="Draw each token at this temperature instead of searching.")
    ] = None
    seed: Annotated[int, of_search(help="Seed; the same seed draws the same texts.")] = 0
    attention: Annotated[Path | None, of_search(help="PNG file for the attention of the first text.")] = None


def target_of(parallel: Path | None, target: Path | None) -> Path | None:
    """Return the file of targets: the second of two files, or --target. Raises InputError for both."""
    if parallel is not None and target is not None:
        cure = "Leave one of them out"
        raise InputError("--target", "must name the only file of targets", f"another one, {parallel}", cure)
    return target if parallel is None else parallel


def check_unused(run: Path, *given: object) -> None:
    """Raise InputError if options of translation were given for a run of another job."""
    # An argument that was not given is None, or a group of nothing but defaults.
    if any(each != type(each)() for each in given):
        rule = "must be a run of `bptt train translate` for options of translation"
        raise InputError(str(run), rule, "another one", "Leave them out")


class TranslationAnswers:
    """A text for each input, a line each; with `n_best`, N texts, behind number, score and ln P."""

    def __init__(
        self,
        trained: TrainedTranslator,
        written: Answers,
        n_best: int | None,
        search: SearchArguments,
        writing: WritingArguments,
    ) -> None:
        from bptt.report.figure_page import check_picture

        with as_typed():
            self._options = _search_of(n_best, search, writing)
        self._trained, self._written, self._n_best = trained, written, n_best
        self._attention = writing.attention
        if writing.attention is not None:
            check_picture(writing.attention)
        # A draw depends on the number of its input among all.
        self.needs_all = writing.temperature is not None
        self._unknown = self._count = 0

    def answer(self, examples: Pairs) -> None:
        """Write the texts for some inputs."""
        unknown, count = self._trained.count_unknown(examples.inputs)
        self._unknown, self._count = self._unknown + unknown, self._count + count
        found = self._trained.search(examples.inputs, self._options)
        for row, texts in zip(examples.rows, found, strict=True):
            self._write(row, texts)
        if self._attention is not None:
            _draw(found[0][0], self._attention)
            print(f"attention: {self._attention}", file=sys.stderr)
            self._attention = None

    def finish(self) -> None:
        """Tell the user how much of the inputs is unknown to the model."""
        if self._unknown:
            counts = f"{self._unknown:,} of its {self._count:,} tokens are <unk>"
            print(f"input: {counts}, the model does not know them", file=sys.stderr)

    def _write(self, row: Example[Any, Any], texts: Sequence[Translation]) -> None:
        number = self._written.next_row()
        if self._written.as_json:
            each = [{"text": t.text, "score": t.score, "log_probability": t.log_probability} for t in texts]
            return self._written.record(row, each[0] if self._n_best is None else {"alternatives": each})
        for one in texts:
            text = shown(one.text) if self._written.to_stdout else one.text
            scores = f"{number}\t{one.score:.4f}\t{one.log_probability:.4f}\t"
            self._written.write(text if self._n_best is None else scores + text)


def print_quality(
    trained: TrainedTranslator,
    data: Path,
    target: Path | None,
    search: SearchArguments,
    figures: Path | None,
    said: Said,
) -> None:
    """The loss on what is wanted, and how near what is found comes to it: greedy, and by the beam.

    `figures` is a folder for the picture of what the first text attended to.
    """
    with as_typed():
        beam = search.options()
    examples = trained.read_pairs(data, target, said)
    say_notes(data, examples)
    for name, value in trained.evaluate(examples).items():
        print(f"{name}\t{value:.10g}")
    wanted = _references(trained, examples.targets)
    tables = [replace(beam, width=1), *([beam] if beam.width > 1 else [])]
    searched = {
        "greedy" if options.width == 1 else f"beam {options.width}": trained.predict(examples.inputs, options)
        for options in tables
    }
    _print_quality({name: [each.text for each in found] for name, found in searched.items()}, wanted, trained)
    found = list(searched.values())[-1]
    if figures is not None:
        make_folder(figures)
        picture = figures / "attention.png"
        _draw(found[0], picture)
        print(f"\npicture: {picture}")


def _references(trained: TrainedTranslator, targets: Sequence[str]) -> list[str]:
    """What is wanted, in the form in which the model has learned to write; said if that changes anything."""
    wanted = trained.as_written(targets)
    changed = sum(one != other for one, other in zip(wanted, targets, strict=True))
    if changed:
        form = "in small letters" if trained.vocabulary.options.lowercase else "as the model writes"
        print(f"targets: {changed:,} of {len(targets):,} are compared {form}", file=sys.stderr)
    return wanted


def _print_quality(found: dict[str, list[str]], wanted: list[str], trained: TrainedTranslator) -> None:
    """A line for each search: BLEU and chrF, if sacrebleu is installed, and the share of exact matches."""
    from bptt.jobs.translate.metrics import Judge, count_exact, installed

    if not installed():
        print("\nsearch\texact")
        for name, texts in found.items():
            print(f"{name}\t{count_exact(texts, wanted) / len(texts):.2%}")
        print("BLEU and chrF by sacrebleu: pip install 'bptt[metrics]'", file=sys.stderr)
        return
    judge = Judge(wanted, trained.vocabulary.options.lowercase)
    print("\nsearch\tBLEU\tchrF\texact")
    for name, texts in found.items():
        quality = judge.judge(texts)
        print(f"{name}\t{quality.bleu:.2f}\t{quality.chrf:.2f}\t{quality.exact / len(texts):.2%}")
    bleu, chrf = judge.signatures
    print(f"\nBLEU {bleu}\n({judge.tokenisation.name}, for {judge.tokenisation.reason})\nchrF {chrf}")


def _search_of(n_best: int | None, search: SearchArguments, writing: WritingArguments) -> Search:
    from bptt.jobs.language.sampling import SamplingOptions

    if writing.temperature is None:
        return search.options(n_best)
    if search.beam is not None or n_best is not None:
        cure = "Leave --beam and --n-best out"
        raise InputError("temperature", "draws one text for each input", "a beam too", cure)
    return SamplingOptions(
        length=sys.maxsize,
        temperature=writing.temperature,
        refuse_unknown=search.refuse_unknown,
        seed=writing.seed,
    )


def _draw(found: Translation, path: Path) -> None:
    from bptt.report.attention_figure import draw_attention

    if not found.attention.shape[1]:
        raise InputError(str(path), "is for a text that attended to its source", "none", "Leave it out")
    draw_attention(found.attention.tolist(), found.source, found.tokens, path)
