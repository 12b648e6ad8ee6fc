"""Connectionist temporal classification: against every alignment added up, against torch, and its traps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby, product

import mpmath
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import bptt.nn
from bptt.errors import InputError
from bptt.nn import ctc_loss, ctc_steps_needed
from bptt.runtime.backend import backend

REDUCTIONS = ("none", "sum", "mean")
EPS = torch.finfo(torch.float64).eps
# (T, B, V, L): one of each; off every vector width; states beyond a vector of float; a large alphabet.
SIZES = [(1, 1, 2, 1), (5, 3, 4, 2), (12, 4, 7, 5), (60, 5, 29, 20), (50, 3, 601, 17)]
BACKENDS = ("cpu", "reference")


@pytest.fixture(autouse=True)
def _kernels() -> Iterator[None]:
    """No test passes because torch operations computed it."""
    with backend("cpu"):
        yield


def collapsed(path: tuple[int, ...], blank: int = 0) -> tuple[int, ...]:
    """The label of an alignment: repeats are one, then blanks vanish (Graves et al. 2006, B)."""
    return tuple(symbol for symbol, _ in groupby(path) if symbol != blank)


def by_hand(logits: Tensor, label: tuple[int, ...], blank: int = 0) -> Tensor:
    """-ln of the sum over all alignments, one by one: (T, V) to a number with a graph."""
    chances = logits.softmax(-1)
    paths = product(range(logits.shape[1]), repeat=len(logits))
    every = [path for path in paths if collapsed(path, blank) == label]
    if not every:
        return torch.tensor(torch.inf, dtype=logits.dtype)
    chosen = chances[torch.arange(len(logits)), torch.tensor(every).view(len(every), -1)]
    return -chosen.prod(1).sum().log()


def draw(*size: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits of deviation 3, labels and lengths of all kinds, which may be too long for their frames."""
    steps, batch, classes, longest = size
    generator = torch.Generator().manual_seed(sum(size))
    logits = 3 * torch.randn(steps, batch, classes, generator=generator, dtype=torch.float64)
    targets = torch.randint(1, classes, (batch, longest), generator=generator)
    frames = torch.randint((steps + 1) // 2, steps + 1, (batch,), generator=generator)
    lengths = torch.randint(0, longest + 1, (batch,), generator=generator)
    return logits.to(dtype).requires_grad_(), targets, frames, lengths


def gradient(loss: Tensor, logits: Tensor) -> Tensor:
    weights = torch.linspace(1, 2, loss.numel(), dtype=loss.dtype).view_as(loss) if loss.dim() else None
    return torch.autograd.grad(loss, logits, weights)[0]


def limit(size: tuple[int, ...], dtype: torch.dtype) -> float:
    """Each frame rounds a product of three terms; logits of up to 12 are rounded in units of theirs.

    Torch, the truth, rounds logarithms of up to 12 T in each frame.
    """
    steps, _, classes, _ = size
    return torch.finfo(dtype).eps * (16 * steps + classes**0.5) + EPS * 48 * steps


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("label", [(), (1,), (1, 1), (1, 2), (2, 1, 2), (2, 2, 1), (1, 1, 1)])
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_every_alignment_added_up(name: str, label: tuple[int, ...], steps: int) -> None:
    torch.manual_seed(steps)
    logits = (2 * torch.randn(steps, 3, dtype=torch.float64)).requires_grad_()
    truth = by_hand(logits, label)
    with backend(name):
        found = ctc_loss(logits, torch.tensor(label, dtype=torch.int64), steps, len(label), reduction="none")
    assert found.isinf() == (steps < ctc_steps_needed(label)) == truth.isinf()
    torch.testing.assert_close(found, truth, rtol=100 * EPS, atol=100 * EPS)
    expected = torch.zeros_like(logits) if truth.isinf() else gradient(truth, logits)
    torch.testing.assert_close(gradient(found, logits), expected, rtol=0, atol=100 * EPS)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_another_blank(name: str, reduction: str) -> None:
    torch.manual_seed(1)
    logits = torch.randn(4, 1, 3, dtype=torch.float64, requires_grad=True)
    with backend(name):
        found = ctc_loss(logits, torch.tensor([[0, 1]]), [4], [2], 2, reduction)
    truth = by_hand(logits[:, 0], (0, 1), 2) / (2 if reduction == "mean" else 1)
    torch.testing.assert_close(found.sum(), truth)
    torch.testing.assert_close(gradient(found, logits), gradient(truth, logits))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", BACKENDS)
def test_loss_and_gradient_are_those_of_torch(
    name: str, dtype: torch.dtype, size: tuple[int, ...], reduction: str
) -> None:
    logits, targets, frames, lengths = draw(*size, dtype=dtype)
    exact = logits.detach().double().requires_grad_()
    truth = functional.ctc_loss(exact.log_softmax(-1), targets, frames, lengths, reduction=reduction)
    with backend(name):
        found = ctc_loss(logits, targets, frames, lengths, reduction=reduction)
    assert found.dtype == dtype and found.shape == truth.shape and truth.isfinite().all()
    wide = limit(size, dtype) * (1 if name == "cpu" else 20)
    torch.testing.assert_close(found.double(), truth, rtol=wide, atol=wide)
    torch.testing.assert_close(gradient(found, logits).double(), gradient(truth, exact), rtol=0, atol=wide)


def test_single_precision_is_better_than_torch() -> None:
    """Torch adds logarithms of the size of the loss: their rounding is that of a number of a thousand."""
    logits, targets, frames, lengths = draw(300, 4, 29, 60, dtype=torch.float32)
    exact = logits.detach().double().requires_grad_()
    truth = gradient(functional.ctc_loss(exact.log_softmax(-1), targets, frames, lengths), exact)
    theirs = gradient(functional.ctc_loss(logits.log_softmax(-1), targets, frames, lengths), logits)
    ours = gradient(ctc_loss(logits, targets, frames, lengths), logits)
    assert 20 * (ours - truth).abs().max() < (theirs - truth).abs().max()


@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_long_inputs_against_many_digits(spread: float) -> None:
    """2000 frames, 40 symbols; with a spread of 30 the chances of states differ by thousands of digits."""
    torch.manual_seed(3)
    logits = spread * torch.randn(2000, 5, dtype=torch.float64)
    label = torch.randint(1, 5, (40,))
    states = [0] * 81
    states[1::2] = label.tolist()
    mpmath.mp.dps = 40
    total, alpha = mpmath.mpf(0), [mpmath.mpf(1)] + [mpmath.mpf(0)] * 80
    for row in logits.tolist():
        chances = [mpmath.exp(x) for x in row]
        total += mpmath.log(mpmath.fsum(chances))
        alpha = [
            chances[states[s]]
            * (
                alpha[s]
                + (alpha[s - 1] if s > 0 else 0)
                + (alpha[s - 2] if s > 1 and states[s] not in (0, states[s - 2]) else 0)
            )
            for s in range(81)
        ]
    truth = total - mpmath.log(alpha[-1] + alpha[-2])
    for dtype in (torch.float64, torch.float32):
        found = ctc_loss(logits.to(dtype), label, 2000, 40, reduction="none").item()
        # Rounded logits, of 4 deviations at most, and four roundings a frame.
        assert abs(found - float(truth)) <= 2000 * (4 * spread + 4) * torch.finfo(dtype).eps
    slow = logits.clone().requires_grad_()
    expected = gradient(functional.ctc_loss(slow.log_softmax(-1), label, (2000,), (40,)), slow)
    fast = logits.clone().requires_grad_()
    found = gradient(ctc_loss(fast, label, 2000, 40), fast)
    # Torch's sum of logarithms is of the size of the loss.
    torch.testing.assert_close(found, expected, rtol=0, atol=EPS * float(truth) * 100)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_finite_differences_once_and_twice(reduction: str) -> None:
    logits, targets, frames, lengths = draw(6, 3, 4, 2)

    def function(logits: Tensor) -> Tensor:
        return ctc_loss(logits, targets, frames, lengths, reduction=reduction)

    assert torch.autograd.gradcheck(function, logits)
    assert torch.autograd.gradgradcheck(function, logits)


def test_logarithms_of_probabilities_are_logits_too() -> None:
    logits, targets, frames, lengths = draw(12, 4, 7, 5)
    values = logits.detach().log_softmax(-1).requires_grad_()
    found, same = (ctc_loss(x, targets, frames, lengths) for x in (logits, values))
    torch.testing.assert_close(found, same)
    through = gradient(ctc_loss(logits.log_softmax(-1), targets, frames, lengths), logits)
    torch.testing.assert_close(through, gradient(same, values))
    assert bptt.nn.CTCLoss(blank=0)(values, targets, frames, lengths) == same


@pytest.mark.parametrize("name", BACKENDS)
def test_forms_of_labels_and_lengths(name: str) -> None:
    logits, targets, frames, lengths = draw(12, 4, 7, 5)
    one = torch.cat([row[:n] for row, n in zip(targets, lengths, strict=True)])
    padded = targets.masked_fill(torch.arange(5) >= lengths[:, None], -9)
    with backend(name):
        expected = ctc_loss(logits, targets, frames, lengths, reduction="none")
        for form in (one, one.int(), padded, padded.int(), functional.pad(padded, (0, 3), value=99)):
            assert torch.equal(ctc_loss(logits, form, frames, lengths, reduction="none"), expected)
            counts = (frames.tolist(), tuple(lengths.tolist()))
            assert torch.equal(ctc_loss(logits, form, *counts, reduction="none"), expected)
        row = int(lengths.argmax())
        alone = ctc_loss(logits[:, row], targets[row], frames[row], lengths[row], reduction="none")
        assert alone.shape == () and torch.equal(alone, expected[row])


def test_logits_of_batch_first_are_read_in_place() -> None:
    logits, targets, frames, lengths = draw(12, 4, 7, 5)
    batch_first = logits.detach().transpose(0, 1).contiguous().requires_grad_()
    classes_first = logits.detach().permute(2, 0, 1).contiguous().requires_grad_()
    expected = gradient(ctc_loss(logits, targets, frames, lengths), logits)
    found = gradient(ctc_loss(batch_first.transpose(0, 1), targets, frames, lengths), batch_first)
    assert torch.equal(found.transpose(0, 1), expected)
    found = gradient(ctc_loss(classes_first.permute(1, 2, 0), targets, frames, lengths), classes_first)
    assert torch.equal(found.permute(1, 2, 0), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_number_of_threads_gives_the_same_bits(dtype: torch.dtype) -> None:
    logits, targets, frames, lengths = draw(60, 9, 500, 20, dtype=dtype)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3, 8, 8):
            torch.set_num_threads(threads)
            losses = ctc_loss(logits, targets, frames, lengths, reduction="none")
            found.append((losses, gradient(losses, logits)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    logits, targets, frames, lengths = draw(60, 5, 29, 20, dtype=torch.float32)
    losses = ctc_loss(logits, targets, frames, lengths, reduction="none")
    whole = gradient(losses, logits)
    for row in range(5):
        alone = logits[: frames[row], row].detach().requires_grad_()
        loss = ctc_loss(alone, targets[row, : lengths[row]], frames[row], lengths[row], reduction="none")
        assert torch.equal(loss, losses[row])
        torch.testing.assert_close(gradient(loss, alone) * (1 + row / 4), whole[: frames[row], row])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_the_padding_is_not_read_and_gets_no_gradient(name: str, value: float) -> None:
    logits, targets, frames, lengths = draw(12, 4, 7, 5)
    spoilt = logits.detach().clone()
    for row, count in enumerate(frames):
        spoilt[count:, row] = value
    spoilt.requires_grad_()
    with backend(name):
        assert torch.equal(
            ctc_loss(spoilt, targets, frames, lengths), ctc_loss(logits, targets, frames, lengths)
        )
        found = gradient(ctc_loss(spoilt, targets, frames, lengths), spoilt)
    assert found.isfinite().all()
    assert all(not found[count:, row].any() for row, count in enumerate(frames))


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_an_impossible_label_has_no_gradient(name: str, zero: bool, reduction: str) -> None:
    """Too few frames for a repeat; a symbol ruled out by -∞. Torch's gradient is NaN."""
    torch.manual_seed(2)
    logits = torch.randn(3, 3, 4, dtype=torch.float64)
    logits[:, 1, 2] = -torch.inf
    logits.requires_grad_()
    targets, frames, lengths = torch.tensor([[1, 1], [1, 2], [3, 1]]), [2, 3, 3], [2, 2, 2]
    with backend(name):
        found = ctc_loss(logits, targets, frames, lengths, reduction=reduction, zero_infinity=zero)
    each = torch.stack([torch.zeros(()).double() if zero else torch.tensor(torch.inf).double()] * 2)
    possible = by_hand(logits[:, 2], (3, 1))
    losses = torch.cat([each, possible[None]])
    truth = losses if reduction == "none" else losses.sum() / (6 if reduction == "mean" else 1)
    torch.testing.assert_close(found, truth)
    found_gradient = gradient(found, logits)
    assert not found_gradient[:, :2].any()
    factor = {"none": 2.0, "sum": 1.0, "mean": 1 / 6}[reduction]
    torch.testing.assert_close(found_gradient, factor * gradient(possible, logits))


@pytest.mark.parametrize("name", BACKENDS)
def test_no_frames_and_no_symbols(name: str) -> None:
    """Without frames an empty label is certain, and any other one impossible."""
    logits = torch.randn(4, 3, 5, dtype=torch.float64, requires_grad=True)
    with backend(name):
        found = ctc_loss(logits, torch.tensor([[1], [1], [1]]), [0, 0, 4], [0, 1, 0], reduction="none")
        assert ctc_loss(logits[:0], torch.zeros(3, 0).long(), [0] * 3, [0] * 3) == 0
    blanks = -logits[:, 2].log_softmax(-1)[:, 0].sum()
    torch.testing.assert_close(found, torch.stack([torch.zeros_like(blanks), blanks + torch.inf, blanks]))
    torch.testing.assert_close(gradient(found, logits), 2 * gradient(blanks, logits))


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_stays_in_its_row(name: str, value: float) -> None:
    logits, targets, frames, lengths = draw(12, 4, 7, 5)
    spoilt = logits.detach().clone()
    spoilt[1, 2, 3] = value
    spoilt.requires_grad_()
    with backend(name):
        losses = ctc_loss(logits, targets, frames, lengths, reduction="none")
        found = ctc_loss(spoilt, targets, frames, lengths, reduction="none")
    others = torch.arange(4) != 2
    assert found[2].isnan() and torch.equal(found[others], losses[others])
    of_spoilt, of_logits = gradient(found, spoilt), gradient(losses, logits)
    assert of_spoilt[: frames[2] if name == "cpu" else 2, 2].isnan().any(1)[1:].all()
    assert torch.equal(of_spoilt[:, others], of_logits[:, others])


def test_a_frame_of_nothing_but_minus_infinity_is_nan() -> None:
    logits = torch.full((2, 1, 3), -torch.inf, requires_grad=True)
    loss = ctc_loss(logits, torch.tensor([[1]]), [2], [1])
    assert loss.isnan() and gradient(loss, logits).isnan().all()


def test_a_certain_label_has_no_negative_loss() -> None:
    torch.manual_seed(0)
    logits = torch.randn(200, 8, 5)
    targets = torch.randint(1, 4, (8, 100)).cumsum(1) % 4 + 1
    logits.scatter_(2, targets.t()[:, :, None].repeat_interleave(2, 0), 60.0)
    losses = ctc_loss(logits, targets, [200] * 8, [100] * 8, reduction="none")
    assert (losses >= 0).all() and losses.max() < 200 * torch.finfo(torch.float32).eps * 100


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"targets": [[1, 2], [3, 4]]},
            "targets, row 1, place 1: a symbol is from 0 to 3, and not 0, the blank",
        ),
        ({"targets": [[1, -1], [3, 2]]}, "targets, row 0, place 1: a symbol is from 0 to 3"),
        (
            {"targets": [[1, 2], [0, 2]]},
            "row 1, place 0: a symbol is from 0 to 3, and not 0, the blank, got 0",
        ),
        ({"targets": [1, 2, 3, 4]}, "targets, row 1, place 1: a symbol is from 0 to 3"),
        ({"targets": [1, 2, 3]}, "target_lengths: expected lengths that add up to 3, the number of"),
        ({"targets": [[1, 2]]}, "targets: expected 2 rows, those of the logits, got 1"),
        ({"targets": [[[1]]]}, "targets: expected shape (B, L), or (N,) of all symbols"),
        ({"targets": [[1.0, 2.0], [1.0, 2.0]]}, "targets: expected integers, got torch.float32"),
        ({"frames": [5, 6]}, "input_lengths, row 1: expected a number from 0 to 5, got 6"),
        ({"frames": [5, -1]}, "input_lengths, row 1: expected a number from 0 to 5, got -1"),
        ({"frames": [5]}, "input_lengths: expected shape (2,), a length for each row, got (1,)"),
        ({"frames": [5.0, 5.0]}, "input_lengths: expected integers, got torch.float32"),
        ({"lengths": [2, 3]}, "target_lengths, row 1: expected a number from 0 to 2, got 3"),
        ({"blank": 4}, "blank: expected an index from 0 to 3, got 4"),
        ({"blank": -1}, "blank: expected an index from 0 to 3, got -1"),
        ({"reduction": "average"}, "reduction: expected one of mean, sum, none, got 'average'"),
        ({"logits": torch.zeros(5)}, "expected logits (T, B, V), or (T, V) without a batch, got (5,)"),
        (
            {"logits": torch.zeros(5, 2, 4).long()},
            "expected logits in a floating-point dtype, got torch.int64",
        ),
    ],
)
def test_what_does_not_fit_is_refused(name: str, changes: dict, message: str) -> None:
    given = {"logits": torch.zeros(5, 2, 4), "targets": [[1, 2], [3, 2]], "frames": [5, 5], "lengths": [2, 2]}
    given = {"blank": 0, "reduction": "mean", **given, **changes}
    with backend(name), pytest.raises(InputError, match=re.escape(message)):
        ctc_loss(
            given["logits"],
            torch.tensor(given["targets"]),
            given["frames"],
            given["lengths"],
            given["blank"],
            given["reduction"],
        )


