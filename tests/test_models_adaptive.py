"""The adaptive softmax against the product of its softmaxes on materialised logits, and its cut-offs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.models.heads.adaptive import AdaptiveSoftmax
from bptt.models.heads.cutoffs import cluster_width
from bptt.models.heads.output_layer import OutputShape

V, D = 23, 70
DOUBLE = torch.float64
# A cluster of one token, and one that is the last token alone.
CUTOFFS = [(4,), (5, 6, 13), (1, 9, 22)]
TARGETS = torch.tensor([[3, NOTHING, 0], [22, 4, NOTHING], [NOTHING, 5, 3], [13, 21, 2], [9, 12, 1]])
# A logit is D products of numbers below 10 and a loss two sums over V of them; the mean is over 12 targets.
CLOSE = torch.finfo(DOUBLE).eps * 100 * (D + 2 * V + 12)


def make(first: tuple[int, ...], smoothing: float = 0.0) -> tuple[AdaptiveSoftmax, Tensor]:
    """A layer in float64, and outputs (5, 3, D)."""
    torch.manual_seed(0)
    layer = AdaptiveSoftmax(OutputShape(V, D, smoothing=smoothing, cutoffs=first)).double()
    layer.reset_parameters()
    for name, parameter in layer.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    return layer, torch.randn(*TARGETS.shape, D, dtype=DOUBLE, requires_grad=True)


def truth(layer: AdaptiveSoftmax, output: Tensor) -> Tensor:
    """ln P (..., V), token by token: ln P(head class) + ln P(token in its cluster)."""
    weights = dict(layer.named_parameters())
    first = (*layer.cutoffs, V)
    head = (output @ weights["head.weight"].T + weights["head.bias"]).softmax(-1)
    columns = [head[..., token] for token in range(first[0])]
    for number in range(len(layer.cutoffs)):
        part = {n: weights[f"tails.{number}.{n}"] for n in ("projection", "weight", "bias")}
        inner = ((output @ part["projection"].T) @ part["weight"].T + part["bias"]).softmax(-1)
        chance = head[..., first[0] + number]
        columns += [chance * inner[..., k] for k in range(first[number + 1] - first[number])]
    return torch.stack(columns, -1).log()


@pytest.mark.parametrize("first", CUTOFFS)
def test_probabilities_are_those_of_the_two_softmaxes_and_add_up_to_one(first: tuple[int, ...]) -> None:
    layer, output = make(first)
    found = layer.log_probabilities(output)
    torch.testing.assert_close(found, truth(layer, output), rtol=CLOSE, atol=CLOSE)
    torch.testing.assert_close(
        found.exp().sum(-1), torch.ones(TARGETS.shape, dtype=DOUBLE), rtol=0, atol=CLOSE
    )
    torch.testing.assert_close(layer.logits(output).log_softmax(-1), found, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("first", CUTOFFS)
def test_the_loss_and_its_gradients_are_those_of_autograd(
    first: tuple[int, ...], reduction: str, smoothing: float
) -> None:
    layer, output = make(first, smoothing)
    variables = [output, *layer.parameters()]
    wanted = functional.cross_entropy(
        truth(layer, output).flatten(0, 1),
        TARGETS.flatten(),
        ignore_index=NOTHING,
        reduction=reduction,
        label_smoothing=smoothing,
    )
    loss = layer.loss(output, TARGETS, None, reduction)
    torch.testing.assert_close(loss.flatten(), wanted.flatten(), rtol=CLOSE, atol=CLOSE)
    pairs = zip(
        torch.autograd.grad(loss.sum(), variables), torch.autograd.grad(wanted.sum(), variables), strict=True
    )
    for found, right in pairs:
        torch.testing.assert_close(found, right, rtol=CLOSE, atol=CLOSE)
    scores = torch.where(TARGETS == NOTHING, 0.0, _picked(truth(layer, output)))
    torch.testing.assert_close(layer.score(output, TARGETS), scores, rtol=CLOSE, atol=CLOSE)


def _picked(values: Tensor) -> Tensor:
    return values.gather(-1, TARGETS.clamp(min=0)[..., None]).squeeze(-1)


def test_the_loss_is_differentiable_twice() -> None:
    layer, output = make((5, 13))
    targets = torch.tensor([3, 14, 7])

    def loss(rows: Tensor) -> Tensor:
        return layer.loss(rows, targets)

    few = output.detach()[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, few, fast_mode=True)
    assert torch.autograd.gradgradcheck(loss, few, fast_mode=True)


def test_a_cluster_without_targets_has_no_gradient() -> None:
    layer, output = make((4, 9, 15))
    layer.loss(output[:2], torch.tensor([[3, 0, 1], [10, 14, NOTHING]])).backward()
    touched = {name: p.grad is not None for name, p in layer.named_parameters()}
    assert not any(there for name, there in touched.items() if name.startswith(("tails.0", "tails.2")))
    assert all(there for name, there in touched.items() if name.startswith(("head", "tails.1")))


def test_no_targets_at_all_have_a_loss_that_is_no_number() -> None:
    layer, output = make((4,))
    nothing = torch.full(TARGETS.shape, NOTHING)
    assert layer.loss(output, nothing).isnan()
    assert layer.loss(output, nothing, None, "sum") == 0


@pytest.mark.parametrize("first", [(0, 4), (4, 4), (9, 4), (4, V), (V + 3,)])
def test_cut_offs_rise_within_the_vocabulary(first: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"cutoffs: must rise from 1 to at most 22, the last token"):
        AdaptiveSoftmax(OutputShape(V, D, cutoffs=first))


# ---- tied: the clusters embed


def make_tied(first: tuple[int, ...]) -> AdaptiveSoftmax:
    torch.manual_seed(0)
    layer = AdaptiveSoftmax(OutputShape(V, D, tied=True, may_embed=True, cutoffs=first)).double()
    layer.reset_parameters()
    return layer


def embedding(layer: AdaptiveSoftmax) -> Tensor:
    """The vectors (V, D): rows of the head, then of each cluster as its projection takes them to width D."""
    weights = dict(layer.named_parameters())
    tails = [
        weights[f"tails.{k}.weight"] @ weights[f"tails.{k}.projection"] for k in range(len(layer.cutoffs))
    ]
    return torch.cat([weights["head.weight"][: layer.cutoffs[0]], *tails])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("first", CUTOFFS)
def test_tokens_are_read_by_the_weights_that_predict_them(first: tuple[int, ...], training: bool) -> None:
    """Gathered and projected, with the gradients of autograd; NOTHING is zero and has none."""
    layer = make_tied(first).train(training)
    known = (TARGETS != NOTHING)[..., None]
    wanted = torch.where(known, functional.embedding(TARGETS.clamp(min=0), embedding(layer)), 0.0)
    found = layer.embed(TARGETS)
    torch.testing.assert_close(found, wanted, rtol=CLOSE, atol=CLOSE)
    weights = [p for name, p in layer.named_parameters() if not name.endswith("bias")]
    above = torch.randn(found.shape, dtype=DOUBLE)
    pairs = zip(
        torch.autograd.grad(found, weights, above), torch.autograd.grad(wanted, weights, above), strict=True
    )
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=CLOSE, atol=CLOSE)
        assert one.count_nonzero()


def test_a_token_is_read_with_the_same_bits_whatever_others_there_are() -> None:
    layer = make_tied((4, 9, 15)).float().eval()
    tokens = torch.randint(V, (37,), generator=torch.Generator().manual_seed(1))
    alone = torch.cat([layer.embed(token[None]) for token in tokens])
    assert torch.equal(layer.embed(tokens), alone)


def test_all_tokens_are_read_at_the_same_scale() -> None:
    """Variance 1/D, as of a tied embedding: the mean over n numbers is off by 5 √(2 n / n²) at most."""
    torch.manual_seed(0)
    layer = AdaptiveSoftmax(OutputShape(4000, 256, tied=True, may_embed=True, cutoffs=(1000, 2000)))
    layer.reset_parameters()
    found = layer.embed(torch.arange(4000)).detach()
    for rows in found.split((1000, 1000, 2000)):
        # Rows of a cluster lie in a space of 64 or 16 dimensions: so many of their numbers are independent.
        assert 256 * float(rows.square().mean()) == pytest.approx(1, abs=5 * (2 / (16 * 256)) ** 0.5)


def test_a_network_with_an_embedding_cannot_tie_the_layer() -> None:
    with pytest.raises(InputError, match=r"tied: needs an output layer .* got AdaptiveSoftmax"):
        AdaptiveSoftmax(OutputShape(V, D, tied=True))


def test_an_untied_layer_does_not_embed() -> None:
    assert make_tied((4,)).embeds and not make((4,))[0].embeds


def test_widths_fall_by_four_and_stay_above_the_least() -> None:
    assert [cluster_width(512, number) for number in range(4)] == [128, 32, 16, 16]
    assert cluster_width(6, 0) == 6


def test_rows_are_named_by_their_tokens() -> None:
    layer, _ = make((5, 6, 13))
    names = layer.token_names([f"w{k}" for k in range(V)])
    assert {name for name, _ in layer.named_parameters()} - names.keys() == {
        f"tails.{number}.projection" for number in range(3)
    }
    for name, (rows,) in names.items():
        assert len(rows) == len(layer.get_parameter(name))
    assert names["head.bias"][0] == ["w0", "w1", "w2", "w3", "w4", *(("cluster", k) for k in range(3))]
    assert list(names["tails.1.weight"][0]) == [f"w{k}" for k in range(6, 13)]
