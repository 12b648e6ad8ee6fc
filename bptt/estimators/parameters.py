"""The options of a job as the parameters of an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Parameter, Signature
from typing import Any, TypeVar

from bptt.estimators.values import plain
from bptt.jobs.options import JobOptions
from bptt.options.choices import Choices
from bptt.options.option_set import OptionSet
from bptt.training.options import TrainingOptions

Estimator = TypeVar("Estimator", bound=type)

# Options that need files, which an estimator has not, or that scikit-learn covers in another way.
_NO_OPTIONS = ("seed", "log_every", "checkpoint_every", "evaluate_every")
_FILES = ("", "source", "pairs", "target")


def estimator_options(job: JobOptions, usual: Mapping[str, Any]) -> OptionSet:
    """Return the options of a job that are no files: those of its model, its data and its training.

    `usual` replaces defaults; None stands for a value that depends on the data.
    """
    own = {name: kind for name, kind in job.train.sections.items() if name not in _FILES}
    fixed = job.train.fixed | {f"training.{name}" for name in _NO_OPTIONS}
    return OptionSet({**own, "training": TrainingOptions}, {**job.train.usual, **usual}, {}, fixed)


def with_parameters(options: OptionSet, **own: Any) -> Callable[[Estimator], Estimator]:
    """Return a decorator that gives a class one parameter for each option, beside the cell and its `own`.

    As scikit-learn wants it, the values are kept as they are given, and checked when the estimator is fitted.
    """
    defaults = {"cell": "lstm", **{each.name: each.default for each in options}, **own}
    types = {"cell": "str", **{each.name: str(each.hint) for each in options}}

    def __init__(self: Any, **parameters: Any) -> None:
        unknown = sorted(parameters.keys() - defaults.keys())
        if unknown:
            raise TypeError(f"{type(self).__name__}() got an unexpected parameter {unknown[0]!r}")
        for name, value in {**defaults, **parameters}.items():
            setattr(self, name, value)

    itself = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    named = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=value, annotation=types.get(name, Parameter.empty))
        for name, value in defaults.items()
    ]
    __init__.__signature__ = Signature([itself, *named])  # type: ignore[attr-defined]

    def decorate(kind: Estimator) -> Estimator:
        kind.__init__ = __init__  # type: ignore[misc]
        return kind

    return decorate


def choices_of(estimator: Any, options: OptionSet) -> Choices:
    """Return the options of an estimator, checked. Raises InputError naming a parameter.

    Numbers of numpy, as a grid has them, become those of Python. None is not given where it is the default.
    """
    values = plain(estimator.get_params(deep=False))
    # No share is held out by default; then the weights of the last epoch are kept.
    given = {
        each.name: values[each.name]
        for each in options
        if not (values[each.name] is None and each.default is None)
        and not (each.name == "held_out" and values["held_out"] == 0)
    }
    return Choices.read(options, given)


def training_options(choices: Choices, seed: int) -> TrainingOptions:
    """Return the options of the loop."""
    return replace(choices.make(TrainingOptions), seed=seed)
