"""What it costs to see through time: the T x T picture beside brute force, a watched training beside itself.

python benchmarks/probes.py
python benchmarks/probes.py --threads 1 --rounds 3 --steps 64 --every 5

All who are compared take turns in this process; what is shown is the median over the rounds, with half the
distance of the quartiles. Denormal numbers count as zero, for all.
"""

from __future__ import annotations

import argparse
import copy
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from math import inf

import torch
from torch import Tensor

from bptt import nn
from bptt.bench.cases import Case, Model
from bptt.bench.contender import Contender
from bptt.bench.contender_names import EAGER, LAYER, OURS, PLAIN
from bptt.bench.page_section import describe, markdown
from bptt.bench.request import Budget, Request
from bptt.bench.result_tables import ResultTable
from bptt.bench.results import Measurement, ProcessRun, Report
from bptt.bench.rounds import measure
from bptt.bench.training import Loss, PlainModel, TrainingStep
from bptt.bench.worker import environment
from bptt.cells import catalogue
from bptt.cli.machine import prepare
from bptt.jobs.language.evaluation import mean_loss
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.options import ModelOptions
from bptt.probe import Watch, gradient_maps, watch
from bptt.training.optimiser import clip_gradient
from bptt.training.options import TrainingOptions

INPUTS, HIDDEN = 64, 256
# The model of the demo: V, layers, and T, B, D, H.
DEMO = Model(100, 2, (50, 32, 64, 256), "adam")
WATCHED = "watched"


class Work(Contender):
    """A function under a name; what it computes has one name for all."""

    def __init__(self, name: str, do: Callable[[], Tensor]) -> None:
        self.name, self._do = name, do

    def step(self) -> Tensor:
        """Do it."""
        return self._do()

    def numbers(self) -> Mapping[str, Tensor]:
        """What it computes."""
        return {"picture": self._do()}


def compare(case: Case, contenders: Sequence[Contender], rounds: int) -> Measurement:
    """Let them take turns; each has run once before."""
    found = measure(contenders, Budget(rounds, inf))
    return Measurement(case, found.seconds, {}, 0.0, 0.0, {}, found.rejected, found.noisy, ())


def shown(outcome: Measurement, name: str, unit: float, decimals: int) -> str:
    """The time of a step."""
    return f"{unit * outcome.median(name):.{decimals}f} ± {unit * outcome.spread(name):.{decimals}f}"


def marked(text: str, outcome: Measurement) -> str:
    """With a mark if others used the processor in hardly all rounds."""
    return f"{text} ~" if outcome.noisy else text


# ---- the picture


def our_picture(lstm: nn.LSTM, x: Tensor, weights: Tensor) -> Tensor:
    """‖∂E_m/∂net_n‖, (T, T), of E_m = w_m · h_m."""

    def losses(steps: Sequence[int]) -> Tensor:
        output, _ = lstm(x.expand(-1, len(steps), -1))
        last: Tensor = output[list(steps), range(len(steps))]
        return (last * weights[list(steps)]).sum(-1)

    return gradient_maps(lstm, losses, range(len(x)))[0].net


def looped_picture(lstm: torch.nn.LSTM, x: Tensor, weights: Tensor) -> Tensor:
    """The same, by a loop over time in torch, and a backward pass for each loss step."""
    W, R, b, c = (p.detach() for p in lstm.parameters())
    nets = (x @ W.T + b + c).requires_grad_()
    h = state = x.new_zeros(1, lstm.hidden_size)
    losses = []
    for net, weight in zip(nets, weights, strict=True):
        i, f, g, o = (net + h @ R.T).chunk(4, -1)
        state = f.sigmoid() * state + i.sigmoid() * g.tanh()
        h = o.sigmoid() * state.tanh()
        losses.append((h * weight).sum())
    return _gradients(losses, nets)


def input_picture(lstm: torch.nn.LSTM, x: Tensor, weights: Tensor) -> Tensor:
    """‖∂E_m/∂x_n‖, all that a layer of torch.nn tells: less than is asked for, a bound on its time."""
    x = x.detach().requires_grad_()
    return _gradients((lstm(x)[0][:, 0] * weights).sum(-1).unbind(), x)


def _gradients(losses: Sequence[Tensor], of: Tensor) -> Tensor:
    rows = (torch.autograd.grad(loss, of, retain_graph=True)[0] for loss in losses)
    return torch.stack([row[:, 0].double().norm(dim=-1) for row in rows])


def largest_difference(found: Tensor, truth: Tensor, dtype: torch.dtype) -> float:
    """Relative, of the norms that are far enough above the smallest number to have all their digits."""
    limits = torch.finfo(dtype)
    large = truth > limits.tiny / limits.eps
    return float(((found - truth).abs() / truth)[large].max())


