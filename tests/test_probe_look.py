"""What a look gathers, against the probes one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from bptt import nn
from bptt.errors import InputError
from bptt.nn.exposure import Exposure, Part
from bptt.nn.exposure import Sequence as Tokens
from bptt.nn.stack import Stack
from bptt.probe import Property, gradient_by_lag, gradient_maps, spectrum, values
from bptt.probe.look import look
from bptt.probe.units import rank_units

STEPS, INPUTS, HIDDEN = 12, 3, 4
CLOSE = 1e-9  # in float64, of norms that sum T steps of H products
TEXT = 'ab "cd" e.\n\n'


class Encoder(torch.nn.Module):
    """Two stacks: one reads, the other goes on from its last states and reads something else."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(INPUTS, HIDDEN, dtype=torch.float64)
        self.decoder = nn.GRU(INPUTS, HIDDEN, dtype=torch.float64)


def at_both_ends(output: Tensor) -> Tensor:
    """The loss of where each direction ends."""
    ahead, back = output.chunk(2, -1)
    return ahead[-1].square().sum(-1) + back[0].square().sum(-1)


def of_text(stack: Stack, seed: int, pooled: Callable[[Tensor], Tensor] | None = None) -> Exposure:
    """A text with a loss at each step, or with a single one of the output (T, R, width)."""
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))

    def losses_of(inputs: Tensor, steps: Sequence[int]) -> Tensor:
        output = stack(inputs)[0]
        return pooled(output) if pooled else output.square().sum(-1)[list(steps), range(len(steps))]

    text = Tokens("text", tuple(TEXT), tuple(TEXT))
    targets = ("class",) if pooled else tuple(TEXT)
    return Exposure(stack, (text,), (Part("", stack, 0, x),), 0, targets, losses_of)


@pytest.fixture
def stack() -> Stack:
    torch.manual_seed(0)
    return nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True, dtype=torch.float64)


def test_examples_stand_one_after_the_other(stack: Stack) -> None:
    exposures = [of_text(stack, 0), of_text(stack, 1)]
    found = look(exposures, 4, [Property("quotes", '"[^"]*"')])
    wanted = torch.cat([e.losses(range(STEPS)) for e in exposures]).detach()
    torch.testing.assert_close(found.losses, wanted)
    each = [values(stack, e.parts[0].inputs) for e in exposures]
    for layer, first, second in zip(found.layers, *each, strict=True):
        assert layer.name == first.name
        for value, a, b in zip(layer.values.values, first.values, second.values, strict=True):
            assert torch.equal(value.tensor, torch.cat([a.tensor, b.tensor]))
    maps = gradient_maps(stack, exposures[0].losses, range(STEPS))
    for a, b in zip(found.maps, maps, strict=True):
        torch.testing.assert_close(a.net, b.net)
    alone = spectrum(stack, exposures[0].parts[0].inputs)
    assert [layer.spectrum for layer in found.layers] == list(alone)
    ((quotes, ranking),) = found.rankings
    assert quotes.name == "quotes" and ranking.units
    assert found.gradient_times_input.shape == (STEPS, STEPS)
    assert len(found.integrated_steps) == 4 and found.integrated.shape == (4, STEPS)
    largest = exposures[0].losses(range(STEPS)).topk(4).indices.sort().values.tolist()
    assert list(found.integrated_steps) == largest


def test_of_many_losses_some_are_gone_back_from(stack: Stack) -> None:
    exposure = of_text(stack, 0)
    whole, found = look([exposure], 3), look([exposure], 3, most=5)
    steps = found.maps[0].loss_steps
    assert steps == (2, 4, 7, 9, 11)
    for some, every in zip(found.maps, whole.maps, strict=True):
        torch.testing.assert_close(some.net, every.net[list(steps)])
    torch.testing.assert_close(found.losses[list(steps)], whole.losses[list(steps)])
    assert found.losses.isfinite().sum() == 5
    torch.testing.assert_close(found.gradient_times_input, whole.gradient_times_input[list(steps)])
    assert set(found.integrated_steps) <= set(steps)
    # The curves are those of these losses, each from its own step.
    curve = next(c for c in found.flow.curves if (c.layer, c.quantity) == ("layer 2 →", "δ"))
    layer = whole.maps[2].net
    own = torch.stack([layer[m, m] for m in steps if m >= len(curve.median) - 1])
    assert curve.median[0] == own.quantile(0.5)
    with pytest.raises(InputError, match="one loss of each example is gone back from, or more"):
        look([exposure], 3, most=0)


