"""The sections on the whole model of a run, with the parts that a network of layers alone does not have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bptt.derive.network import Loss
from bptt.explain.document import Fact, Part, Section, say
from bptt.explain.formula_tree import MathName
from bptt.explain.gradients import GRADIENT
from bptt.explain.network.adaptive_output import AdaptiveOutput
from bptt.explain.network.composition import composition_section
from bptt.explain.network.encoder_decoder import (
    AttentionNotation,
    FirstStates,
    first_states,
    first_states_backward,
    first_states_gradients,
    without_attention,
)
from bptt.explain.network.forward_pass import network_facts, network_section
from bptt.explain.network.loss import loss_section
from bptt.explain.network.other_losses import OtherLoss, other_loss_sections
from bptt.explain.network.output import output_section
from bptt.explain.network.symbols import NetworkNotation
from bptt.explain.network.through_layers import layer_sums, layers_section, sums_section
from bptt.explain.network.widths import Widths
from bptt.explain.network.writing import added


class Remark(Enum):
    """A treatment of the model by training, beside its equations, which are those of an evaluation."""

    DROPOUT = say("Training sets random elements to 0 (dropout), and their δ with them; left out here.")
    SMOOTHING = say(
        "Training smooths the targets: every other label has a small share of the 1; left out here."
    )
    SAMPLES = say(
        "Training estimates the sum in the softmax from some tokens, drawn at random, and its gradient with"
        " it; left out here."
    )
    BALANCE = say("Training weighs the loss of an example by how rare its label is; left out here.")
    NGRAMS = say(
        "A linear model of n-grams adds its own scores to {} in an answer. It is trained apart, and its"
        " scores do not depend on the network.",
        MathName("z"),
    )
    FROZEN = say("Training leaves the embedding as it is: its gradient is not used.")
    OWN_INPUT = say("The parameters below the first layer are trained by the δ of its input, too.")


@dataclass(frozen=True)
class ReadPart:
    """The layers of a model, or of its encoder or decoder, as a network with its widths."""

    notation: NetworkNotation
    widths: Widths


@dataclass(frozen=True)
class RunParts:
    """The parts of a model beside its layers and their output layer.

    `other_loss` is a loss that `Loss` does not have; its targets may be `standardised`. `source` is the
    encoder of a decoder, `starts` how the decoder begins, `attention` the name of the score of its attention.
    Encoder and decoder may have one embedding, `shared`. `adaptive` is the output layer if it is an adaptive
    softmax.
    """

    other_loss: OtherLoss | None = None
    adaptive: AdaptiveOutput | None = None
    standardised: bool = False
    source: ReadPart | None = None
    starts: tuple[FirstStates, ...] = ()
    attention: str = ""
    shared: bool = False
    remarks: tuple[Remark, ...] = ()


def run_facts(part: ReadPart, parts: RunParts) -> Iterator[Fact]:
    """Yield what is known of a model before anything is derived."""
    yield from network_facts(part.notation)
    if parts.other_loss:
        yield Fact("loss", (_NAMES[parts.other_loss],))


def run_sections(part: ReadPart, parts: RunParts) -> Iterator[Section]:
    """Yield the sections from the forward equations to the gradients, with the parts of a run."""
    yield from _Run(part.notation, part.widths, parts).sections()


@dataclass(frozen=True)
class _Run:
    notation: NetworkNotation
    widths: Widths
    parts: RunParts

    def sections(self) -> Iterator[Section]:
        """Yield all sections."""
        source, attention, adaptive = self.parts.source, self.attention, self.parts.adaptive
        if source is not None:
            yield network_section(source.notation, source.widths, "The encoder, forward")
        above = (
            *(attention.forward() if attention else ()),
            *first_states(self.parts.starts),
            *(adaptive.forward() if adaptive else ()),
        )
        below, sizes = (adaptive.input(), adaptive.sizes()) if adaptive else ((), ())
        title = "The whole network, forward" if source is None else "The decoder, forward"
        yield network_section(self.notation, self.widths, title, above, self._remarks(), below, sizes)
        yield from self._loss()
        title = "Back-propagation through all layers"
        first = attention.backward() if attention else ()
        last = first_states_backward(self.parts.starts)
        if source is None:
            yield layers_section(self.notation, title, first, last)
        else:
            yield layers_section(self.notation, "Back-propagation through the decoder", first, last)
            nothing = () if attention else without_attention(source.notation)
            yield layers_section(source.notation, "Back-propagation through the encoder", nothing)
        yield sums_section(self.notation, self._more_sums(), adaptive.gradients() if adaptive else ())
        if not self.notation.time:
            yield composition_section(self.notation, self.widths)

    @property
    def attention(self) -> AttentionNotation | None:
        """The attention of the decoder, if there is one."""
        if self.parts.source is None or not self.parts.attention:
            return None
        return AttentionNotation(self.parts.attention, self.notation, self.parts.source.notation)

    def _loss(self) -> Iterator[Section]:
        loss: Loss | None = self.notation.network.loss
        if self.parts.adaptive is not None:
            yield from self.parts.adaptive.sections()
        elif loss is not None:
            yield loss_section(self.notation, loss)
            yield output_section(self.notation, loss)
        elif self.parts.other_loss is not None:
            yield from other_loss_sections(self.notation, self.parts.other_loss, self.parts.standardised)

    def _more_sums(self) -> Iterator[Part]:
        if self.attention is not None:
            yield from self.attention.gradients()
        yield from first_states_gradients(self.parts.starts)
        if self.parts.source is not None:
            yield say("The encoder:")
            yield from layer_sums(self.parts.source.notation)
        if self.parts.shared:
            tables = MathName("M", mark=GRADIENT), MathName("M", mark=GRADIENT, layer="s")
            yield say(
                "Encoder and decoder share the embedding, whose gradient is the sum {}.", added(*tables)
            )

    def _remarks(self) -> Iterator[Part]:
        if self.parts.adaptive is not None:
            yield self.parts.adaptive.letters()
        for remark in self.parts.remarks:
            yield remark.value


_NAMES = {
    OtherLoss.CRF: say("minus the logarithm of the probability of the tags in a conditional random field"),
    OtherLoss.CTC: say("minus the logarithm of the probability of the label, summed over alignments"),
    OtherLoss.PROBABILITIES: say("squared error of the probabilities"),
    OtherLoss.SQUARED: say("mean squared error"),
    OtherLoss.ABSOLUTE: say("mean absolute error"),
    OtherLoss.HUBER: say("mean Huber loss"),
    OtherLoss.QUANTILE: say("mean pinball loss of quantiles"),
}
