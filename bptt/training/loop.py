"""The training loop: steps, evaluations, records, checkpoints, and how a run ends."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import monotonic

from bptt.errors import InputError
from bptt.jobs.sharing import ALONE
from bptt.jobs.task import SMALLER_IS_BETTER, Task
from bptt.runs.memory import within_memory
from bptt.runs.placement import Placement
from bptt.runs.processes import Processes
from bptt.training import checkpoint
from bptt.training.gradient_sum import NOTHING_NEW, News
from bptt.training.grouped import build_updater, sharing_of
from bptt.training.guarded import Guarded
from bptt.training.health import Place, check_loss, check_update, check_weights
from bptt.training.interrupt import Interrupt
from bptt.training.keeping import Keeper
from bptt.training.observer import NoObserver, UpdateObserver
from bptt.training.opening import Opened, check_run, keep_options, open_run
from bptt.training.optimiser import build_optimiser, learning_rate, set_learning_rate
from bptt.training.options import TrainingOptions
from bptt.training.random_state import seed
from bptt.training.reading_progress import reading_shown
from bptt.training.report import Evaluation, Outcome, Progress, Reporter, Silent, Status
from bptt.training.run_lock import locked
from bptt.training.same_training import check_agreement
from bptt.training.state import State
from bptt.training.update import Update, count_steps

_NOTHING_HELD_OUT = (
    "nothing is held out: the last weights are kept; patience and the schedule plateau have no effect"
)
_HERE = Placement()
# Seconds in which a process of before a restart notices that it is alone.
_PATIENCE = 60.0
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
    until: int | None = None,
    placement: Placement = _HERE,
) -> Outcome:
    """Train `task.model` and keep everything in the folder `run`.

    `run/model.safetensors` holds the weights of the best held-out criterion, `run/last` all that an
    exact resume needs, `run/metrics.jsonl` the records. With `resume` a run goes on from its last
    checkpoint and comes to the same numbers as one that never stopped; a folder without a
    checkpoint is begun. Ctrl-C, SIGTERM, SIGHUP and a reporter that can write no more end the step, save, and
    return an Outcome that says so.
    With `until` the run is saved and pauses after that many epochs, on the schedule of all of them.
    An `observer` looks at the gradient; what it sees is recorded too, and the weights are what they are
    without it. The model is moved to the device of `placement`, and each batch after it; a run may go on
    on another device than it began on.

    Raises InputError if `run` is taken or was begun with another configuration, TrainingError on
    NaN, infinity or divergence, MachineError if the disk or the memory is full; the last checkpoint
    stays.
    """
    processes = Processes.of(placement)
    first = processes.is_first
    # Before the lock makes the folder; and once more when no other process can change it.
    processes.together(lambda: check_run(run, resume, overwrite) if first else None)
    check_agreement(task, options, placement)
    several = processes.size > 1
    with ExitStack() as held, Interrupt(several) as interrupt, within_memory("training", _SMALLER):
        # After a restart the process before may hold the lock until it finds its partners gone.
        waits = _PATIENCE if several else 0.0
        processes.together(lambda: held.enter_context(locked(run, waits)) if first else None)
        opened = reading_shown(reporter, "hashing")(_open)(processes, task, options, run, resume, overwrite)
        reporter = Guarded(reporter if first else Silent(), interrupt.on_broken_output)
        saved, options = opened.saved, opened.options
        # Before the optimiser takes the parameters.
        placement.place(task.model)
        looks = observer or NoObserver()
        loop = processes.together(lambda: _Loop(task, options, run, reporter, looks, processes))
        try:
            if saved:
                loop.restore()
                processes.together(lambda: keep_options(task, options, run) if first else None)
                for note in opened.notes:
                    reporter.on_message(note)
            else:
                loop.begin()
            if not task.holds_out:
                reporter.on_message(_NOTHING_HELD_OUT)
            if resume and not saved:
                reporter.on_message(f"{run} holds no checkpoint to go on from: training begins")
            return loop.run(interrupt, options.epochs if until is None else until)
        finally:
            task.sharing = ALONE
            reporter.on_end()


def _open(
    processes: Processes, task: Task, options: TrainingOptions, run: Path, resume: bool, overwrite: bool
) -> Opened:
    """Open the run in the first process; return the same in all of them."""

    def opened() -> tuple[bool, tuple[int, ...], tuple[str, ...]]:
        found = open_run(task, options, run, resume=resume, overwrite=overwrite)
        return found.saved, found.options.stages, found.notes

    saved, stages, notes = processes.of_first(opened)
    return Opened(saved, replace(options, stages=tuple(stages)), tuple(notes))


class _Loop:
    def __init__(
        self,
        task: Task,
        options: TrainingOptions,
        run: Path,
        reporter: Reporter,
        observer: UpdateObserver,
        processes: Processes,
    ) -> None:
        self._task, self._options, self._run = task, options, run
        self._reporter, self._processes = reporter, processes
        self._model = task.model
        parameters = [p for p in task.model.parameters() if p.requires_grad]
        self._optimiser = build_optimiser(parameters, options)
        self._updater = build_updater(task, parameters, self._optimiser, options, observer, processes)
        task.sharing = sharing_of(processes, options)
        self._steps = count_steps(task, options, options.epochs)
        self._state = State()
        self._kept = Keeper(run, task, self._optimiser, processes, options.checkpoints)
        # Of the last update, of all processes.
        self._agreed = NOTHING_NEW
        # Of the criterion, in the score, which is the better the larger.
        self._sign = -1 if task.criterion in SMALLER_IS_BETTER else 1

    def begin(self) -> None:
        """Seed the random generators and keep the first checkpoint: a kill costs no exactness."""
        seed(self._options.seed)
        self._save()
        self._kept.shared(self._state)

    def restore(self) -> None:
        """Take up the last checkpoint, and drop the records made after it."""
        state, notes = self._kept.restore(self._check_place)
        self._state = replace(state, carry=self._updater.take_up(state.carry))
        at = f"step {self._state.step}, epoch {self._state.epochs_begun}"
        self._reporter.on_message(f"{self._run} goes on from {at}")
        for note in notes:
            self._reporter.on_message(note)

    def _check_place(self, state: State) -> None:
        """Raise InputError unless the next batch is one of the run."""
        epoch, index = state.epoch, state.index
        if epoch > len(self._steps) or index >= [*self._steps, 1][epoch]:
            where, got = str(self._run / checkpoint.FILE), f"epoch {epoch}, batch {index}"
            raise InputError(where, "must be the checkpoint of this run", got, "Bring back the one of it")

    def run(self, interrupt: Interrupt, until: int) -> Outcome:
        """Train until the epochs or the patience are spent, `until` epochs are done, or a signal comes."""
        if self._is_over():
            self._reporter.on_message(self._how_to_go_on())
            return self._outcome("finished before")
        self._reporter.on_start(self._state.step, sum(self._steps), self._task.unit)
        self._model.train()
        while not self._is_over() and self._state.epoch < until and not self._news(interrupt).signal:
            self._advance(interrupt)
            if self._evaluation_is_due():
                self._evaluate()
                self._save()
            elif self._news(interrupt).save:
                self._save()
        if not self._is_over():
            return self._interrupted(self._news(interrupt).signal)
        whole = self._state.epoch == self._options.epochs
        return self._outcome("finished" if whole else "stopped early")

    def _news(self, interrupt: Interrupt) -> News:
        """Return whether to stop or to save: several processes do so after the same update."""
        return self._own_news(interrupt) if self._processes.size == 1 else self._agreed

    def _own_news(self, interrupt: Interrupt) -> News:
        due = monotonic() - self._kept.saved_at >= self._options.checkpoint_every
        return News(interrupt.signal or 0, due and self._processes.is_first)

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

    def _advance(self, interrupt: Interrupt) -> None:
        """Make one update, and the records that are due."""
        before = self._state
        steps = self._steps[before.epoch]
        epochs_done = before.epoch + before.index / steps
        rate = learning_rate(self._options, before.step, epochs_done, before.reductions)
        set_learning_rate(self._optimiser, rate)
        update = self._update(self._own_news(interrupt))
        self._agreed = update.news
        self._state = before.after(update, steps)
        self._tell(update)
        if update.seen is not None:
            self._kept.append("gradient", self._state, **asdict(update.seen))
            self._reporter.on_gradient(self._state.step, update.seen)
        if self._state.step % self._options.log_every == 0 or self._state.index == 0:
            self._record(rate, update.norm)

    def _update(self, news: News) -> Update:
        state = self._state
        place = self._place(state.epoch + 1, state.step + 1)
        check = partial(check_update, self._model, place, self._diagnose)
        if self._options.takes_whole_set:
            return self._updater.on_whole_set(state.epoch, check, news)
        return self._updater.on_batch(place.step, state.epoch, state.index, state.carry, check, news)

    def _diagnose(self) -> str | None:
        """Return the observer's findings in the batches of the update that goes wrong, each run once more."""
        state = self._state
        batches = range(self._task.steps(state.epoch)) if self._options.takes_whole_set else [state.index]
        return self._updater.diagnose(state.epoch, batches, state.carry)

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
        values = {"loss": loss, "units": units, "learning_rate": rate, "gradient_norm": norm}
        self._kept.append("train", self._state, **values)

    def _evaluate(self) -> None:
        """Score the held-out data and keep the weights if they are the best so far; or there is none."""
        check_weights(self._model, self._here())
        if not self._task.holds_out:
            self._kept.write_weights()
            return
        metrics = self._processes.agreed(self._task.evaluate)
        self._model.train()
        check_loss(metrics["loss"], self._state.first_loss, self._here())
        self._kept.append("held-out", self._state, **metrics)
        score = self._sign * metrics[self._task.criterion]
        waiting = self._task.is_waiting(metrics)
        self._state = self._state.after_evaluation(score, metrics["loss"], waiting)
        best = self._state.best_step == self._state.step
        if best:
            self._kept.write_weights()
        epoch, epochs = self._state.epochs_begun, self._options.epochs
        about = self._task.criterion, best, self._task.measure, self._task.shown
        evaluation = Evaluation(epoch, epochs, self._state.step, metrics, *about)
        self._reporter.on_evaluate(evaluation)

    def _save(self) -> None:
        check_weights(self._model, self._here())
        self._state = self._kept.save(self._state)

    def _interrupted(self, signal: int) -> Outcome:
        if self._kept.saved_step != self._state.step:
            self._save()
        if not self._kept.has_weights or not self._task.holds_out:
            # Not evaluated yet, or never; but a run that was stopped should be of use.
            self._kept.write_weights()
        return replace(self._outcome("interrupted" if signal else "paused"), signal=signal or None)

    def _outcome(self, status: Status) -> Outcome:
        state = self._state
        seconds = monotonic() - self._kept.began
        best = self._task.criterion, self._sign * state.best_score, state.best_step
        return Outcome(
            self._run, status, state.epochs_begun, state.step, *best, seconds, measure=self._task.measure
        )

    def _here(self) -> Place:
        return self._place(self._state.epochs_begun, self._state.step)

    def _place(self, epoch: int, step: int) -> Place:
        return Place(str(self._run), epoch, step, self._kept.saved_step)
