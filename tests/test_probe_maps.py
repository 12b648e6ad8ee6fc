"""The T x T picture against brute force: torch's autograd of a loop, one backward pass for each loss step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
import torch
from torch import Tensor

from bptt import nn
from bptt.errors import InputError
from bptt.probe import flow, gradient_maps

STEPS, INPUTS, HIDDEN, PROJECTED = 9, 3, 5, 2
# To 1e-6 of what brute force gives, entry by entry; in float64 rounding is far below that.
CLOSE = {"rtol": 1e-6, "atol": 0.0}


def brute_force(model: torch.nn.LSTM, x: Tensor, weights: Tensor) -> dict[tuple[int, int], Tensor]:
    """‖∂E_m/∂net_n‖ (M, N) by layer and direction, for the losses E_m = ½ Σ w_m y_m², by a typed loop."""
    directions = 1 + model.bidirectional
    places = [(layer, side) for layer in range(model.num_layers) for side in range(directions)]
    offsets = torch.zeros(len(places), STEPS, 4 * HIDDEN, dtype=x.dtype, requires_grad=True)
    y = x
    for layer in range(model.num_layers):
        sides = []
        for side in range(directions):
            end = f"_l{layer}" + "_reverse" * side
            w, u, a, b = (getattr(model, n + end) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            nets = y[:, 0] @ w.T + a + b + offsets[directions * layer + side]
            h, c, out = x.new_zeros(u.shape[1]), x.new_zeros(HIDDEN), []
            for t in range(STEPS)[:: -1 if side else 1]:
                i, f, g, o = (nets[t] + u @ h).chunk(4)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                if model.proj_size:
                    h = getattr(model, "weight_hr" + end) @ h
                out.append(h)
            sides.append(torch.stack(out[::-1] if side else out))
        y = torch.cat(sides, -1)[:, None]
    rows = [torch.autograd.grad(e, offsets, retain_graph=True)[0].norm(dim=-1) for e in energies(y, weights)]
    return dict(zip(places, torch.stack(rows, 1).unbind(0), strict=True))


def energies(output: Tensor, weights: Tensor) -> Tensor:
    return (weights * output[:, 0].square()).sum(-1) / 2  # (M,)


@pytest.mark.parametrize(
    ("layers", "both", "projected"), [(1, False, 0), (2, False, 0), (3, True, PROJECTED)]
)
@pytest.mark.parametrize("kind", ["bptt", "torch"])
def test_every_pair_of_loss_step_and_time_step(kind: str, layers: int, both: bool, projected: int) -> None:
    torch.manual_seed(0)
    options = {"num_layers": layers, "bidirectional": both, "proj_size": projected, "dtype": torch.float64}
    theirs = torch.nn.LSTM(INPUTS, HIDDEN, **options)
    model = theirs if kind == "torch" else nn.from_torch(theirs)
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    weights = torch.rand(STEPS, (1 + both) * (projected or HIDDEN), dtype=torch.float64)

    def losses(steps: Sequence[int]) -> Tensor:
        output = model(x.expand(-1, len(steps), -1))[0]
        picked = output[list(steps), torch.arange(len(steps))]
        return (weights[list(steps)] * picked.square()).sum(-1) / 2

    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    maps = gradient_maps(model, losses, range(STEPS), block=4)
    expected = brute_force(theirs, x, weights)
    assert len(maps) == len(expected)
    for found, (place, norms) in zip(maps, expected.items(), strict=True):
        layer, side = place
        arrow = (" →", " ←")[side] if both else ""
        assert (found.layer, found.reverse) == (f"layer {layer + 1}{arrow}", bool(side))
        torch.testing.assert_close(found.net, norms, **CLOSE)
        torch.testing.assert_close(found.losses, energies(theirs(x)[0], weights).detach())
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) and parameter.requires_grad and parameter.grad is None
    assert "forward" not in vars(model)


def test_losses_that_end_early_leave_the_rest_zero() -> None:
    """With lengths m + 1 the steps after m are not run at all; the picture is the same."""
    torch.manual_seed(1)
    model = nn.GRU(INPUTS, HIDDEN, 2, dtype=torch.float64)
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)

    def whole(steps: Sequence[int]) -> Tensor:
        return model(x.expand(-1, len(steps), -1))[0][list(steps), range(len(steps))].square().sum(-1)

    def cut(steps: Sequence[int]) -> Tensor:
        rows, longest = len(steps), max(steps) + 1
        output = model(x[:longest].expand(-1, rows, -1), lengths=[m + 1 for m in steps])[0]
        return output[list(steps), range(rows)].square().sum(-1)

    for full, short in zip(
        gradient_maps(model, whole, range(STEPS), block=2),
        gradient_maps(model, cut, range(STEPS), block=2),
        strict=True,
    ):
        torch.testing.assert_close(short.net, full.net, rtol=1e-12, atol=0)
        assert not full.net.triu(1).any() and full.net.tril().count_nonzero() == STEPS * (STEPS + 1) / 2
        for state, norms in full.carried.items():
            torch.testing.assert_close(short.carried[state], norms, rtol=1e-12, atol=0)


def test_a_frozen_model_without_biases() -> None:
    torch.manual_seed(2)
    model = nn.LSTM(INPUTS, HIDDEN, bias=False).requires_grad_(False)
    x = torch.randn(STEPS, 1, INPUTS)
    (found,) = gradient_maps(
        model, lambda steps: model(x.expand(-1, len(steps), -1))[0][-1].sum(-1), range(STEPS)
    )
    assert (found.net > 0).all()
    assert not any(p.requires_grad for p in model.parameters())


def test_learned_initial_states_that_are_not_read() -> None:
    """They are vectors too, but where other states are given no gradient comes to them."""
    model = nn.Recurrent("elman-tanh", INPUTS, HIDDEN, bias=False, initial="learned")
    x, h = torch.randn(STEPS, 1, INPUTS), torch.zeros(1, 1, HIDDEN)

    def losses(steps: Sequence[int]) -> Tensor:
        return model(x.expand(-1, len(steps), -1), h.expand(-1, len(steps), -1))[0][-1].sum(-1)

    (found,) = gradient_maps(model, losses, [0, 1])
    assert (found.net > 0).all()


def test_layers_outside_of_the_model_stay_frozen() -> None:
    other, x = nn.GRU(INPUTS, HIDDEN).requires_grad_(False), torch.randn(STEPS, 2, INPUTS)
    modules = [("other", other)]
    gradient_maps(torch.nn.Linear(1, 1), lambda steps: other(x)[0][-1].sum(-1), [0, 1], modules=modules)
    assert not any(p.requires_grad for p in other.parameters())


def test_flow_goes_back_from_where_each_loss_enters() -> None:
    """On a stack in both directions lag k is k steps before for the one, k steps after for the other."""
    torch.manual_seed(3)
    model = nn.LSTM(INPUTS, HIDDEN, bidirectional=True, dtype=torch.float64)
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)

    def losses(steps: Sequence[int]) -> Tensor:
        return model(x.expand(-1, len(steps), -1))[0][list(steps), range(len(steps))].sum(-1)

    maps = gradient_maps(model, losses, [4])
    found = flow([maps], [{"layer 1 →": [4], "layer 1 ←": [4]}], lags=3)
    forward, backward = maps
    curves = {(c.layer, c.quantity): c.median for c in found.curves}
    assert curves["layer 1 →", "δ"] == tuple(forward.net[0, [4, 3, 2, 1]].tolist())
    assert curves["layer 1 ←", "δ"] == tuple(backward.net[0, [4, 5, 6, 7]].tolist())
    assert curves["layer 1 ←", "c"] == tuple(backward.carried["c"][0, [4, 5, 6]].tolist())


def test_losses_that_do_not_depend_on_a_layer_leave_zeros() -> None:
    torch.manual_seed(4)
    first, second = (nn.GRU(INPUTS, HIDDEN, dtype=torch.float64) for _ in range(2))
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)

    def losses(steps: Sequence[int]) -> Tensor:
        rows = x.expand(-1, len(steps), -1)
        reader = first if steps[0] < 4 else second
        return reader(rows)[0][list(steps), range(len(steps))].sum(-1)

    maps = gradient_maps(torch.nn.ModuleList([first, second]), losses, range(STEPS), block=4)
    early, late = (found.net for found in maps)
    assert early.shape == late.shape == (STEPS, STEPS)
    assert (early[:4, 0] > 0).all() and not early[4:].any()
    assert (late[4:, 0] > 0).all() and not late[:4].any()


def test_who_was_there_before_is_there_again() -> None:
    """An observer of the user's own, and a `forward` that another library put in the place of a module's."""
    ours, theirs = nn.GRU(INPUTS, HIDDEN), torch.nn.GRU(INPUTS, HIDDEN)
    observer, forward = (lambda number, norms: None), partial(type(theirs).forward, theirs)
    ours.observer, theirs.forward = observer, forward
    x = torch.randn(STEPS, 1, INPUTS)
    for model in (ours, theirs):
        gradient_maps(
            model, lambda steps, model=model: model(x.expand(-1, len(steps), -1))[0][-1].sum(-1), [0, 1]
        )
    assert ours.observer is observer and theirs.forward is forward


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="a model with recurrent layers"):
        gradient_maps(torch.nn.Linear(2, 2), lambda steps: torch.zeros(1), [0])
    lstm = torch.nn.LSTM(INPUTS, HIDDEN)
    with pytest.raises(InputError, match="one loss for each of 2 steps"):
        gradient_maps(lstm, lambda steps: lstm(torch.randn(3, 1, INPUTS))[0].sum(), [0, 1])
    with pytest.raises(InputError, match="at least 1"):
        gradient_maps(lstm, lambda steps: torch.zeros(0), [])
    with pytest.raises(InputError, match="depends on a recurrent layer"):
        gradient_maps(lstm, lambda steps: torch.zeros(len(steps)), [0, 1])
