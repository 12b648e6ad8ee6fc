"""How to train: every choice of the loop in one checked value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from typing import Any, Literal

from bptt.errors import InputError
from bptt.options.checks import check_finite, is_number
from bptt.options.field import check_fields, magnitudes, option, times

Optimiser = Literal["adam", "adamw", "adagrad", "sgd", "lbfgs", "newton", "gauss-newton"]
# They take one step an epoch, on all the data.
WHOLE_SET = ("lbfgs", "newton", "gauss-newton")
SECOND_ORDER = ("newton", "gauss-newton")
Schedule = Literal["constant", "linear", "cosine", "exponential", "plateau"]
# Schedules that depend on the number of epochs.
ENDING = ("linear", "cosine")
Precision = Literal["float32", "bf16"]
Reduce = Literal["tree", "fast"]

# Values for options that are None.
_LEARNING_RATE = {"adam": 4e-3, "adamw": 4e-3, "adagrad": 0.1}
_DECAY = {"exponential": 0.9, "plateau": 0.5}
_CLIP_NORM = 1.0
# The loop counts the steps of every epoch before it begins.
_MOST_EPOCHS = 1_000_000
_MOST_GROUPS = 65_536

# Adam needs about this number of updates to fit some hundred short examples; ten epochs of a hundred are 40.
LEAST_UPDATES = 300


def usual_epochs(updates: int, least: int = 0) -> int:
    """Return the epochs for examples of which an epoch makes this number of updates: enough for `least` of
    them (0: the usual number).
    """
    return max(TrainingOptions.epochs, ceil((least or LEAST_UPDATES) / updates))


@dataclass(frozen=True)
class TrainingOptions:
    """The choices of the training loop. A limit of 0 means no limit; None means the usual value.

    The learning rate rises linearly over `warmup` steps to `learning_rate` (None: 0.004 for Adam
    and AdamW, 0.1 for Adagrad, 1 for SGD and L-BFGS). After that `schedule` (None: cosine, for L-BFGS
    constant) multiplies it:

    - ``constant``: by 1;
    - ``linear`` and ``cosine``: from 1 down to 0 at the end of the last epoch. Epochs that were added to a
      run are a stage of their own, over which the schedule begins anew: `stages` holds the numbers of
      epochs at which a run was to end before, in rising order;
    - ``exponential``: by `decay` (None: 0.9) after each epoch;
    - ``plateau``: by `decay` (None: 0.5) after each evaluation that is not the best so far.

    `clip_value` bounds each element of the gradient, then `clip_norm` the norm of the whole
    gradient (None: 1, or no limit if `clip_value` is given). L-BFGS looks at the whole training
    set in each step, so that one epoch is one step; its line search takes the place of clipping,
    weight decay and momentum. Newton's method and that of Gauss and Newton look at the whole set too and
    compute the curvature of the loss, for networks of some hundred weights; their region of trust takes
    the place of learning rate, schedule, clipping and momentum.

    With the `precision` "bf16" the products of recurrent layers round their factors to bfloat16 in updates;
    states, sums, gradients and the weights that are updated stay in float32, and held-out losses are computed
    in float32. With `groups`, the rows of each batch are cut into that number of parts, whose gradients are
    computed apart and added up in a fixed order; `reduce` says how processes do that. The held-out loss is
    evaluated every `evaluate_every` steps (0: at the end of each epoch). Training ends early after `patience`
    evaluations in a row without a new best. A checkpoint is written after each evaluation and whenever
    `checkpoint_every` seconds have passed.
    Raises InputError naming the option.
    """

    epochs: int = option(
        10,
        "Passes over the data. A resumed run may add some; linear and cosine begin anew over these.",
        usual=f"10, for few labelled examples as many as make {LEAST_UPDATES} updates",
        group="Training",
        least=1,
        most=_MOST_EPOCHS,
        common=True,
        tried=times(0.5, 3),
    )
    optimiser: Optimiser = option(
        "adam",
        "Optimiser; lbfgs, newton and gauss-newton take one step an epoch, on all the data.",
        group="Training",
    )
    learning_rate: float | None = option(
        None,
        "Learning rate.",
        usual="0.004 for Adam, 0.1 for adagrad, else 1",
        group="Training",
        flags="lr learning-rate",
        common=True,
        tried=times(0.2, 4),
    )
    momentum: float = option(0.0, "Momentum of sgd.", group="Training", least=0)
    weight_decay: float = option(
        0.0, "Weight decay.", group="Training", least=0, tried=magnitudes(1e-6, 1e-3)
    )
    schedule: Schedule | None = option(
        None, "Schedule of the learning rate.", usual="cosine; constant for lbfgs, newton", group="Training"
    )
    decay: float | None = option(
        None,
        "Factor of exponential (default: 0.9 an epoch) and plateau (0.5 without improvement).",
        group="Training",
    )
    warmup: int = option(0, "Steps of linear warm-up to the full learning rate.", group="Training", least=0)
    clip_norm: float | None = option(
        None,
        "Largest norm of the gradient (0: no limit).",
        usual="1",
        group="Training",
        flags="clip clip-norm",
        least=0,
    )
    clip_value: float = option(
        0.0, "Largest magnitude of a gradient entry (0: no limit).", group="Training", least=0
    )
    patience: int = option(
        0,
        "Stop after N evaluations without improvement (0: never).",
        group="Training",
        least=0,
        common=True,
    )
    seed: int = option(
        0, "Seed of the weights, the split and the order of the data.", group="Run", least=0, common=True
    )
    evaluate_every: int = option(0, "Steps between evaluations (0: one an epoch).", group="Training", least=0)
    log_every: int = option(10, "Steps between records in metrics.jsonl.", group="Run", least=1)
    checkpoint_every: float = option(300.0, "Seconds between checkpoints.", group="Run", least=0)
    checkpoints: int = option(
        2, "Checkpoints to keep: if the newest is damaged, the one before it is taken.", group="Run", least=1
    )
    precision: Precision = option(
        "float32",
        "Format of the weights in products of recurrent layers, in training; sums and updates stay float32.",
        group="Training",
        added=True,
    )
    groups: int = option(
        0,
        "Groups of rows or streams of a batch (1, 2, 4, 8 ...), whose gradients are computed apart and added "
        "up in a fixed order: the weights are the same for any number of processes up to it (0: none).",
        usual="the number of processes",
        group="Processes",
        least=0,
        most=_MOST_GROUPS,
        added=True,
    )
    reduce: Reduce = option(
        "tree",
        "Sum of gradients over processes: in a fixed order, or fast, in that of the library, for any number "
        "of processes and with other last digits for each.",
        group="Processes",
        added=True,
    )
    stages: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        check_finite("clip_norm", self.norm_limit, 0)
        self._check_rates()
        self._check_pairs()
        if any(begin >= end for begin, end in pairwise((0, *self.stages, self.epochs))):
            rule = f"are rising numbers of epochs below {self.epochs}"
            raise InputError("stages", rule, ", ".join(map(str, self.stages)))

    def stage(self, epochs_done: float) -> tuple[int, int]:
        """Return the epochs after which the stage that follows `epochs_done` epochs begins, and ends."""
        stages = pairwise((0, *self.stages, self.epochs))
        return next((each for each in stages if epochs_done < each[1]), (0, self.epochs))

    @property
    def peak_rate(self) -> float:
        """The learning rate after the warm-up."""
        usual = _LEARNING_RATE.get(self.optimiser, 1.0)
        return usual if self.learning_rate is None else self.learning_rate

    @property
    def rate_schedule(self) -> str:
        """How the learning rate goes on after the warm-up."""
        if self.schedule is not None:
            return self.schedule
        return "constant" if self.takes_whole_set else "cosine"

    @property
    def takes_whole_set(self) -> bool:
        """Whether a step looks at all the data."""
        return self.optimiser in WHOLE_SET

    @property
    def decay_factor(self) -> float:
        """The factor of the exponential and the plateau schedule; 1 for the others."""
        return _DECAY.get(self.rate_schedule, 1.0) if self.decay is None else self.decay

    @property
    def norm_limit(self) -> float:
        """The largest norm of the gradient, 0 for none."""
        if self.clip_norm is not None:
            return self.clip_norm
        return 0.0 if self.clip_value or self.takes_whole_set else _CLIP_NORM

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `config.json`, with defaults filled in; `stages` only where there are
        some, and what older runs lack only where it is not the default.
        """
        usual: dict[str, Any] = {
            "learning_rate": self.peak_rate,
            "schedule": self.rate_schedule,
            "decay": self.decay_factor,
            "clip_norm": self.norm_limit,
        }
        whole = asdict(self) | usual | {"stages": list(self.stages)}
        added = ("precision", "groups", "reduce")
        left_out: dict[str, Any] = {"stages": [], **{name: getattr(TrainingOptions, name) for name in added}}
        return {name: value for name, value in whole.items() if left_out.get(name) != value}

    def _check_rates(self) -> None:
        if not is_number(self.peak_rate) or not 0 < self.peak_rate < float("inf"):
            raise InputError("learning_rate", "must be a number above 0", self.peak_rate)
        if not 0 < self.decay_factor <= 1:
            raise InputError("decay", "must be above 0 and at most 1", self.decay_factor)
        if self.momentum >= 1:
            raise InputError("momentum", "must be below 1", self.momentum)

    def _check_pairs(self) -> None:
        if self.decay is not None and self.rate_schedule not in _DECAY:
            raise InputError("decay", f"needs the schedule {' or '.join(_DECAY)}", self.rate_schedule)
        if self.momentum and self.optimiser != "sgd":
            raise InputError("momentum", "needs the optimiser sgd", self.optimiser)
        if self.takes_whole_set and self.precision != TrainingOptions.precision:
            rule = "needs precision float32: its steps compare losses that rounding would blur"
            raise InputError(self.optimiser, rule, self.precision)
        if self.groups & (self.groups - 1):
            raise InputError("groups", "are a power of two: they are added in a tree", self.groups)
        if self.groups and self.reduce == "fast":
            rule = "computes one gradient in each process"
            raise InputError("reduce fast", rule, f"{self.groups} groups", "Leave `groups` out")
        limited = self.norm_limit or self.clip_value or self.weight_decay
        if self.optimiser == "lbfgs" and limited:
            raise InputError("lbfgs", "takes neither clipping nor weight decay", limited)
        if self.optimiser in SECOND_ORDER:
            self._check_second_order()

    def _check_second_order(self) -> None:
        if self.norm_limit or self.clip_value:
            limit = self.norm_limit or self.clip_value
            rule, got = "takes no clipping: its steps stay in a region of trust", f"{limit:g}"
        elif self.rate_schedule != "constant":
            rule, got = "takes no schedule: its steps follow the curvature", self.rate_schedule
        elif self.warmup:
            rule, got = "takes no warm-up: its steps follow the curvature", f"{self.warmup} steps"
        elif self.peak_rate != 1:
            rule, got = "takes no learning rate: its steps follow the curvature", f"{self.peak_rate:g}"
        else:
            return
        raise InputError(self.optimiser, rule, got, "Leave it out")
