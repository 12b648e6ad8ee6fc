"""Watching a training: what is seen, against brute force; and that nothing else changes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

from bptt import nn
from bptt.errors import InputError
from bptt.probe import gradient_by_lag, watch

STEPS, BATCH, INPUTS, HIDDEN = 8, 5, 3, 4
CLOSE = 1e-9  # in float64, of norms that sum T steps of H products


class Classifier(torch.nn.Module):
    """Reads a sequence, answers from the final state or from the last output."""

    def __init__(self, recurrent: torch.nn.Module, from_output: bool = False) -> None:
        super().__init__()
        self.recurrent, self.head = recurrent, torch.nn.LazyLinear(2, dtype=torch.float64)
        self.from_output = from_output

    def forward(self, x: Tensor) -> Tensor:
        output, final = self.recurrent(x)
        h = final[0] if isinstance(final, tuple) else final
        return self.head(output[-1] if self.from_output else torch.cat(h.unbind(0), -1))


def fit(model: torch.nn.Module, updates: int, look: Callable[[], object] = lambda: None) -> list[Tensor]:
    """Train, and give back the outputs on the way and the weights at the end."""
    torch.manual_seed(0)
    optimiser, seen = None, []
    for _ in range(updates):
        output = model(torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64))
        optimiser = optimiser or torch.optim.SGD(model.parameters(), lr=0.1)
        optimiser.zero_grad()
        output.square().sum().backward()
        optimiser.step()
        seen.append(output.detach())
        look()
    return seen + [p.detach().clone() for p in model.parameters()]


@pytest.mark.parametrize("kind", [torch.nn.LSTM, nn.LSTM, torch.nn.GRU, torch.nn.RNN])
def test_training_goes_on_as_if_nobody_watched(kind: type[torch.nn.Module]) -> None:
    torch.manual_seed(1)
    model = Classifier(kind(INPUTS, HIDDEN, 2, dropout=0.5, bidirectional=True, dtype=torch.float64))
    model(torch.randn(1, 1, INPUTS, dtype=torch.float64))  # the head gets its width
    other = copy.deepcopy(model)
    alone = fit(model, 4)
    with watch(other, every=2) as watched:
        seen = fit(other, 4)
        assert [record.step for record in watched.records] == [2, 4]
    assert all(torch.equal(a, b) for a, b in zip(alone, seen, strict=True))
    assert not other.recurrent._forward_hooks and not other._forward_pre_hooks
    layers = {curve.layer for curve in watched.records[0].flow.curves}
    assert layers == {"layer 1 →", "layer 1 ←", "layer 2 →", "layer 2 ←"}


def test_what_is_seen_is_the_gradient_by_lag() -> None:
    torch.manual_seed(2)
    ours = nn.LSTM(INPUTS, HIDDEN, 2, dtype=torch.float64)
    model = Classifier(nn.to_torch(ours), from_output=True)
    x = torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64)
    with watch(model, every=1, rows=BATCH, lags=STEPS - 1) as watched:
        model(x)[:, 0].sum().backward()
    (record,) = watched.records
    weight = model.head.weight[0].detach()
    expected = gradient_by_lag(ours, x, lambda last: last @ weight, STEPS - 1)
    for found, wanted in zip(record.flow.curves, expected.curves, strict=True):
        assert (found.layer, found.quantity) == (wanted.layer, wanted.quantity)
        assert found.median == pytest.approx(wanted.median, rel=CLOSE)


def brute_force(model: torch.nn.LSTM, x: Tensor, weight: Tensor) -> list[float]:
    """Medians of ‖∂E/∂net_{T-1-k}‖ for E = weight · c_T of each row's own length, by a typed loop."""
    w, u, a, b = (p.detach() for p in model.parameters())
    nets = (x @ w.T + a + b).requires_grad_()
    h = c = torch.zeros(x.shape[1], HIDDEN, dtype=torch.float64)
    for t in range(len(x)):
        i, f, g, o = (nets[t] + h @ u.T).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    (gradient,) = torch.autograd.grad((c @ weight).sum(), nets)
    return gradient.norm(dim=-1).median(dim=1).values.flip(0).tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_a_loss_of_the_final_state_alone(packed: bool) -> None:
    torch.manual_seed(3)
    model = torch.nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    x = torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64)
    weight = torch.rand(HIDDEN, dtype=torch.float64)
    with watch(model, every=1, rows=BATCH) as watched:
        given = pack_padded_sequence(x, torch.full((BATCH,), STEPS)) if packed else x
        (model(given)[1][1][0] @ weight).sum().backward()
    (record,) = watched.records
    (curve,) = [c for c in record.flow.curves if c.quantity == "δ"]
    assert curve.median == pytest.approx(brute_force(model, x, weight), rel=CLOSE)
    assert str(watched).startswith("step 1, layer 1 δ: ")


