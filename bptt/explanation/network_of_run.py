"""The whole model of a run as a network to derive: input, layers, pooling, output layer and loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from torch import Tensor, nn

from bptt.cells.cell import Cell
from bptt.derive.network import Loss, Network
from bptt.errors import InputError
from bptt.explain.formula_tree import MathName
from bptt.explain.network.adaptive_output import AdaptiveOutput
from bptt.explain.network.encoder_decoder import FirstStates
from bptt.explain.network.other_losses import FUNCTIONS, OtherLoss
from bptt.explain.network.run_sections import ReadPart, Remark, RunParts
from bptt.explain.network.symbols import Around, Below, LayerNotation, NetworkNotation, Pooled, StepPooling
from bptt.explain.network.widths import Widths
from bptt.models.encoder import Encoder
from bptt.models.heads.adaptive import AdaptiveSoftmax
from bptt.models.heads.full import FullSoftmax
from bptt.models.heads.number_output import NumberOutput
from bptt.models.heads.output_layer import OutputLayer
from bptt.models.heads.sampled import SampledSoftmax
from bptt.models.inputs import InputPart, TokenInput
from bptt.models.ngrams import NgramScores
from bptt.models.spelled_words import SpelledWordInput
from bptt.models.token_network import TokenNetwork
from bptt.nn.decoder import Bridge, Decoder
from bptt.nn.pooling import Pooling
from bptt.nn.stack import Stack

Module = TypeVar("Module", bound=nn.Module)

# How the symbols of an encoder are marked where a decoder has the plain ones.
SOURCE = "s"


def network_of_run(model: nn.Module) -> tuple[ReadPart, RunParts]:
    """Return the whole model of a run as a network, and what it has beside its layers.

    Raises InputError for a model that is no such network, naming the part.
    """
    loss, head = str(getattr(model, "loss_name", "")), _head(model)
    known = {each.value: each for each in Loss}
    other = None if loss in known else _other(loss)
    adaptive = head if isinstance(head, AdaptiveSoftmax) else None
    if head is not None and adaptive is None and not isinstance(head, FullSoftmax):
        rule = "is derived if it is the full, the sampled or the adaptive softmax"
        raise InputError("output_layer", rule, type(head).__name__)
    decoder = _only(model, Decoder)
    found = _read_decoder(model, decoder) if decoder else _read_layers(model)
    around = replace(
        found.around,
        tied=head is not None and head.shape.tied and not head.embeds,
        answers="" if other is None else FUNCTIONS[other],
    )
    network = Network(
        found.cells,
        known.get(loss) if adaptive is None else None,
        output_layer=adaptive is None,
        embedding=found.tokens is not None,
    )
    notation = NetworkNotation(network, around)
    parts = RunParts(
        other,
        None if adaptive is None else _adaptive(adaptive, notation),
        _is_standardised(model),
        remarks=tuple(dict.fromkeys(_remarks(model))),
    )
    if decoder is not None:
        parts = _given_to(model, decoder, parts, notation)
    return ReadPart(notation, Widths(found.sizes, _outputs(model), found.tokens)), parts


def _adaptive(head: AdaptiveSoftmax, notation: NetworkNotation) -> AdaptiveOutput:
    """Return an adaptive softmax over the layers of a network."""
    inner = ((len(each.weight), each.weight.shape[1]) for each in head.clusters)
    return AdaptiveOutput(notation, head.shape.width, head.cutoffs[0], tuple(inner), head.embeds)


@dataclass(frozen=True)
class _Layers:
    """Layers with what is around them; `tokens` is the number of rows of their embedding."""

    cells: tuple[Cell, ...]
    sizes: tuple[Mapping[str, int], ...]
    around: Around
    tokens: int | None = None


def _read_layers(model: nn.Module) -> _Layers:
    """Return the layers of a model without a decoder."""
    encoder, stack = _only(model, Encoder), _only(model, Stack)
    if encoder is not None:
        return _read_encoder(encoder, _only(model, Pooling))
    if stack is not None:
        table, head = getattr(model, "table", None), _head(model)
        found = _read_stack(stack, Around(one_hot=table is None))
        return found if head is not None and head.embeds else replace(found, tokens=_rows(table))
    found = _behind(_Layers((), (), Around()), model.get_submodule("body.feed_forward"))
    if not found.cells:
        raise InputError("bptt derive", "needs a model with a layer below its output layer", "none")
    return found


def _read_encoder(encoder: Encoder, pooling: Pooling | None, source: str = "") -> _Layers:
    found = _read_stack(encoder.recurrent, Around(source=source))
    if pooling is not None:
        pooled = Pooled(StepPooling(pooling.kind), len(found.cells))
        found = replace(found, around=replace(found.around, pooled=pooled))
    return _behind(_with_input(found, encoder.part), encoder.feed_forward)


def _read_stack(stack: Stack, around: Around) -> _Layers:
    layers = stack.layers[:: stack.num_directions]
    both = len(layers) if stack.bidirectional else 0
    return _Layers(
        tuple(layer.cell for layer in layers),
        tuple(layer.sizes for layer in layers),
        replace(around, both=both),
    )


def _with_input(found: _Layers, part: InputPart) -> _Layers:
    """Add what the first layer reads."""
    words = part.words if isinstance(part, SpelledWordInput) else part
    if not isinstance(words, TokenInput):
        return found
    if not words.options.embedding_size:
        one_hot = words is part
        return replace(found, around=replace(found.around, one_hot=one_hot))
    below = None if words is part else Below.CHARACTERS
    return replace(found, around=replace(found.around, below=below), tokens=words.vocabulary_size)


def _behind(found: _Layers, feed_forward: nn.Module) -> _Layers:
    """Add the feed-forward layers behind others: linear maps, each with its nonlinearity."""
    modules = [each for each in feed_forward.children() if not isinstance(each, nn.Dropout)]
    for linear, function in zip(modules[::2], modules[1::2], strict=True):
        assert isinstance(linear, nn.Linear)
        name = type(function).__name__
        cell = Cell.define(
            f"dense-{name.lower()}",
            f"u = W_u @ x + b_u\ny = {name.lower()}(u)",
            title=f"Feed-forward layer, {name if name == 'ReLU' else name.lower()}",
        )
        sizes = {"I": linear.in_features, "H": linear.out_features}
        found = replace(found, cells=(*found.cells, cell), sizes=(*found.sizes, sizes))
    return found


def _read_decoder(model: nn.Module, decoder: Decoder) -> _Layers:
    around = Around(
        below=Below.LAST_OUTPUT if decoder.input_feeding else None,
        attends=decoder.attention is not None,
        starts=True,
    )
    return replace(_read_stack(decoder.recurrent, around), tokens=_rows(getattr(model, "table", None)))


def _rows(table: Tensor | None) -> int | None:
    return None if table is None else len(table)


def _given_to(model: nn.Module, decoder: Decoder, parts: RunParts, notation: NetworkNotation) -> RunParts:
    """Add what a decoder is given: an encoder, and its first states."""
    encoder, bridge, attention = _only(model, Encoder), _only(model, Bridge), decoder.attention
    if encoder is None or bridge is None:
        starts = (FirstStates(layer, (MathName("x"),)) for layer in notation.layers)
        return replace(parts, starts=tuple(starts))
    read = _read_encoder(encoder, None, SOURCE)
    network = Network(read.cells, None, output_layer=False, embedding=read.tokens is not None)
    source = NetworkNotation(network, read.around)
    pairs = zip(notation.layers, bridge.sources, strict=True)
    return replace(
        parts,
        source=ReadPart(source, Widths(read.sizes, None, read.tokens)),
        starts=tuple(FirstStates(layer, _last_states(source.layers[below])) for layer, below in pairs),
        attention="" if attention is None else attention.score,
        shared=any(each is getattr(model, "table", None) for each in encoder.part.parameters()),
    )


def _last_states(layer: LayerNotation) -> tuple[MathName, ...]:
    """Return the states of a layer of an encoder at its last step, S, in each direction."""
    found = layer.final(*(layer.names[state] for state in layer.cell.states))
    return tuple(replace(name, index=name.index.replace("T", "S")) for name in found)


def _other(name: str) -> OtherLoss:
    """Return a loss by its name. Raises InputError if it is not derived."""
    try:
        return OtherLoss(name)
    except ValueError as error:
        known = ", ".join(each.value for each in (*Loss, *OtherLoss))
        raise InputError(
            "loss", f"is derived if it is one of {known}", name or "a loss without a name"
        ) from error


def _is_standardised(model: nn.Module) -> bool:
    head = _only(model, NumberOutput)
    return head is not None and head.options.standardise


def _outputs(model: nn.Module) -> int:
    """Return the number of outputs of the output layer: that of the entries of its bias."""
    return next(len(each) for each in model.get_submodule("output").parameters() if each.dim() == 1)


def _remarks(model: nn.Module) -> Iterator[Remark]:
    modules = list(model.modules())
    stacks = [each for each in modules if isinstance(each, Stack)]
    if any(isinstance(each, nn.Dropout) and each.p for each in modules) or any(s.dropout for s in stacks):
        yield Remark.DROPOUT
    smoothing = [getattr(getattr(each, "head", None), "smoothing", 0) for each in modules]
    smoothing += [each.shape.smoothing for each in modules if isinstance(each, OutputLayer)]
    if any(smoothing):
        yield Remark.SMOOTHING
    if any(isinstance(each, SampledSoftmax) for each in modules):
        yield Remark.SAMPLES
    if any(getattr(getattr(each, "head", None), "balance", False) for each in modules):
        yield Remark.BALANCE
    if any(isinstance(each, NgramScores) for each in modules):
        yield Remark.NGRAMS
    if any(not each.requires_grad for name, each in model.named_parameters() if name.endswith("embedding")):
        yield Remark.FROZEN
    for part in modules:
        own = isinstance(part, InputPart) and not isinstance(part, TokenInput)
        if own and any(True for _ in part.parameters()):
            yield Remark.OWN_INPUT


def _head(model: nn.Module) -> OutputLayer | None:
    """Return the output layer of a model that predicts tokens."""
    return model.output if isinstance(model, TokenNetwork) else None


def _only(model: nn.Module, kind: type[Module]) -> Module | None:
    """Return the module of a kind, None if there is none."""
    return next((each for each in model.modules() if isinstance(each, kind)), None)
