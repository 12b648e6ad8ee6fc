"""The search: trains candidates as long as the budget lasts, then compares the best with the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean
from time import monotonic
from typing import Any

from bptt.options.choices import Choices
from bptt.report.tuning_words import shown_options
from bptt.training.options import TrainingOptions
from bptt.training.run_options import options_of
from bptt.tuning.candidate_training import PartialTraining, TuningProblem, judge, train_to
from bptt.tuning.halving import (
    CONFIRMED,
    DEFAULTS,
    MORE_SEEDS,
    SHARES,
    WHOLE,
    Action,
    RungResult,
    actions,
    winner,
)
from bptt.tuning.journal import Journal
from bptt.tuning.search_progress import Quiet
from bptt.tuning.space import Axis, draw_candidate, find_axes

TRIALS, COMPARED = "trials", "comparison"
# Of the budget, at most: the comparison; some more than its estimate, as the machine may be slower by then.
_COMPARISON, _SLACK = 0.5, 1.1
# Options without effect where nothing is embedded, such as series.
_OF_TOKENS = "embedding_size", "token_dropout"
# Pairs of trainings that a comparison makes even if the time is over.
_LEAST_PAIRS = 2


class OptionSearch:
    """A search in the folder of `journal`: trains what `halving.actions` proposes and the budget allows."""

    def __init__(self, problem: TuningProblem, journal: Journal, shows: Quiet) -> None:
        self._problem, self._journal, self._shows = problem, journal, shows
        self._folder = problem.options.output
        self._budget = problem.options.limit
        self._options = options_of(problem.job.options)
        self._usual = self._training_defaults()

    def run(self) -> int:
        """Train candidates until the budget is spent, and return the number of the best."""
        while (action := self._next()) is not None:
            self._train(action)
        return winner(self._journal.results)

    def axes(self) -> tuple[Axis, ...]:
        """Return the options that are tried; known when the defaults have been trained."""
        own = next(self._journal.of("rung"))
        usual = {**self._usual, "epochs": int(own["all_epochs"])}
        fixed = {*self._problem.fixed, *(() if own["embeds"] else _OF_TOKENS)}
        return find_axes(self._options, fixed, usual)

    def values_of(self, number: int) -> dict[str, Any]:
        """Return the options of a candidate that are not the defaults."""
        return {} if number == DEFAULTS else draw_candidate(self.axes(), self._problem.seed, number)

    def compare(self, best: int) -> None:
        """Train the defaults and the best candidate from fresh seeds, in turns, and judge both."""
        seeds = self._problem.options.seeds
        for pair in range(1, seeds + 1):
            spent = self._budget.seconds is not None and self._journal.seconds >= self._budget.seconds
            if spent and pair > _LEAST_PAIRS and not self._judged(best, pair):
                self._shows.say(f"the budget is spent: {pair - 1} of {seeds} pairs are compared")
                return
            for candidate in (DEFAULTS, best):
                if not self._judged(candidate, pair):
                    self._compare(candidate, pair)

    def _training_defaults(self) -> dict[str, Any]:
        """Return the values that the loop takes for options left out, such as the learning rate."""
        chosen = Choices(self._options, self._problem.fixed).make(TrainingOptions)
        return chosen.to_dict()

    def _next(self) -> Action | None:
        """Return the best action that the budget allows, None at the end."""
        results = self._journal.results
        begun = 1 + max((each.candidate for each in results), default=-1)
        for action in actions(results, begun):
            if not results or action.candidate == DEFAULTS:
                return action
            if self._budget.candidates is not None:
                if action.rung > 0 or action.candidate < self._budget.candidates:
                    return action
            elif self._fits(action, results):
                return action
        return None

    def _fits(self, action: Action, results: list[RungResult]) -> bool:
        """Return whether the time is enough for an action, and for the comparison after it."""
        assert self._budget.seconds is not None
        whole = _seconds_of(results, DEFAULTS)
        reserve = _SLACK * self._problem.options.seeds * (whole + _seconds_of(results, winner(results)))
        left = self._budget.seconds - min(reserve, _COMPARISON * self._budget.seconds)
        if action.rung == 0:
            first = [each.seconds for each in results if each.rung == 0]
            needed = mean(first)
        elif action.rung == CONFIRMED:
            # The defaults go along.
            needed = MORE_SEEDS * (whole + _seconds_of(results, action.candidate))
        else:
            share = SHARES[action.rung] - SHARES[action.rung - 1]
            needed = share * _seconds_of(results, action.candidate)
        return self._journal.seconds + needed <= left

    def _train(self, action: Action) -> None:
        number, rung = action.candidate, action.rung
        values, began = self.values_of(number) if self._journal.entries else {}, monotonic()
        title = "defaults" if number == DEFAULTS else f"candidate {number}"
        found = self._train_on(number, rung, values, title)
        result = RungResult(number, rung, found.score, round(monotonic() - began, 3))
        self._journal.add_rung(result, found, values, 1 + MORE_SEEDS * (rung == CONFIRMED))
        begun = 1 + max(each.candidate for each in self._journal.results)
        changed = f" ({shown_options(values)})" if values and rung == 0 else ""
        self._shows.step(f"{title}{changed}: {_described(found, rung)}", self._journal.seconds, begun)

    def _train_on(self, number: int, rung: int, values: Mapping[str, Any], title: str) -> PartialTraining:
        """Train a candidate on to a rung; on the last one, return the means over all seeds."""
        folder = self._folder / TRIALS / _name(number)
        if rung < CONFIRMED:
            return train_to(self._problem, values, folder, rung, self._shows.training(title))
        found = [train_to(self._problem, values, folder, WHOLE, self._shows.training(title))]
        for more in range(1, MORE_SEEDS + 1):
            run = folder.with_name(f"{folder.name}.seed-{self._problem.seed + more}")
            reporter = self._shows.training(f"{title}, seed {self._problem.seed + more}")
            found.append(train_to(self._problem, values, run, WHOLE, reporter, more))
        failure = next((each.failure for each in found if each.failure), "")
        if failure:
            return found[0] if found[0].failure else next(each for each in found if each.failure)
        value = mean(each.value for each in found if each.value is not None)
        loss = mean(each.loss for each in found if each.loss is not None)
        return PartialTraining(found[0].criterion, value, loss, found[0].epochs, found[0].all_epochs)

    def _judged(self, candidate: int, pair: int) -> bool:
        found = self._journal.of("judged")
        return any(each["candidate"] == candidate and each["seed"] == self._seed(pair) for each in found)

    def _seed(self, pair: int) -> int:
        """Return the seed of a pair: none that the search has used."""
        return self._problem.seed + MORE_SEEDS + pair

    def _compare(self, candidate: int, pair: int) -> None:
        began, seed = monotonic(), self._seed(pair)
        title = "defaults" if candidate == DEFAULTS else "tuned"
        values = self.values_of(candidate)
        run = self._folder / COMPARED / f"{_name(candidate)}.seed-{seed}"
        reporter = self._shows.training(f"{title}, seed {seed}")
        found = train_to(self._problem, values, run, WHOLE, reporter, MORE_SEEDS + pair)
        metric, value = judge(self._problem, values, run) if not found.failure else (found.criterion, None)
        seconds = round(monotonic() - began, 3)
        self._journal.add_judged(candidate, seed, metric, value, seconds)
        begun = 1 + max(each.candidate for each in self._journal.results)
        shown = "failed" if value is None else f"{metric} {value:.4f}"
        self._shows.step(f"comparison, {title}, seed {seed}: {shown}", self._journal.seconds, begun)


def _described(found: PartialTraining, rung: int) -> str:
    if found.failure or found.value is None:
        return f"failed: {found.failure}"
    mean_of = f", mean of {1 + MORE_SEEDS} seeds" if rung == CONFIRMED else ""
    return f"{found.criterion} {found.value:.4f} after {found.epochs} of {found.all_epochs} epochs{mean_of}"


def _seconds_of(results: list[RungResult], candidate: int) -> float:
    """Return the time of one whole training of a candidate: measured, or estimated from the rungs it has."""
    own = {each.rung: each.seconds for each in results if each.candidate == candidate and each.rung <= WHOLE}
    return sum(own.values()) / SHARES[max(own)] if own else 0.0


def _name(candidate: int) -> str:
    return "defaults" if candidate == DEFAULTS else f"{candidate:03}"
