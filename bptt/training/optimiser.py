"""From gradients to new weights: the optimisers, the learning rate over time, clipping."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sqrt

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.utils import clip_grad_value_, clip_grads_with_norm_, get_total_norm
from torch.optim import LBFGS, SGD, Adagrad, Adam, AdamW, Optimizer

from bptt.errors import InputError
from bptt.jobs.task import Task
from bptt.training.options import SECOND_ORDER, TrainingOptions
from bptt.training.row_updates import gradients_of_rows
from bptt.training.second_order import MOST_WEIGHTS, SecondOrder

# Numbers that torch adds up in one thread, whatever number it has: its grain is 32,768.
_BLOCK = 16_384
# Function evaluations that one line search may take (torch: max_iter * 1.25, which is 1 here).
_LINE_SEARCH = 25


def build_optimiser(parameters: Sequence[Parameter], options: TrainingOptions) -> Optimizer:
    """Return the optimiser of `options` on `parameters`, at its peak learning rate.

    Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), Adagrad (Duchi et al. 2011), SGD with
    momentum, or L-BFGS
    with a strong Wolfe line search (Nocedal and Wright 2006, algorithms 7.5 and 3.5), one
    iteration per step; or a method of second order (`bptt.training.second_order`). Adam, Adagrad and SGD
    run torch's fused loops.
    """
    rate, decay = options.peak_rate, options.weight_decay
    if options.optimiser == "adam":
        return Adam(parameters, rate, weight_decay=decay, fused=True)
    if options.optimiser == "adamw":
        return AdamW(parameters, rate, weight_decay=decay, fused=True)
    if options.optimiser == "adagrad":
        return Adagrad(parameters, rate, weight_decay=decay, fused=True)
    if options.optimiser == "sgd":
        return SGD(parameters, rate, options.momentum, weight_decay=decay, fused=True)
    if options.optimiser in SECOND_ORDER:
        return SecondOrder(parameters, decay)
    return LBFGS(
        parameters,
        rate,
        max_iter=1,
        max_eval=_LINE_SEARCH,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )


def check_optimiser(task: Task, options: TrainingOptions) -> None:
    """Raise InputError for a method of second order if the model has more than MOST_WEIGHTS weights, and for
    that of Gauss and Newton if the loss is no mean of squares.
    """
    name = options.optimiser
    if name not in SECOND_ORDER:
        return
    count = sum(p.numel() for p in task.model.parameters() if p.requires_grad)
    if count > MOST_WEIGHTS:
        rule = (
            f"{name} takes at most {MOST_WEIGHTS:,} weights, for it solves with a matrix of weights x weights"
        )
        raise InputError("optimiser", rule, f"{count:,} weights", "Take lbfgs, or a smaller network")
    if name == "gauss-newton" and not task.is_squared:
        rule = "gauss-newton needs a loss that is a mean of squares"
        cure = "Take newton or lbfgs, or `bptt train regress` with the squared loss"
        raise InputError("optimiser", rule, f"that of a {task.title}", cure)


def learning_rate(options: TrainingOptions, step: int, epochs_done: float, reductions: int) -> float:
    """Return the learning rate of step `step` (from 0), `epochs_done` epochs after the start.

    `reductions` counts the evaluations so far that brought no new best; only the plateau schedule
    looks at it. A pure function, so that a resumed run needs no state of the schedule.
    """
    warmth = min(1.0, (step + 1) / options.warmup) if options.warmup else 1.0
    return options.peak_rate * warmth * _factor(options, epochs_done, reductions)


def _factor(options: TrainingOptions, epochs_done: float, reductions: int) -> float:
    begin, end = options.stage(epochs_done)
    done = (epochs_done - begin) / (end - begin)
    if options.rate_schedule == "linear":
        return 1.0 - done
    if options.rate_schedule == "cosine":
        return 0.5 * (1.0 + cos(pi * done))
    if options.rate_schedule == "exponential":
        return options.decay_factor ** int(epochs_done)
    if options.rate_schedule == "plateau":
        return options.decay_factor**reductions
    return 1.0


def set_learning_rate(optimiser: Optimizer, rate: float) -> None:
    """Use `rate` from the next step on."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def clip_gradient(parameters: Sequence[Parameter], options: TrainingOptions) -> float:
    """Clip the gradients in place: each element first, then the norm of them all.

    Returns the norm before any clipping.
    """
    dense = gradients_of_rows(parameters)
    gradients = [p.grad for p in dense if p.grad is not None]
    norm = get_total_norm(gradients)
    if options.clip_value:
        clip_grad_value_(dense, options.clip_value)
    if options.norm_limit:
        clipped = get_total_norm(gradients) if options.clip_value else norm
        clip_grads_with_norm_(dense, options.norm_limit, clipped)
    return float(norm)


def clip_summed_gradient(parameters: Sequence[Parameter], options: TrainingOptions) -> float:
    """Do the same with a norm whose bits depend on no number of threads."""
    dense = gradients_of_rows(parameters)
    gradients = [p.grad for p in dense if p.grad is not None]
    norm = _exact_norm(gradients)
    if options.clip_value:
        clip_grad_value_(dense, options.clip_value)
    if options.norm_limit:
        clipped = _exact_norm(gradients) if options.clip_value else norm
        clip_grads_with_norm_(dense, options.norm_limit, torch.tensor(clipped))
    return norm


def _exact_norm(gradients: Sequence[Tensor]) -> float:
    """Return the norm of all gradients, from those of blocks of a fixed size."""
    total = 0.0
    for gradient in gradients:
        flat = gradient.flatten()
        whole = len(flat) - len(flat) % _BLOCK
        # Each row is added up by one thread; a single sum would be divided among all of them.
        norms = torch.linalg.vector_norm(flat[:whole].view(-1, _BLOCK), dim=1)
        rest = torch.linalg.vector_norm(flat[whole:])
        total += sum(each * each for each in (*norms.tolist(), float(rest)))
    return sqrt(total)