def test_rows_of_different_lengths_each_go_back_from_their_end() -> None:
    torch.manual_seed(4)
    model = nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    theirs = nn.to_torch(model)
    x = torch.randn(STEPS, 3, INPUTS, dtype=torch.float64)
    weight = torch.rand(HIDDEN, dtype=torch.float64)
    with watch(model, every=1) as watched:
        (model(x, lengths=[8, 8, 0])[1][1][0] @ weight).sum().backward()
    (curve,) = [c for c in watched.records[0].flow.curves if c.quantity == "δ"]
    assert watched.records[0].flow.losses == 2
    norms = [torch.tensor(brute_force(theirs, x[:, [r]], weight)) for r in range(2)]
    assert curve.median == pytest.approx(torch.stack(norms).mean(0).tolist(), rel=1e-6)


class StepByStep(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        states = None
        for step in x.split(1):
            output, states = self.recurrent(step, states)
        return output


@pytest.mark.parametrize("kind", [torch.nn.GRU, nn.GRU])
def test_the_padding_of_a_short_row_is_no_lag(kind: type[torch.nn.Module]) -> None:
    """In a direction that begins there, too: what is seen of two long rows is the same with a short one."""
    torch.manual_seed(9)
    model = kind(INPUTS, HIDDEN, bidirectional=True, dtype=torch.float64)
    x = torch.randn(STEPS, 3, INPUTS, dtype=torch.float64)
    seen = []
    for lengths in ([STEPS, STEPS, 3], [STEPS, STEPS]):
        with watch(model, every=1) as watched:
            packed = pack_padded_sequence(x[:, : len(lengths)], lengths)
            model(packed)[1].sum().backward()
        seen += watched.records
    for with_short, without in zip(seen[0].flow.curves, seen[1].flow.curves, strict=True):
        assert with_short.median == pytest.approx(without.median, rel=CLOSE)


def test_a_module_that_is_called_step_by_step_is_passed_over() -> None:
    model = StepByStep(torch.nn.LSTM(INPUTS, HIDDEN))
    with watch(model, every=1) as watched:
        model(torch.randn(STEPS, 2, INPUTS)).sum().backward()
        assert str(watched).startswith("nothing seen yet: looks come with every 1 calls")


def test_a_loop_that_counts_updates_itself_may_call_the_model() -> None:
    model = Classifier(nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64))
    with watch(model, every=2) as watched:
        for step in (3, 4):
            watched.begin(step)
            model(torch.randn(STEPS, 2, INPUTS, dtype=torch.float64)).sum().backward()
            seen = watched.finish()
            assert (seen.step if seen else None) == (4 if step == 4 else None)
        assert watched.records == ()


