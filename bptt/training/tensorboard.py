"""The one door to TensorBoard: the messages of the loop, as scalars in a folder."""

from __future__ import annotations

from pathlib import Path

from bptt.errors import InputError
from bptt.files import kind_of
from bptt.training.claim import own_files, refuse_foreign
from bptt.training.observer import GradientRecord
from bptt.training.report import Evaluation, Progress, Reporter

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError as error:
    cure = "pip install 'bptt[tensorboard]'"
    raise InputError("tensorboard", "needs the package tensorboard", error, cure) from error

# Steps between points of the training loss.
_EVERY = 10
# How the files of a SummaryWriter are named.
_EVENTS = "events.out.tfevents.*"


class TensorBoardReporter:
    """Writes "train/loss", "held-out/NAME" for each metric, and for each watched layer how far back its
    gradient reaches, "tenth/NAME", and "factor/NAME", by step; every message is passed on to `inner`.

    `folder` is in the folder of the run. A resumed run overwrites the points behind the step from which it
    goes on; a new run removes those of the run before. Raises InputError if `folder` is a link, or there
    already and no run beside it.
    """

    def __init__(self, inner: Reporter, folder: Path) -> None:
        if kind_of(folder) != "a folder" or own_files(folder.parent) is None:
            refuse_foreign(folder)
        self._inner, self._folder = inner, folder
        self._writer: SummaryWriter | None = None
        self.on_message = inner.on_message

    def on_start(self, step: int, steps: int, unit: str) -> None:
        """Open the folder."""
        for path in self._folder.glob(_EVENTS) if step == 0 else ():
            path.unlink()
        self._writer = SummaryWriter(str(self._folder), purge_step=step + 1)
        self._inner.on_start(step, steps, unit)

    def on_step(self, progress: Progress) -> None:
        """Add a point of the training loss."""
        if progress.step % _EVERY == 0:
            self._add("train/loss", progress.loss, progress.step)
        self._inner.on_step(progress)

    def on_evaluate(self, evaluation: Evaluation) -> None:
        """Add a point of each metric."""
        for name, value in evaluation.metrics.items():
            self._add(f"held-out/{name}", value, evaluation.step)
        self._inner.on_evaluate(evaluation)

    def on_gradient(self, step: int, seen: GradientRecord) -> None:
        """Add a point of each factor, and of the lag with a tenth where there is one."""
        for curve in seen.curves:
            name = f"{curve.layer} {curve.quantity}"
            self._add(f"factor/{name}", curve.factor, step)
            if curve.tenth is not None:
                self._add(f"tenth/{name}", curve.tenth, step)
        self._inner.on_gradient(step, seen)

    def on_end(self) -> None:
        """Close the folder."""
        if self._writer is not None:
            self._writer.close()
        self._inner.on_end()

    def _add(self, name: str, value: float, step: int) -> None:
        assert self._writer is not None
        self._writer.add_scalar(name, value, step)
