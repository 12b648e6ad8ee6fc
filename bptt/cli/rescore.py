"""`bptt rescore`: a choice among the hypotheses of a recogniser, with a language model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import print_json
from bptt.cli.commands import make_command
from bptt.cli.spelling import say
from bptt.cli.streams import shown
from bptt.errors import InputError
from bptt.files import check_named, kind_of, write_whole
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.rescore.options import RESCORE, ListOptions, RescoreOptions, WeightOptions

if TYPE_CHECKING:
    from bptt.data.nbest import NBest
    from bptt.jobs.rescore.answering import RescoreAnswer
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
    from bptt.jobs.rescore.answering import rescore

    trained = load_language_model(asked.run, asked.device)
    say(trained.config.data.line_context)
    found, development = _read_lists(asked, lists, weights)
    # Fail before the work if the file cannot be written.
    output, inputs = asked.output, [asked.nbest, *lists.files, *weights.files]
    if output is not None:
        _check_output(output, [each.name for each in found.utterances], inputs)
    answer = rescore(trained, found, lists, weights, development, choices.make(MemoryOptions), say)
    lines = [f"{each.name} {each.text}".rstrip() for each in answer.chosen]
    if output is not None:
        write_whole(output, "".join(f"{line}\n" for line in lines).encode("utf-8"))
    if asked.json:
        print_json(answer)
    elif answer.rescored is not None:
        _print_rates(answer, lists.unit)
    elif output is None:
        print(*map(shown, lines), sep="\n")


def _check_output(output: Path, names: list[str], inputs: list[Path]) -> None:
    """Raise InputError unless the file is new, or an earlier choice for the same utterances."""
    check_named(output)
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
        say(f"{found.where}: {note}")
    if references is None:
        return found
    return found.with_references(read_references(read_document(written(references))), str(references))


def _print_rates(answer: RescoreAnswer, unit: str) -> None:
    print(f"\terror rate\terrors\t{unit}s\thits\tsubstitutions\tdeletions\tinsertions")
    for name, found in (("1-best", answer.first), ("rescored", answer.rescored), ("oracle", answer.oracle)):
        assert found is not None
        rate, *counts = vars(found).values()
        print(name, f"{rate:.2%}", *counts, sep="\t")