class Frozen(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        self.recurrent.requires_grad_(False)
        return super().forward(x)


class EveryState(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.recurrent(x, return_states=True)[0]


@pytest.mark.parametrize(("kind", "looks"), [(Frozen, 0), (EveryState, 1)])
def test_any_call_of_a_module_goes_on(kind: type[Classifier], looks: int) -> None:
    """Where no gradient comes to what a module gives there is nothing to see; it may also give all states."""
    model = kind(nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64))
    with watch(model, every=1) as watched:
        model(torch.randn(STEPS, 2, INPUTS, dtype=torch.float64)).sum().backward()
    assert len(watched.records) == looks


@pytest.mark.parametrize("kind", [torch.nn.LSTM, nn.LSTM])
def test_under_autocast_a_module_may_be_given_other_numbers_than_its_weights(
    kind: type[torch.nn.Module],
) -> None:
    """A linear layer below gives bfloat16 there; so do the states that a module gave before."""
    torch.manual_seed(7)
    below, recurrent = torch.nn.Linear(INPUTS, INPUTS), kind(INPUTS, HIDDEN)
    model, hx = torch.nn.ModuleList([below, recurrent]), None
    with watch(recurrent, every=1) as watched:
        for _ in range(2):
            with torch.autocast("cpu", torch.bfloat16):
                output, hx = recurrent(below(torch.randn(STEPS, BATCH, INPUTS)), hx)
            model.zero_grad()
            output.float().square().sum().backward()
            hx = tuple(state.detach() for state in hx)
        assert [len(record.flow.curves) for record in watched.records] == [3, 3]


def test_what_was_read_may_be_overwritten_afterwards() -> None:
    torch.manual_seed(8)
    model = nn.LSTM(INPUTS, HIDDEN)
    x = torch.randn(STEPS, BATCH, INPUTS)
    states = torch.randn(1, BATCH, HIDDEN), torch.zeros(1, BATCH, HIDDEN)
    seen = []
    for change in (False, True):
        with watch(model, every=1) as watched:
            model(x, states)[0].sum().backward()
            if change:
                for tensor in (x, *states):
                    tensor.fill_(100.0)
        seen.append(watched.records)
    assert seen[0] == seen[1]


def test_a_watched_model_can_be_copied_and_saved() -> None:
    model = torch.nn.Sequential(torch.nn.LSTM(INPUTS, HIDDEN))
    x = torch.randn(STEPS, BATCH, INPUTS)
    with watch(model, every=1) as watched:
        model(x)[0].sum().backward()
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert torch.equal(other(x)[0], model.eval()(x)[0])
            other(x)[0].sum().backward()
            model.train()
        assert len(watched.records) == 1


def test_records_may_be_asked_for_while_torch_infers() -> None:
    model = torch.nn.LSTM(INPUTS, HIDDEN)
    with watch(model, every=1) as watched:
        model(torch.randn(STEPS, BATCH, INPUTS))[0].sum().backward()
        with torch.inference_mode():
            assert len(watched.records) == 1


def test_the_hooks_are_taken_off_whatever_happens() -> None:
    """Here the last look is impossible, since the weights have another dtype by then."""
    model = torch.nn.LSTM(INPUTS, HIDDEN)
    with pytest.raises(ZeroDivisionError), watch(model, every=1):
        model(torch.randn(STEPS, BATCH, INPUTS))[0].sum().backward()
        model.weight_hh_l0.data = model.weight_hh_l0.data.double()
        raise ZeroDivisionError
    assert not model._forward_hooks and not model._forward_pre_hooks


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(InputError, match="a model with recurrent layers"):
        watch(torch.nn.Linear(2, 2))
    with pytest.raises(InputError, match="every, rows and lags are at least 1"):
        watch(torch.nn.LSTM(2, 2), every=0)
    for wrong in ({"every": 1.5}, {"rows": 2.0}, {"lags": "3"}):
        with pytest.raises(InputError, match="whole numbers"):
            watch(torch.nn.LSTM(2, 2), **wrong)


def test_a_weight_that_is_nan_is_named() -> None:
    model = torch.nn.LSTM(INPUTS, HIDDEN)
    with torch.no_grad():
        model.weight_hh_l0[0, 0] = torch.nan
    with watch(model, every=1) as watched:
        model(torch.randn(STEPS, BATCH, INPUTS))[0].sum().backward()
    assert str(watched).splitlines()[0] == "step 1, layer 1 δ: NaN at lag 0"


@pytest.mark.parametrize("steps", [1, STEPS])
def test_a_loss_without_a_step_before_it_tells_too_little(steps: int) -> None:
    """A call of a single step, and a loss at the first step alone."""
    model = torch.nn.LSTM(INPUTS, HIDDEN)
    with watch(model, every=1) as watched:
        model(torch.randn(steps, BATCH, INPUTS))[0][0].sum().backward()
    assert str(watched) == "step 1, layer 1 δ: too few steps to judge"
