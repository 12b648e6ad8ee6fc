"""One example as a model reads it, and its loss term by term: what a probe looks into, whatever the job."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from torch import Tensor, nn

from bptt.languages.phrase import phrase
from bptt.nn.stack import Stack
from bptt.timeline import Timeline

# The numbers of loss terms, R of them, in any order, some perhaps several times.
LossSteps = abc.Sequence[int]


@dataclass(frozen=True, eq=False)
class StepPictures:
    """The pictures of the steps of a sequence: N `pictures` (N, H, W, C) of bytes, C of 1 (grey) or 3 (red,
    green and blue).

    Each is of the steps from its own of `starts` (N,), in ascending order, to the next one or the end: frames
    of a clip; or, with `columns`, pictures whose columns are the steps, such as a spectrogram.
    """

    pictures: Tensor
    starts: tuple[int, ...]
    columns: bool = False


@dataclass(frozen=True, eq=False)
class Sequence:
    """A sequence that a model reads or writes: a "text", a "source", a "target", ...

    `tokens` name its T steps, to be shown. `texts` are what each step adds to the text, so that joined
    they are the text: a newline for `<eos>`, a word with the space before it, nothing for numbers. `pictures`
    are what the steps look like, None if they look like nothing; `timeline` says when they are, None if they
    have no time.
    """

    name: str
    tokens: tuple[str, ...]
    texts: tuple[str, ...]
    pictures: StepPictures | None = None
    timeline: Timeline | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """A recurrent stack of a model. `name` is "encoder" or "decoder", "" for the only one.

    It reads the sequence of the number `sequence`: `inputs` (T, 1, I), detached, from the states `initial`,
    one (num_layers * directions, 1, width) each, from its own if None. A part that is `stepwise` is called
    for one step at a time, since what it reads there depends on what it gave before.
    """

    name: str
    stack: Stack
    sequence: int
    inputs: Tensor
    initial: tuple[Tensor, ...] | None = None
    stepwise: bool = False

    def shown(self, layer: str) -> str:
        """Return the name of a layer of this part: "encoder layer 1", or "layer 1" in the only part."""
        return phrase("{} {}", phrase(self.name), layer) if self.name else layer


@dataclass(frozen=True)
class RankedAnswers:
    """The likeliest `answers` of a model to a loss term, with their probabilities, the largest first.

    `probability` and `rank` are those of the target, None if there is none; ranks count from 1.
    """

    answers: tuple[str, ...]
    probabilities: tuple[float, ...]
    probability: float | None = None
    rank: int | None = None


@dataclass(frozen=True, eq=False)
class Exposure:
    """One example of a job, and its loss E = Σ_m E_m as a function of what goes into the first stack.

    `targets` say for each of the M loss terms what was to be predicted; the terms belong to the sequence
    of the number `of`. `answers`, if known, are what the model answers to each; `labelled` says whether the
    targets came with the example, or are these answers.

    `parts` are in the order in which they run. `losses_of` takes inputs (T, R, I) of the first part, a copy
    of the example in each row, and R loss terms; it gives E_m (R,) of row r for the r-th of these,
    differentiable, in the unit of the job's loss (nats, but for a squared one). Steps that E_m does not
    depend on may be left out: no gradient reaches them. The caller sees to evaluation mode.

    `predict` returns the prediction at each loss term, with a number of answers; None if the answers of the
    job have no probabilities. `predicted` names what an answer is: a "next" token, a "tag", a "label".
    """

    model: nn.Module
    sequences: tuple[Sequence, ...]
    parts: tuple[Part, ...]
    of: int
    targets: tuple[str, ...]
    losses_of: abc.Callable[[Tensor, LossSteps], Tensor]
    answers: tuple[str, ...] = ()
    labelled: bool = True
    predict: abc.Callable[[int], tuple[RankedAnswers, ...]] | None = None
    predicted: str = "answer"

    @property
    def loss_steps(self) -> int:
        """M, the number of loss terms: T for a tag or a next token at each step, 1 for a class."""
        return len(self.targets)

    def has_own_losses(self, part: Part) -> bool:
        """Return whether each step that a part reads has a loss term of its own, and not all one after the
        last.
        """
        return part.sequence == self.of and self.loss_steps == len(part.inputs)

    def losses(self, steps: LossSteps) -> Tensor:
        """Return E_m (R,) for these loss terms of as many copies of the example, row r of every stack's batch
        being that for the r-th; differentiable by the parameters.
        """
        return self.losses_of(self.parts[0].inputs.expand(-1, len(steps), -1), steps)