def picture(steps: int, dtype: torch.dtype, rounds: int) -> tuple[Measurement, tuple[str, ...]]:
    """A row of the table."""
    torch.manual_seed(0)
    lstm = nn.LSTM(INPUTS, HIDDEN, dtype=dtype)
    theirs = nn.to_torch(lstm)
    assert isinstance(theirs, torch.nn.LSTM)
    x, weights = torch.randn(steps, 1, INPUTS, dtype=dtype), torch.randn(steps, HIDDEN, dtype=dtype)
    ours = Work(OURS, lambda: our_picture(lstm, x, weights))
    loop = Work(EAGER, lambda: looped_picture(theirs, x, weights))
    layer = Work(LAYER, lambda: input_picture(theirs, x, weights))
    layer.step()
    difference = largest_difference(ours.step(), loop.step(), dtype)
    name = str(dtype).removeprefix("torch.")
    outcome = compare(Case("picture", name, (steps, 1, INPUTS, HIDDEN), True), [ours, loop, layer], rounds)
    times = [shown(outcome, each, 1.0, 3) for each in (OURS, EAGER, LAYER)]
    ratios = [f"{outcome.ratio(each):.1f}" for each in (EAGER, LAYER)]
    return outcome, (
        *(marked(name, outcome), times[0], times[1], ratios[0]),
        *(f"{difference:.1e}", times[2], ratios[1]),
    )


# ---- the watched training


class Updates(Contender):
    """So many updates of a model as one step, one of them looked at, or none.

    The look is taken where the gradient is there and the weights have not changed yet: before the clipping.
    """

    def __init__(self, name: str, module: torch.nn.Module, loss: Loss, count: int, look: bool) -> None:
        self.name, self._count = name, count
        self._watch = watch(module, every=count) if look else None
        clip = partial(_look_and_clip, self._watch)
        self._training = TrainingStep(name, module, loss, clip, DEMO, {})

    def step(self) -> None:
        """The updates."""
        for number in range(1, self._count + 1):
            if self._watch is not None:
                self._watch.begin(number)
            self._training.step()

    def numbers(self) -> Mapping[str, Tensor]:
        """The loss and its gradients."""
        return self._training.numbers()


def _look_and_clip(
    watching: Watch | None, parameters: Sequence[torch.nn.Parameter], options: TrainingOptions
) -> None:
    if watching is not None:
        watching.finish()
    clip_gradient(parameters, options)


def watched(kind: str, every: int, rounds: int) -> tuple[Measurement, tuple[str, ...]]:
    """A row of the table: our model or one of torch.nn, and how often it is looked at."""
    torch.manual_seed(0)
    _, _, width, hidden = DEMO.shape
    options = ModelOptions(hidden, DEMO.layers, embedding_size=width)
    ours = LanguageModel(DEMO.vocabulary, catalogue.get("lstm"), options)
    theirs = PlainModel(DEMO)
    theirs.load(ours)
    contenders = []
    for name, look in ((OURS, False), (WATCHED, True)):
        # Each has weights of its own: hooks of the one would cost the other time.
        mine, plain = copy.deepcopy(ours), copy.deepcopy(theirs)
        if kind == OURS:
            contenders.append(Updates(name, mine, partial(mean_loss, mine), every, look))
        else:
            contenders.append(Updates(name, plain, plain.loss, every, look))
    for contender in contenders:
        contender.step()
    outcome = compare(Case("watched", kind, DEMO.shape, True), contenders, rounds)
    costs = sorted(100 * (w / p - 1) for p, w in zip(*outcome.seconds.values(), strict=True))
    count = len(costs)
    return outcome, (
        *(marked(kind, outcome), str(every)),
        *(shown(outcome, name, 1e3 / every, 2) for name in (OURS, WATCHED)),
        f"{100 * (outcome.ratio(WATCHED) - 1):.2f}",
        f"{costs[count // 4]:.2f} to {costs[-1 - count // 4]:.2f}",
    )


def main() -> None:
    """Print the tables, and where and how they came about."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    parser.add_argument("--steps", type=int, default=256, help="T of the picture")
    parser.add_argument("--every", type=int, nargs="+", default=[100, 20], help="updates from look to look")
    given = parser.parse_args()
    prepare(given.threads)
    pictures = [picture(given.steps, dtype, given.rounds) for dtype in (torch.float32, torch.float64)]
    trainings = [watched(kind, every, given.rounds) for every in given.every for kind in (OURS, PLAIN)]
    threads = torch.get_num_threads()
    outcomes = [outcome for outcome, _ in (*pictures, *trainings)]
    place = environment(Request(threads, True, (), Budget(given.rounds, inf), False, False))
    command = shlex.join(["python", "benchmarks/probes.py", *sys.argv[1:]])
    report = Report(command, date.today().isoformat(), place, [ProcessRun(threads, True, outcomes)])
    print("\n".join(describe(report)), end="\n\n")
    loop, layer = "torch loop, a backward pass per loss", "torch.nn.LSTM, input gradient only"
    size = f"T={given.steps}, B=1, I={INPUTS}, H={HIDDEN}, {threads} threads"
    columns = ("", "bptt s", f"{loop} s", "ratio", "largest relative difference", f"{layer} s", "ratio")
    rows = tuple(row for _, row in pictures)
    print(markdown(ResultTable(f"The T x T picture of an LSTM, {size}", columns, rows)), end="\n\n")
    T, B, D, H = DEMO.shape
    size = f"{DEMO.layers} x LSTM, T={T}, B={B}, D={D}, H={H}, V={DEMO.vocabulary}, {threads} threads"
    heads = ("", "every", "ms per update", "watched", "cost in %", "middle half of the rounds")
    rows = tuple(row for _, row in trainings)
    print(markdown(ResultTable(f"A watched training, {size}", heads, rows)), end="\n\n")
    rejected = sum(outcome.rejected for outcome in outcomes)
    print(f"{rejected} rounds rejected: other processes used the processor; ~ nearly all, so they count")


if __name__ == "__main__":
    main()
