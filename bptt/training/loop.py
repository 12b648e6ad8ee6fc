"""The training loop: steps, evaluations, records, checkpoints, and how a run ends."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import monotonic

from torch import Tensor

from bptt.errors import InputError
from bptt.jobs.task import SMALLER_IS_BETTER, Task
from bptt.runs.memory import within_memory
from bptt.runs.placement import Placement
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.training import checkpoint
from bptt.training.guarded import Guarded
from bptt.training.health import Place, check_loss, check_update, check_weights
from bptt.training.interrupt import Interrupt
from bptt.training.observer import NoObserver, UpdateObserver
from bptt.training.opening import RECORDS, check_run, keep_options, open_run
from bptt.training.optimiser import build_optimiser, check_optimiser, learning_rate, set_learning_rate
from bptt.training.options import TrainingOptions
from bptt.training.precision import check_precision
from bptt.training.random_state import seed
from bptt.training.record import Record, append_record, cut_back, synced_size
from bptt.training.report import Evaluation, Outcome, Progress, Reporter, Status
from bptt.training.run_lock import locked
from bptt.training.state import State
from bptt.training.update import Update, Updater, count_steps

_NOTHING_HELD_OUT = (
    "nothing is held out: the last weights are kept; patience and the schedule plateau have no effect"
)
_HERE = Placement()
_SMALLER = "Take a smaller batch or model, or fewer steps at a time"


def train(
    task: Task,
    options: TrainingOptions,
    run: Path,
    reporter: Reporter,
    *,
    observer: UpdateObserver | None = None,
    resume: bool = False,
    overwrite: bool = False,
    placement: Placement = _HERE,
) -> Outcome:
    """Train `task.model` and keep everything in the folder `run`.

    `run/model.safetensors` holds the weights of the best held-out criterion, `run/last` all that an
    exact resume needs, `run/metrics.jsonl` the records. With `resume` a run goes on from its last
    checkpoint and comes to the same numbers as one that never stopped; a folder without a
    checkpoint is begun. Ctrl-C, SIGTERM, SIGHUP and a reporter that can write no more end the step, save, and
    return an Outcome that says so.
    An `observer` looks at the gradient; what it sees is recorded too, and the weights are what they are
    without it. The model is moved to the device of `placement`, and each batch after it; a run may go on
    on another device than it began on.

    Raises InputError if `run` is taken or was begun with another configuration, TrainingError on
    NaN, infinity or divergence, MachineError if the disk or the memory is full; the last checkpoint
    stays.
    """
    # Before the lock makes the folder; and once more when no other process can change it.
    check_run(run, resume, overwrite)
    check_optimiser(task, options)
    check_precision(options, placement)
    with locked(run), Interrupt() as interrupt, within_memory("training", _SMALLER):
        reporter = Guarded(reporter, interrupt.on_broken_output)
        opened = open_run(task, options, run, resume=resume, overwrite=overwrite)
        saved, options = opened.saved, opened.options
        # Before the optimiser takes the parameters.
        placement.place(task.model)
        loop = _Loop(task, options, run, reporter, observer or NoObserver())
        try:
            if saved:
                loop.restore()
                keep_options(task, options, run)
                for note in opened.notes:
                    reporter.on_message(note)
            else:
                loop.begin()
            if not task.holds_out:
                reporter.on_message(_NOTHING_HELD_OUT)
            if resume and not saved:
                reporter.on_message(f"{run} holds no checkpoint to go on from: training begins")
            return loop.run(interrupt)
        finally:
            reporter.on_end()


class _Loop:
    def __init__(
        self, task: Task, options: TrainingOptions, run: Path, reporter: Reporter, observer: UpdateObserver
    ) -> None:
        self._task, self._options, self._run = task, options, run
        self._reporter, self._observer = reporter, observer
        self._model = task.model
        parameters = [p for p in task.model.parameters() if p.requires_grad]
        self._optimiser = build_optimiser(parameters, options)
        self._updater = Updater(task, parameters, self._optimiser, options, observer)
        self._steps = count_steps(task, options, options.epochs)
        self._state = State()
        self._saved_step, self._saved_at = 0, monotonic()
        self._began = monotonic()
        # Of the criterion, in the score, which is the better the larger.
        self._sign = -1 if task.criterion in SMALLER_IS_BETTER else 1

    def begin(self) -> None:
        """Seed the random generators and keep the first checkpoint: a kill costs no exactness."""
        seed(self._options.seed)
        self._save()

    def restore(self) -> None:
        """Take up the last checkpoint, and drop the records made after it."""
        self._state, notes = checkpoint.restore(self._run, self._model, self._optimiser)
        self._check_place()
        cut_back(self._run / RECORDS, self._state.records)
        self._saved_step = self._state.step
        self._began -= self._state.seconds
        at = f"step {self._state.step}, epoch {self._state.epochs_begun}"
        self._reporter.on_message(f"{self._run} goes on from {at}")
        for note in notes:
            self._reporter.on_message(note)

    def _check_place(self) -> None:
        """Raise InputError unless the next batch is one of the run."""
        epoch, index = self._state.epoch, self._state.index
        if epoch > len(self._steps) or index >= [*self._steps, 1][epoch]:
            where, got = str(self._run / checkpoint.FILE), f"epoch {epoch}, batch {index}"
            raise InputError(where, "must be the checkpoint of this run", got, "Bring back the one of it")

    def run(self, interrupt: Interrupt) -> Outcome:
        """Train until the epochs or the patience are spent, or a signal comes."""
        if self._is_over():
            self._reporter.on_message(self._how_to_go_on())
            return self._outcome("finished before")
        self._reporter.on_start(self._state.step, sum(self._steps), self._task.unit)
        self._model.train()
        while not self._is_over() and interrupt.signal is None:
            self._advance()
            if self._evaluation_is_due():
                self._evaluate()
                self._save()
            elif monotonic() - self._saved_at >= self._options.checkpoint_every:
                self._save()
        if not self._is_over():
            return self._interrupted(interrupt)
        whole = self._state.epoch == self._options.epochs
        return self._outcome("finished" if whole else "stopped early")

    def _is_over(self) -> bool:
        patience = self._options.patience
        spent = patience > 0 and self._state.misses >= patience
        return spent or self._state.epoch >= self._options.epochs

    def _how_to_go_on(self) -> str:
        if self._state.epoch >= self._options.epochs:
            return f"all {self._options.epochs} epochs are done: a larger `epochs` adds some"
        return f"stopped early: a patience above {self._options.patience}, or 0 for no limit, lets it go on"

    def _evaluation_is_due(self) -> bool:
        every, state = self._options.evaluate_every, self._state
        last = state.index == 0 and state.epoch in (*self._options.stages, self._options.epochs)
        return last or (state.step % every == 0 if every else state.index == 0)

    def _advance(self) -> None:
        """Make one update, and the records that are due."""
        before = self._state
        steps = self._steps[before.epoch]
        epochs_done = before.epoch + before.index / steps
        rate = learning_rate(self._options, before.step, epochs_done, before.reductions)
        set_learning_rate(self._optimiser, rate)
        update = self._update()
        self._state = before.after(update, steps)
        self._tell(update)
        if update.seen is not None:
            self._append("gradient", **asdict(update.seen))
            self._reporter.on_gradient(self._state.step, update.seen)
        if self._state.step % self._options.log_every == 0 or self._state.index == 0:
            self._record(rate, update.norm)

    def _update(self) -> Update:
        state = self._state
        place = self._place(state.epoch + 1, state.step + 1)
        check = partial(check_update, self._model, place, self._diagnose)
        if self._options.takes_whole_set:
            return self._updater.on_whole_set(state.epoch, check)
        return self._updater.on_batch(place.step, state.epoch, state.index, state.carry, check)

    def _diagnose(self) -> str | None:
        """Return the observer's findings in the batches of the update that goes wrong, each run once more."""
        state, carried = self._state, [self._state.carry]

        def again(index: int) -> Tensor:
            step = self._task.step(state.epoch, index, carried[-1])
            carried.append(step.carry)
            return step.loss

        whole = self._options.takes_whole_set
        batches = range(self._task.steps(state.epoch)) if whole else [state.index]
        found = (self._observer.diagnose(partial(again, index)) for index in batches)
        return next(filter(None, found), None)

    def _tell(self, update: Update) -> None:
        epoch, epochs = self._state.epochs_begun, self._options.epochs
        steps = sum(self._steps)
        progress = Progress(epoch, epochs, self._state.step, steps, update.loss, update.units)
        self._reporter.on_step(progress)

    def _record(self, rate: float, norm: float) -> None:
        """Record the mean training loss since the record before, and have a look at it."""
        loss, units = self._state.loss_sum / self._state.units, self._state.units
        self._state = self._state.after_record()
        check_loss(loss, self._state.first_loss, self._here())
        self._append("train", loss=loss, units=units, learning_rate=rate, gradient_norm=norm)

    def _evaluate(self) -> None:
        """Score the held-out data and keep the weights if they are the best so far; or there is none."""
        check_weights(self._model, self._here())
        if not self._task.holds_out:
            self._write_weights()
            return
        metrics = self._task.evaluate()
        self._model.train()
        check_loss(metrics["loss"], self._state.first_loss, self._here())
        self._append("held-out", **metrics)
        score = self._sign * metrics[self._task.criterion]
        waiting = self._task.is_waiting(metrics)
        self._state = self._state.after_evaluation(score, metrics["loss"], waiting)
        best = self._state.best_step == self._state.step
        if best:
            self._write_weights()
        epoch, epochs = self._state.epochs_begun, self._options.epochs
        about = self._task.criterion, best, self._task.measure, self._task.shown
        evaluation = Evaluation(epoch, epochs, self._state.step, metrics, *about)
        self._reporter.on_evaluate(evaluation)

    def _append(self, kind: str, **values: object) -> None:
        record: Record = {
            "kind": kind,
            "step": self._state.step,
            "epoch": self._state.epochs_begun,
            **values,
            "seconds": round(monotonic() - self._began, 3),
        }
        append_record(self._run / RECORDS, record)

    def _save(self) -> None:
        check_weights(self._model, self._here())
        size, seconds = synced_size(self._run / RECORDS), monotonic() - self._began
        self._state = replace(self._state, records=size, seconds=seconds)
        keep = self._options.checkpoints
        checkpoint.save(self._run, self._model, self._optimiser, self._state, keep)
        self._saved_step, self._saved_at = self._state.step, monotonic()

    def _write_weights(self) -> None:
        write_weights(self._model, self._run / WEIGHTS, self._task.metadata)

    def _interrupted(self, interrupt: Interrupt) -> Outcome:
        if self._saved_step != self._state.step:
            self._save()
        if not (self._run / WEIGHTS).exists() or not self._task.holds_out:
            # Not evaluated yet, or never; but a run that was stopped should be of use.
            self._write_weights()
        return replace(self._outcome("interrupted"), signal=interrupt.signal)

    def _outcome(self, status: Status) -> Outcome:
        state = self._state
        seconds = monotonic() - self._began
        best = self._task.criterion, self._sign * state.best_score, state.best_step
        return Outcome(
            self._run, status, state.epochs_begun, state.step, *best, seconds, measure=self._task.measure
        )

    def _here(self) -> Place:
        return self._place(self._state.epochs_begun, self._state.step)

    def _place(self, epoch: int, step: int) -> Place:
        return Place(str(self._run), epoch, step, self._saved_step)
