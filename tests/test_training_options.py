"""Every option is checked where it is given."""

from __future__ import annotations

from typing import Any

import pytest

from bptt.errors import InputError
from bptt.training.options import TrainingOptions


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("optimiser", "rmsprop"),
        ("schedule", "step"),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("momentum", -0.1),
        ("weight_decay", -1.0),
        ("decay", 0.0),
        ("decay", 1.1),
        ("warmup", -1),
        ("clip_norm", -1.0),
        ("clip_value", float("nan")),
        ("patience", -1),
        ("seed", -1),
        ("seed", 2**63),
        ("evaluate_every", -5),
        ("log_every", 0),
        ("checkpoint_every", -1.0),
        ("precision", "bf8"),
    ],
)
def test_a_wrong_value_is_named(option: str, value: Any) -> None:
    values = {"schedule": "plateau", "optimiser": "sgd", option: value}
    with pytest.raises(InputError) as caught:
        TrainingOptions(**values)
    assert option in str(caught.value)
    assert str(value) in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"momentum": 0.9},
        {"decay": 0.5},
        {"optimiser": "lbfgs", "weight_decay": 0.1},
        {"optimiser": "lbfgs", "clip_norm": 1.0},
        {"optimiser": "lbfgs", "clip_value": 1.0},
        {"optimiser": "lbfgs", "precision": "bf16"},
        {"optimiser": "newton", "precision": "bf16"},
    ],
)
def test_options_that_would_do_nothing_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        TrainingOptions(**values)


def test_usual_values_depend_on_the_optimiser_and_stand_in_the_configuration() -> None:
    adam, lbfgs = TrainingOptions(), TrainingOptions(optimiser="lbfgs")
    by_value = TrainingOptions(clip_value=1.0)
    assert (adam.peak_rate, adam.norm_limit) == (4e-3, 1.0)
    assert (lbfgs.peak_rate, lbfgs.norm_limit) == (1.0, 0.0)
    assert (adam.rate_schedule, lbfgs.rate_schedule) == ("cosine", "constant")
    assert by_value.norm_limit == 0.0
    assert adam.to_dict()["learning_rate"] == 4e-3
    assert TrainingOptions(learning_rate=0.5, clip_norm=0.0).to_dict()["clip_norm"] == 0.0