def test_a_single_loss_belongs_to_the_end_and_goes_back_from_where_each_direction_ends(stack: Stack) -> None:
    exposure = of_text(stack, 0, at_both_ends)
    found = look([exposure], 5)
    assert found.losses[:-1].isnan().all()
    torch.testing.assert_close(found.losses[-1:], exposure.losses([0]).detach())
    curves = {(c.layer, c.quantity): c.median for c in found.flow.curves}
    maps = {m.layer: m.net[0].tolist() for m in found.maps}
    assert curves["layer 2 →", "δ"] == pytest.approx(maps["layer 2 →"][:-7:-1], rel=CLOSE)
    assert curves["layer 2 ←", "δ"] == pytest.approx(maps["layer 2 ←"][:6], rel=CLOSE)


def test_no_match_goes_on_from_one_example_into_the_next(stack: Stack) -> None:
    both = [of_text(stack, 0), of_text(stack, 1)]
    across = [Property("across", r"\na", "inside"), Property("line", r"^.+", "position")]
    ((line, ranking),) = look(both, 3, across).rankings
    place = across[1].of(TEXT).repeat(2)
    assert line.name == "line"
    assert ranking == rank_units([layer.values for layer in look(both, 3).layers], [place])[0]


@pytest.mark.parametrize("steps", [range(STEPS), range(3, 9)])
def test_a_loss_of_many_steps_goes_back_from_the_last_of_them_alone(steps: range) -> None:
    torch.manual_seed(2)
    stack = nn.LSTM(INPUTS, HIDDEN, 2, dtype=torch.float64)
    exposure = of_text(stack, 0, lambda output: output[list(steps)].sum((0, -1)))
    found = look([exposure], 5)
    read = exposure.parts[0].inputs[: steps.stop]
    wanted = gradient_by_lag(stack, read, lambda last: last.sum(-1), 5)
    for curve, truth in zip(found.flow.curves, wanted.curves, strict=True):
        assert (curve.layer, curve.quantity) == (truth.layer, truth.quantity)
        assert curve.median == pytest.approx(truth.median, rel=CLOSE)


def test_of_a_layer_without_a_share_in_the_loss_no_gradient_is_said_to_arrive(stack: Stack) -> None:
    half = of_text(stack, 0, lambda output: output[..., :HIDDEN].sum((0, -1)))
    headlines = [finding.headline for finding in look([half], 3).findings]
    assert "layer 2 ←: no gradient arrives" in headlines
    assert "layer 2 →: no gradient arrives" not in headlines


def test_layers_of_parts_have_their_names() -> None:
    torch.manual_seed(1)
    model = Encoder()
    source = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    target = torch.randn(5, 1, INPUTS, dtype=torch.float64)

    def losses_of(inputs: Tensor, steps: Sequence[int]) -> Tensor:
        rows = len(steps)
        _, states = model.encoder(inputs)
        output = model.decoder(target.expand(-1, rows, -1), states)[0]
        return output.square().sum(-1)[list(steps), range(rows)]

    exposure = Exposure(
        model=model,
        sequences=(
            Tokens("source", tuple(TEXT), tuple(TEXT)),
            Tokens("target", tuple("abcde"), tuple("abcde")),
        ),
        parts=(
            Part("encoder", model.encoder, 0, source),
            Part("decoder", model.decoder, 1, target, (model.encoder(source)[1].detach(),)),
        ),
        of=1,
        targets=tuple("abcde"),
        losses_of=losses_of,
    )
    found = look([exposure], 3)
    assert [layer.name for layer in found.layers] == ["encoder layer 1", "decoder layer 1"]
    assert [layer.spectrum.name for layer in found.layers if layer.spectrum] == [x.name for x in found.layers]
    assert {finding.headline.split(":")[0] for finding in found.findings} == {x.name for x in found.layers}
    encoder, decoder = found.maps
    assert encoder.net.shape == (5, STEPS) and decoder.net.shape == (5, 5)
    # Every loss of the target enters the source at its last step.
    curve = next(c for c in found.flow.curves if (c.layer, c.quantity) == ("encoder layer 1", "δ"))
    assert curve.median[0] == pytest.approx(float(encoder.net[:, -1].median()), rel=CLOSE)
    assert found.gradient_times_input.shape == (5, STEPS)


def test_there_must_be_something_to_look_at(stack: Stack) -> None:
    with pytest.raises(InputError, match="at least one example"):
        look([], 4)
    with pytest.raises(InputError, match="lags is at least 1"):
        look([of_text(stack, 0)], 0)
