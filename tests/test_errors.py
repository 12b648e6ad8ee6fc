"""The exceptions: one tree by blame, a text with the rule and the cure, and no loss between processes."""

from __future__ import annotations

import pickle

import pytest

from bptt import errors
from bptt.errors import (
    BpttError,
    InputError,
    InternalError,
    MachineError,
    TensorError,
    TrainingError,
    WrongTypeError,
)


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
    ("got", "shown"),
    [
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[2J\x00\x85", r"\x1b[2J\x00\x85"),
        ("\u2028\u202e\ud83d", r"\u2028\u202e\ud83d"),
        ("很好 می\u200cخواهم 👩\u200d🎤\u3000é", "很好 می\u200cخواهم 👩\u200d🎤\u3000é"),
        ("x" * 1001, "x" * 1000 + "…"),
    ],
)
def test_what_came_is_shown_on_one_line_that_no_terminal_obeys(got: str, shown: str) -> None:
    assert str(InputError(got, got, got)) == f"{shown}: {shown}, got {shown}"


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InputError, ValueError),
        (TensorError, InputError),
        (TensorError, RuntimeError),
        (WrongTypeError, InputError),
        (WrongTypeError, TypeError),
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
