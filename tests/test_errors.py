"""The exceptions: one tree by blame, a text with the rule and the cure, and no loss between processes."""

from __future__ import annotations

import pickle

import pytest

from bptt import errors
from bptt.errors import BpttError, InputError, InternalError, MachineError, TrainingError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InputError("here", "the rule"), "here: the rule"),
        (InputError("here", "the rule", 3), "here: the rule, got 3"),
        (InputError("here", "the rule", 0), "here: the rule, got 0"),
        (InputError("here", "the rule", ""), "here: the rule, got "),
        (InputError("here", "the rule", cure="The cure"), "here: the rule. The cure"),
        (InputError("这里", "规则", (1, 2), "办法"), "这里: 规则, got (1, 2). 办法"),
    ],
)
def test_the_text(error: BpttError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InputError, ValueError),
        (MachineError, OSError),
        (TrainingError, ArithmeticError),
        (InternalError, AssertionError),
    ],
)
def test_the_tree(kind: type[BpttError], builtin: type[Exception]) -> None:
    """Caught as ours or as Python's own."""
    assert issubclass(kind, BpttError) and issubclass(kind, builtin)
    error = kind("here", "the rule", 3, "The cure")
    assert str(error) == "here: the rule, got 3. The cure"
    assert (error.where, error.rule, error.got, error.cure) == ("here", "the rule", 3, "The cure")


@pytest.mark.parametrize("kind", BpttError.__subclasses__())
def test_an_error_survives_the_way_from_another_process(kind: type[BpttError]) -> None:
    """multiprocessing pickles what a worker raises."""
    error = kind("here", "the rule", [1], "The cure")
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is kind and str(found) == str(error) and found.got == [1]


def test_every_exception_of_the_package_is_in_the_tree() -> None:
    kinds = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, BaseException)]
    assert all(issubclass(kind, BpttError) for kind in kinds)
