"""Numbers that went wrong: found, named, and the run stopped before they reach a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite

from torch import Tensor
from torch.nn import Module

from bptt.errors import TrainingError

# A mean loss this far above the first one, in units of it or of 1, is no run of bad batches.
_DIVERGED = 10.0

_CURE = "Begin again with a smaller learning rate or a smaller clipping limit"


@dataclass(frozen=True)
class Place:
    """The position of a run, for its messages: the step now, and the step of the last checkpoint."""

    run: str
    epoch: int
    step: int
    saved: int

    def fault(self, rule: str, got: object) -> TrainingError:
        """Return the error that stops the run here."""
        where = f"{self.run}: step {self.step}, epoch {self.epoch}"
        kept = f"The last good checkpoint is {self.run}/last, step {self.saved}"
        return TrainingError(where, rule, got, f"{kept}. {_CURE}")


def check_update(
    model: Module, place: Place, diagnose: Callable[[], str | None], loss: float, norm: float
) -> None:
    """Raise TrainingError if the loss or its gradient is not finite, and say what `diagnose` found, or else
    name the first bad parameter.
    """
    if not (isfinite(loss) and isfinite(norm)):
        rule = "the training loss and its gradient must be finite"
        raise place.fault(rule, f"loss {loss:g}, {diagnose() or _first_bad(model)}")


def check_weights(model: Module, place: Place) -> None:
    """Raise TrainingError if a parameter is not finite, naming the first one."""
    name = _first_not_finite(model.named_parameters())
    if name is not None:
        raise place.fault("the parameters must be finite", f"nan or infinity in {name}")


def check_loss(loss: float, first: float, place: Place) -> None:
    """Raise TrainingError if `loss` is not finite or far above the `first` of the run."""
    limit = first + _DIVERGED * max(abs(first), 1.0)
    if not isfinite(loss):
        raise place.fault("the loss must be finite", f"{loss:g}")
    if loss > limit:
        rule = f"the loss, {first:g} in the beginning, must stay below {limit:g}"
        raise place.fault(rule, f"{loss:g}")


def _first_bad(model: Module) -> str:
    name = _first_not_finite(model.named_parameters())
    if name is not None:
        return f"nan or infinity in parameter {name}"
    gradients = ((n, _values(p.grad)) for n, p in model.named_parameters() if p.grad is not None)
    name = _first_not_finite(gradients)
    if name is not None:
        return f"every parameter finite, nan or infinity in the gradient of {name}"
    return "every parameter and gradient finite, but not the norm of the gradient"


def _values(gradient: Tensor) -> Tensor:
    """Return the numbers of a gradient, which may be row-sparse."""
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def _first_not_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    return next((name for name, tensor in tensors if not tensor.isfinite().all()), None)
