"""The options of the commands that use a trained model: those common to all jobs, and each job's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from bptt.data.readers.asked import Said
from bptt.errors import InputError
from bptt.jobs.options import JobOptions, TextFiles
from bptt.jobs.registry import all_options
from bptt.options.choices import Choices
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet
from bptt.runs.run_folder import is_run

RUN = "Run folder written by `bptt train`."
RUNS = f"{RUN[:-1]}; several of one job, one behind the other, answer together: the mean of what they say."
DEVICE = "Device to compute on: cpu, cuda, cuda:1 or mps."
JSON = "Print JSON objects, one a line (docs/json.md)."
Named = TypeVar("Named", str, Path)
AskedWeights = Literal["float32", "bf16", "int8"]
EXACT: AskedWeights = "float32"
WEIGHTS = "Format of the weights of recurrent layers; what a narrow one changes is printed."


def leading_runs(run: Path, others: Sequence[Named]) -> tuple[tuple[Path, ...], tuple[Named, ...]]:
    """Return a run with the run folders that directly follow it, and what was named behind these.

    The last folder may be the run itself once more, whose data are in it. Raises InputError for a run that is
    named again before the data.
    """
    runs = [run]
    for place, each in enumerate(others, 1):
        folder = Path(each)
        if not is_run(folder):
            break
        if folder.resolve() in [one.resolve() for one in runs]:
            if place < len(others):
                raise InputError(str(each), "is named once among the runs", "it again", "Leave one out")
            break
        runs.append(folder)
    return tuple(runs), tuple(others[len(runs) - 1 :])


@dataclass(frozen=True, kw_only=True)
class PredictOptions(TextFiles):
    """The options of `bptt predict` common to all jobs."""

    run: Path = argument(RUNS)
    device: str = option("cpu", DEVICE)
    weights: AskedWeights = option(EXACT, WEIGHTS)
    inputs: tuple[str, ...] = argument(
        "A file or folder as learned from, or several; a text, or - for standard input.", default=()
    )
    stream: bool = option(
        False,
        "Answer as input arrives: words (a tagger), speech, clips; networks of one direction.",
        common=True,
    )
    microphone: bool = option(False, "Answer what the microphone hears, as `stream` does.", common=True)
    output: Path | None = option(None, "New file for the answers.", flags="output o", common=True)
    json: bool = option(False, JSON, common=True)

    @property
    def streams(self) -> bool:
        """Whether what arrives is answered while it arrives."""
        return self.stream or self.microphone


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(TextFiles):
    """The options of `bptt evaluate` common to all jobs."""

    run: Path = argument(RUNS)
    device: str = option("cpu", DEVICE)
    data: tuple[Path, ...] = argument(
        "Labelled data, or pieces of music, to evaluate on; of a translator also two files, line by line. "
        "Default: what was held out (lm, music).",
        default=(),
    )
    figures: Path | None = option(
        None,
        "Folder for a picture: the confusion matrix, agreement by distance, or attention.",
        common=True,
    )
    json: bool = option(False, "Print metrics and tables as a JSON object (docs/json.md).", common=True)

    @property
    def file(self) -> Path | None:
        """The file or folder to evaluate on, None if none is named. Raises InputError for several."""
        return self.files(1)[0]

    def files(self, most: int) -> tuple[Path | None, ...]:
        """Return the files to evaluate on, `most` of them, None for each that is not named.

        Raises InputError for more.
        """
        if len(self.data) > most:
            came = ", ".join(map(str, self.data))
            raise InputError(
                "data",
                f"is at most {most} here, behind the runs",
                came,
                "Name runs first, and leave other files out",
            )
        return (*self.data, *[None] * (most - len(self.data)))


# A larger number can only be a mistake: all samples are held in memory.
MOST_SAMPLES = 100_000


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """The options of `bptt sample` common to all jobs."""

    run: Path = argument(RUN)
    device: str = option("cpu", DEVICE)
    weights: AskedWeights = option(EXACT, WEIGHTS)
    number: int = option(
        1,
        f"Number of samples, at most {MOST_SAMPLES:,}.",
        flags="number n",
        least=1,
        most=MOST_SAMPLES,
        common=True,
    )
    json: bool = option(False, JSON, common=True)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(TextFiles):
    """The options of `bptt score` common to all jobs."""

    run: Path = argument(RUNS)
    device: str = option("cpu", DEVICE)
    weights: AskedWeights = option(EXACT, WEIGHTS)
    files: tuple[Path, ...] = argument(
        "Text with one sentence a line, - for standard input; files or folders of music (music)."
    )
    json: bool = option(False, JSON, common=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self)


@dataclass(frozen=True)
class ReadingOptions:
    """The format of the input file; detected by default."""

    form: str | None = option(
        None,
        "Input format.",
        usual="as learned from, or detected",
        group="Input",
        flags="input form",
    )
    input_column: str | None = option(
        None,
        "Column of the input, by name, or by number without a header.",
        group="Input",
        flags="text-column source-column input-column",
    )
    target_column: str | None = option(
        None,
        "Column of the label or translation.",
        group="Input",
        flags="label-column target-column",
    )
    header: bool | None = option(None, "Whether the first row is a header.", usual="detected", group="Input")

    def said(self) -> Said:
        """Return these options as the readers take them."""
        return Said(self.form, self.input_column, self.target_column, self.header)


def predict_options(job: JobOptions | None = None) -> OptionSet:
    """Return the options of `bptt predict`: those of a job, or of all jobs if None."""
    return _options(PredictOptions, lambda each: each.predict, _taken(job))


def evaluate_options() -> OptionSet:
    """Return the options of `bptt evaluate`: those of all jobs."""
    return _options(EvaluateOptions, lambda each: each.evaluate, all_options())


def sample_options(job: JobOptions | None = None) -> OptionSet:
    """Return the options of `bptt sample`: those of a job, or of all jobs if None."""
    return _sections(SampleOptions, (each.sample for each in _taken(job)))


def score_options(job: JobOptions | None = None) -> OptionSet:
    """Return the options of `bptt score`: those of a job, or of all jobs if None."""
    return _sections(ScoreOptions, (each.score for each in _taken(job)))


def _taken(job: JobOptions | None) -> Iterable[JobOptions]:
    return all_options() if job is None else (job,)


def _sections(common: type, own: Iterable[Mapping[str, type] | None]) -> OptionSet:
    sections = {name: kind for each in own for name, kind in (each or {}).items()}
    return OptionSet({"": common, **sections}, shared=True)


def _options(
    common: type, own: Callable[[JobOptions], type | None], taken: Iterable[JobOptions]
) -> OptionSet:
    jobs = {job.name: kind for job in taken if (kind := own(job)) is not None}
    return OptionSet({"": common, "reading": ReadingOptions, **jobs}, shared=True)


def check_own(choices: Choices, job: JobOptions) -> None:
    """Raise InputError if an option was given that only other jobs have."""
    for name in choices.given:
        takers = {each.section for each in choices.options.places() if each.name == name}
        if not takers & {"", "reading", *_own_sections(job)}:
            jobs = [each.name for each in all_options() if takers & set(_own_sections(each))]
            rule = f"is an option of runs of {' and '.join(f'`bptt train {each}`' for each in jobs)}"
            raise InputError(name, rule, f"a run of `bptt train {job.name}`", "Leave it out")


def _own_sections(job: JobOptions) -> Iterable[str]:
    return job.name, *(job.sample or ()), *(job.score or ())