def test_frames_that_a_label_needs() -> None:
    assert [ctc_steps_needed(s) for s in ("", "a", "ab", "aa", "hello", "aaa")] == [0, 1, 2, 3, 6, 5]
    assert ctc_steps_needed([4, 4, 2]) == 4


def test_a_graph_that_is_kept_gives_its_gradient_again() -> None:
    logits, *labels = draw(12, 4, 7, 5)
    loss = ctc_loss(logits, *labels)
    first = torch.autograd.grad(loss, logits, retain_graph=True)[0]
    kept = first.clone()
    first.zero_()
    assert torch.equal(torch.autograd.grad(loss, logits, retain_graph=True)[0], kept)
    torch.testing.assert_close(torch.autograd.grad(3 * loss, logits)[0], 3 * kept)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_logits_are_computed_in_single_precision(dtype: torch.dtype) -> None:
    logits, *labels = draw(12, 4, 7, 5, dtype=dtype)
    loss = ctc_loss(logits, *labels)
    wide = logits.detach().float().requires_grad_()
    assert torch.equal(loss, ctc_loss(wide, *labels))
    assert torch.equal(gradient(loss, logits), gradient(ctc_loss(wide, *labels), wide).to(dtype))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ctc_loss(logits, *labels), loss)


@pytest.mark.parametrize(
    "transform",
    [
        torch.func.grad,
        torch.func.hessian,
        lambda loss: lambda x: torch.func.jvp(loss, (x,), (torch.cos(x),)),
        lambda loss: lambda x: torch.func.vmap(loss)(torch.stack([x, 2 * x])),
    ],
    ids=["grad", "hessian", "jvp", "vmap"],
)
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_transforms_run_torch_operations(transform: Callable) -> None:
    logits, *labels = draw(4, 2, 3, 2)

    def ours(x: Tensor) -> Tensor:
        return ctc_loss(x, *labels)

    def theirs(x: Tensor) -> Tensor:
        symbols = [tuple(row[:n].tolist()) for row, n in zip(labels[0], labels[2], strict=True)]
        losses = [by_hand(x[: labels[1][b], b], symbols[b]) / max(1, len(symbols[b])) for b in range(2)]
        return torch.stack(losses).mean()

    torch.testing.assert_close(transform(ours)(logits.detach()), transform(theirs)(logits.detach()))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_compiled_without_a_break_it_is_the_kernel(reduction: str) -> None:
    logits, *labels = draw(12, 4, 7, 5)

    def step(logits: Tensor, *labels: Tensor) -> Tensor:
        return (2 * ctc_loss(torch.tanh(logits), *labels, reduction=reduction)).sum()

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    found = compiled(logits, *labels)
    expected = step(logits, *labels)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradient(found, logits), gradient(expected, logits))


class Head(nn.Module):
    def forward(self, logits: Tensor, *labels: Tensor) -> Tensor:
        return ctc_loss(torch.tanh(logits), *labels)


def test_exported_it_is_one_operator() -> None:
    logits, *labels = draw(12, 4, 7, 5)
    program = torch.export.export(Head(), (logits.detach(), *labels))
    targets = [str(node.target) for node in program.graph.nodes]
    assert targets.count("bptt.ctc_loss.default") == 1 and "aten.log_softmax.int" not in targets
    assert torch.equal(program.module()(logits.detach(), *labels), Head()(logits.detach(), *labels))


@pytest.mark.parametrize("wanted", [False, True])
def test_the_operator_keeps_its_promises(wanted: bool) -> None:
    logits, *labels = draw(12, 4, 7, 5)
    tests = ("test_schema", "test_faketensor", "test_aot_dispatch_static")
    torch.library.opcheck(
        torch.ops.bptt.ctc_loss.default, (logits.detach(), *labels, 0, True, wanted), test_utils=tests
    )
