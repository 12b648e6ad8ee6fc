"""Parameters of estimators as editors and callers see them: their types, and names that there are not."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import bptt

ESTIMATORS = [bptt.SequenceClassifier, bptt.SequenceRegressor, bptt.SequenceTagger]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_signature_has_types_as_code_writes_them(kind: Any) -> None:
    parameters = inspect.signature(kind).parameters
    assert parameters["cell"].annotation == "str | Cell | list[str | Cell]"
    assert parameters["hidden_size"].annotation == "int"
    assert parameters["feed_forward"].annotation.startswith("tuple[int, ...]")
    assert parameters["learning_rate"].annotation == "float | None"
    optimisers = "Literal['adam', 'adamw', 'adagrad', 'sgd', 'lbfgs', 'newton', 'gauss-newton']"
    assert parameters["optimiser"].annotation == optimisers
    for each in parameters.values():
        assert "class" not in each.annotation and "typing" not in each.annotation
        assert each.default is not None or each.annotation.endswith("| None")


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize(
    ("name", "near"),
    [("hidden", "hidden_size"), ("hiden_size", "hidden_size"), ("lr", "learning_rate"), ("epocs", "epochs")],
)
def test_a_parameter_that_there_is_not_is_refused_with_the_nearest(kind: Any, name: str, near: str) -> None:
    with pytest.raises(bptt.InputError) as error:
        kind(**{name: 1})
    words = f"is the name of a parameter, got no such parameter. Did you mean {near}?"
    assert str(error.value) == f"{kind.__name__}({name}): {words}"
    # As Python itself says it.
    assert isinstance(error.value, TypeError)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_parameter_is_given_by_its_name(kind: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{kind.__name__}\.__init__\(\) takes 1 positional argument"):
        kind("gru")


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("inputs", [None, 3, object()])
def test_inputs_that_are_no_sequence_are_refused(kind: Any, inputs: Any) -> None:
    with pytest.raises(bptt.InputError, match=r"^X: is a sequence of (inputs|sentences), got .*Give a list"):
        kind().fit(inputs, [0, 1])


@pytest.mark.parametrize("kind", ESTIMATORS[:2])
def test_a_generator_of_inputs_and_bytes_are_refused(kind: Any) -> None:
    with pytest.raises(bptt.InputError, match=r"^X: is a sequence of inputs, got .*generator.*list\(X\)"):
        kind().fit((text for text in ("a", "b")), [0, 1])
    with pytest.raises(bptt.InputError, match=r"^X: is a sequence of inputs, got one text"):
        kind().fit(b"ab", [0, 1])
