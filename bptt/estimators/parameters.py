"""The options of a job as the parameters of an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from inspect import Parameter, Signature
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

from bptt.cells.load import Cells, layers_of
from bptt.errors import WrongTypeError
from bptt.estimators.values import plain
from bptt.jobs.options import JobOptions
from bptt.models.options import EncoderOptions
from bptt.options.choices import Choices
from bptt.options.field import alternatives
from bptt.options.option_set import NamedOption, OptionSet
from bptt.training.options import TrainingOptions

Estimator = TypeVar("Estimator", bound=type)

# Options that need files, which an estimator has not, or that scikit-learn covers in another way.
_NO_OPTIONS = (
    "data.held_out_groups",
    *(f"training.{name}" for name in ("seed", "log_every", "checkpoint_every", "evaluate_every")),
)
# The types of parameters that are no options.
_OWN_TYPES = {
    "cell": "str | Cell | list[str | Cell]",
    "missing": "bool",
    "random_state": "int | RandomState | None",
}
# Sections of options for inputs that are files.
_FILES = ("", "source", "pairs", "target", "clips", "skeleton")


def estimator_options(job: JobOptions, usual: Mapping[str, Any]) -> OptionSet:
    """Return the options of a job that are no files: those of its model, its data and its training.

    `usual` replaces defaults; None marks a value that depends on the data.
    """
    own = {name: kind for name, kind in job.train.sections.items() if name not in _FILES}
    fixed = job.train.fixed.union(_NO_OPTIONS)
    return OptionSet({**own, "training": TrainingOptions}, {**job.train.usual, **usual}, {}, fixed)


def with_parameters(options: OptionSet, **own: Any) -> Callable[[Estimator], Estimator]:
    """Return a decorator that gives a class one parameter for each option, beside the cell and its `own`.

    As scikit-learn wants it, the values are kept as they are given, and checked when the estimator is fitted.
    """
    defaults = {"cell": "lstm", **{each.name: each.default for each in options}, **own}
    types = {**_OWN_TYPES, **{each.name: _annotation(each) for each in options}}

    def __init__(self: Any, **parameters: Any) -> None:
        unknown = sorted(parameters.keys() - defaults.keys())
        if unknown:
            raise _unknown(type(self).__name__, unknown[0], defaults, options)
        for name, value in {**defaults, **parameters}.items():
            setattr(self, name, value)

    itself = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    named = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=value, annotation=types.get(name, Parameter.empty))
        for name, value in defaults.items()
    ]
    __init__.__signature__ = Signature([itself, *named])  # type: ignore[attr-defined]

    def decorate(kind: Estimator) -> Estimator:
        # The name that Python and editors show.
        __init__.__qualname__, __init__.__module__ = f"{kind.__name__}.__init__", kind.__module__
        kind.__init__ = __init__  # type: ignore[misc]
        return kind

    return decorate


def _annotation(each: NamedOption) -> str:
    """Return the type of a parameter as code says it; None is allowed where it is the default."""
    kinds = [_type(kind) for kind in alternatives(each.hint)]
    return " | ".join(kinds if each.default is not None or "None" in kinds else [*kinds, "None"])


def _type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"Literal[{', '.join(map(repr, get_args(kind)))}]"
    if get_origin(kind) is tuple:
        return f"tuple[{_type(get_args(kind)[0])}, ...]"
    return "None" if kind is NoneType else str(kind.__name__)


def _unknown(owner: str, name: str, known: Iterable[str], options: OptionSet) -> WrongTypeError:
    """Return the error for a parameter that there is not, with the nearest name that there is."""
    spelled = {flag.replace("-", "_"): each.name for each in options for flag in each.flags}
    names = {**spelled, **{each: each for each in known}}
    near = get_close_matches(name, names, 1)
    cure = f"Did you mean {names[near[0]]}?" if near else ""
    return WrongTypeError(f"{owner}({name})", "is the name of a parameter", "no such parameter", cure)


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


def with_layers(model: EncoderOptions, cells: Cells) -> EncoderOptions:
    """Return the options with as many layers as there are cells. Raises InputError for another number."""
    layers = layers_of("num_layers", cells, model.num_layers, EncoderOptions.num_layers)
    return replace(model, num_layers=layers)


def training_options(choices: Choices, seed: int) -> TrainingOptions:
    """Return the options of the loop."""
    return replace(choices.make(TrainingOptions), seed=seed)
