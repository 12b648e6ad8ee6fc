"""The whole model of a run, derived: the printed equations, carried out, give the gradients of its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from carried_out import System, gradient_lines, symbol
from torch import Tensor, nn
from written_formulas import lines_of

from bptt.cells import get
from bptt.cells.load import Cells
from bptt.data.batches import NOTHING
from bptt.explain.document import Derivation, Stage
from bptt.explain.formula_tree import MathName, total
from bptt.explain.network.run_sections import ReadPart, Remark, RunParts, run_sections
from bptt.explain.plain import formula_text
from bptt.explanation.network_of_run import network_of_run
from bptt.jobs.classify.label_sets import SeveralLabels
from bptt.jobs.classify.network import Classifier
from bptt.jobs.classify.options import HeadOptions
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.options import ModelOptions
from bptt.jobs.regress.network import Regressor
from bptt.jobs.tag.network import Tagger
from bptt.jobs.translate.network import Generator, Translator, Writer, shift
from bptt.jobs.translate.options import DecoderOptions
from bptt.models.codecs.codec import Padded
from bptt.models.encoder import Encoder
from bptt.models.heads.adaptive import AdaptiveSoftmax
from bptt.models.heads.number_options import NumberOptions
from bptt.models.inputs import SeriesInput, TokenInput
from bptt.models.options import EncoderOptions, SpellingOptions, TokenOptions
from bptt.models.spelled_words import SpelledWordInput
from bptt.nn.stack import Stack
from bptt.runtime.backend import backend

# Sums of some hundred products of numbers near 1 in float64, and their rounding.
CLOSE = {"rtol": 1e-10, "atol": 1e-12}
TOKENS, STEPS, SOURCE_STEPS = 5, 4, 3
CUTOFFS = (2, 3)


@dataclass(frozen=True)
class Case:
    """A model, its loss as it computes it itself, and the inputs and targets by symbol and step."""

    model: nn.Module
    loss: Tensor
    inputs: dict[str, list[Tensor]]
    targets: list[Tensor]
    given: dict[str, Tensor]
    not_derived: tuple[str, ...] = ()


def encoder(**others: Any) -> EncoderOptions:
    return EncoderOptions(hidden_size=3, num_layers=2, dropout=0.0, **others)


def tokens(*numbers: int) -> Tensor:
    return torch.tensor(numbers)[:, None]


def one_hot(number: int, width: int) -> Tensor:
    found = torch.zeros(width, 1, dtype=torch.float64)
    if number != NOTHING:
        found[number] = 1.0
    return found


def one_hots(read: Tensor, width: int = TOKENS) -> list[Tensor]:
    return [one_hot(number, width) for number in read[:, 0].tolist()]


def ready(model: nn.Module) -> nn.Module:
    torch.manual_seed(3)
    model = model.double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.7)
    return model


READ, SOURCE = tokens(2, 4, 2, 3), tokens(1, 4, 1)


def language(cell: Cells = "gru", read: Tensor = READ, **options: Any) -> Case:
    model = LanguageModel(TOKENS, cell_of(cell), ModelOptions(hidden_size=3, dropout=0.0, **options))
    ready(model)
    targets = tokens(4, 2, 3, 0)
    loss = model.loss(model.read(read)[0], targets, "sum")
    name = "e" if options.get("embedding_size", 1) else "x"
    return Case(model, loss, {name: one_hots(read)}, one_hots(targets), {})


def adaptive(**options: Any) -> Case:
    """Words 0 and 1 in the shortlist, word 2 in a cluster, words 3 and 4 in another."""
    words = tokens(1, 4, 2, 3)
    case = language(read=words, output_layer="adaptive", cutoffs=CUTOFFS, **options)
    targets = cluster_targets(tokens(4, 2, 3, 0), CUTOFFS)
    inputs = case.inputs | {name: values for name, values in targets.items() if name != "y"}
    if options.get("tied"):
        read = cluster_targets(words, CUTOFFS)
        inputs |= {name.replace("y", "e"): values for name, values in read.items() if name[0] == "y"}
        inputs["e"] = [
            values if token < CUTOFFS[0] else 0.0 * values
            for token, values in zip(words[:, 0].tolist(), read["y"], strict=True)
        ]
    return replace(case, inputs=inputs, targets=targets["y"])


def cluster_targets(read: Tensor, cutoffs: tuple[int, ...]) -> dict[str, list[Tensor]]:
    """The classes of words in the head, y; and for each cluster those that lie there, χ, and their place."""
    words, ends = read[:, 0].tolist(), (*cutoffs, TOKENS)
    clusters = [sum(word >= first for first in cutoffs) for word in words]
    classes = [cutoffs[0] - 1 + c if c else word for word, c in zip(words, clusters, strict=True)]
    found = {"y": [one_hot(each, cutoffs[0] + len(cutoffs)) for each in classes]}
    for c, (first, end) in enumerate(pairwise(ends), 1):
        inside = [each == c for each in clusters]
        places = [word - first if there else NOTHING for word, there in zip(words, inside, strict=True)]
        found[f"y{cluster(c)}"] = [one_hot(place, end - first) for place in places]
        found[f"χ{cluster(c)}"] = [torch.tensor(float(there)).double() for there in inside]
    return found


def cluster(c: int) -> str:
    return f"⁽ᶜ{'⁰¹²³'[c]}⁾"


def cell_of(cell: Any) -> Any:
    return [get(each) for each in cell] if isinstance(cell, list) else get(cell)


def tagger(crf: bool, spelled: bool = False, **options: Any) -> Case:
    part: Any = TokenInput(TOKENS, TokenOptions(2))
    read: tuple[Tensor, ...] = (READ,)
    if spelled:
        part = SpelledWordInput(part, 4, SpellingOptions(character_size=2, character_hidden_size=2))
        read = (READ, torch.tensor([[[0, 1, 2]], [[3, NOTHING, NOTHING]], [[1, 1, NOTHING]], [[2, 0, 3]]]))
    model = ready(Tagger(part, 3, get("elman-tanh"), encoder(**options), crf, None))
    batch, tags = Padded(read, torch.tensor([STEPS])), tokens(0, 2, 1, 1)
    scores = model(batch)
    loss = model.negative_log_likelihood(scores, tags, batch.lengths).sum()
    inputs, given = {"e": one_hots(READ)}, {}
    if crf:
        inputs["o"] = list(model.marginals(scores, batch.lengths)[:, 0, :, None].detach())
    if spelled:
        inputs["r"] = list(part(*read)[:, 0, 2:, None].detach())
    # The sums over all sequences of a field have a test of their own.
    apart = ("crf.", "encoder.part.characters", "encoder.part.speller")
    return Case(model, loss, inputs, one_hots(tags, 3), given, apart)


def classifier(head: HeadOptions, cell: str | None = "lstm", several: bool = False, **options: Any) -> Case:
    if cell is None:
        part: Any = SeriesInput(4)
        batch = Padded((torch.linspace(-1, 1, 4).double().view(1, 1, 4),), torch.tensor([1]))
        inputs = {"x": [batch.tensors[0][0].T]}
    else:
        part, batch = TokenInput(TOKENS, TokenOptions(2)), Padded((READ,), torch.tensor([STEPS]))
        inputs = {"e": one_hots(READ)}
    labelling = SeveralLabels(";") if several else None
    model = ready(Classifier(part, 3, cell and get(cell), encoder(**options), head, labelling))
    target = torch.tensor([[1.0, 0.0, 1.0]]).double() if several else torch.tensor([1])
    loss = model.loss(model(batch), target, "none").sum()
    return Case(model, loss, inputs, [target.T if several else one_hot(1, 3)], {})


def regressor(numbers: NumberOptions, pooling: Any = "mean", **options: Any) -> Case:
    series = torch.linspace(-1, 1, STEPS * 2).double().view(STEPS, 1, 2).cos()
    model = Regressor(SeriesInput(2), 2, get("gru"), encoder(**options), numbers, pooling)
    ready(model)
    steps = STEPS if pooling is None else 1
    wanted = torch.tensor([[0.3, -1.1], [0.7, 0.2], [-0.6, 5.0], [0.1, 0.4]])[:steps].double()
    found = model(Padded((series,), torch.tensor([STEPS])))
    found = found.view(steps, *found.shape[-2:])
    loss = model.output.loss(found, wanted, "none").mean(1).sum()
    each = wanted.repeat_interleave(numbers.width, 1)
    levels = torch.tensor(numbers.levels or (0.0,), dtype=torch.float64).repeat(2)[:, None]
    given = {"τ": levels, "d": torch.tensor(numbers.delta, dtype=torch.float64)}
    return Case(model, loss, {"x": list(series[:, 0, :, None])}, list(each[:, :, None]), given)


def writer(cell: str = "gru", class_input: bool = False, **options: Any) -> Case:
    choices = DecoderOptions(hidden_size=3, dropout=0.0, **{"embedding_size": 2, **options})
    targets = tokens(3, 4, 1, 0)
    model: Writer
    if class_input:
        model = Generator(TokenInput(2, TokenOptions(0)), TOKENS, get(cell), choices)
        batch, given = Padded((tokens(1),), torch.tensor([1])), {"x": one_hot(1, 2)}
    else:
        part = TokenInput(TOKENS, TokenOptions(2))
        model = Translator(Encoder(part, get("lstm"), encoder()), TOKENS, get(cell), choices)
        batch, given = Padded((SOURCE,), torch.tensor([SOURCE_STEPS])), {}
    ready(model)
    loss = model.teach(batch, targets, "sum")
    inputs = {"e": one_hots(shift(targets)), "e⁽ˢ⁾": one_hots(SOURCE)}
    if isinstance(model.output, AdaptiveSoftmax):
        inputs |= cluster_targets(targets, model.output.cutoffs)
        return Case(model, loss, inputs, inputs.pop("y"), given)
    return Case(model, loss, inputs, one_hots(targets), given)


CASES: dict[str, Callable[[], Case]] = {
    "lm": lambda: language(num_layers=2, embedding_size=2),
    "lm, mixed cells": lambda: language(["lstm", "gru"], num_layers=2, embedding_size=2),
    "lm, one-hot": lambda: language(embedding_size=0),
    "lm, tied": lambda: language("lstm", embedding_size=3, tied=True),
    "lm, adaptive": lambda: adaptive(embedding_size=2),
    "lm, adaptive, one-hot": lambda: adaptive(embedding_size=0, num_layers=1),
    "lm, adaptive, tied": lambda: adaptive(embedding_size=3, tied=True),
    "tag": lambda: tagger(crf=False, bidirectional=False),
    "tag, CRF": lambda: tagger(crf=True),
    "tag, CRF, spelled": lambda: tagger(crf=True, spelled=True, feed_forward=(4,)),
    "classify, last": lambda: classifier(HeadOptions("last")),
    "classify, mean": lambda: classifier(HeadOptions("mean"), "gru-torch", feed_forward=(4, 2)),
    "classify, attention": lambda: classifier(HeadOptions("attention"), "gru", feed_forward=(4,)),
    "classify, squared": lambda: classifier(HeadOptions("last", "squared"), bidirectional=False),
    "classify, several labels": lambda: classifier(HeadOptions("max"), "gru", several=True),
    "classify, rows": lambda: classifier(HeadOptions(), None, feed_forward=(4, 3), activation="tanh"),
    "regress": lambda: regressor(NumberOptions("squared")),
    "regress, absolute": lambda: regressor(NumberOptions("absolute"), "last"),
    "regress, Huber": lambda: regressor(NumberOptions("huber", delta=0.8), feed_forward=(2,)),
    "regress, quantiles": lambda: regressor(NumberOptions("quantile", quantiles=(0.1, 0.5, 0.7)), "last"),
    "regress, every step": lambda: regressor(NumberOptions("squared"), None),
    "translate, additive": lambda: writer(num_layers=2),
    "translate, general": lambda: writer("lstm", attention="general", num_layers=3),
    "translate, fed": lambda: writer(input_feeding=True),
    "translate, adaptive": lambda: writer(output_layer="adaptive"),
    "translate, none": lambda: writer("lstm", attention="none"),
    "translate, shared, tied": lambda: writer(shared=True, attention="none"),
    "generate": lambda: writer("lstm", class_input=True, attention="none", num_layers=2),
}


@pytest.fixture(autouse=True)
def _without_kernels() -> Iterator[None]:
    with backend("reference"):
        yield


@pytest.fixture(params=CASES, name="case")
def case_(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def document_of(model: nn.Module) -> tuple[Derivation, ReadPart, RunParts]:
    part, parts = network_of_run(model)
    return Derivation("", (), tuple(run_sections(part, parts))), part, parts


def parameters_of(case: Case, part: ReadPart, parts: RunParts) -> dict[str, tuple[str, Tensor]]:
    """Every parameter by its symbol: its name in the model, and the part of it, a matrix or a column."""
    named = dict(case.model.named_parameters())
    found: dict[str, tuple[str, Tensor]] = {}

    def add(written: str, name: str, rows: slice = slice(None), columns: slice = slice(None)) -> None:
        if name in named:
            whole = named[name]
            found[written] = name, whole[rows, None] if whole.dim() == 1 else whole[rows, columns]

    prefix = next(p for p in ("output.linear", "output.head", "output") if f"{p}.bias" in named)
    add("V", f"{prefix}.weight"), add("b", f"{prefix}.bias")
    for c, _ in enumerate(parts.adaptive.inner if parts.adaptive else (), 1):
        for written, own in zip("PMd", ("projection", "weight", "bias"), strict=True):
            add(f"{written}{cluster(c)}", f"output.tails.{c - 1}.{own}")
    for name in named:
        if name.split(".")[-1] == "embedding" and "characters" not in name:
            add("M⁽ˢ⁾" if parts.source and name.startswith("encoder") else "M", name)
        where = name.rpartition(".")[0]
        if where.endswith("pooling"):
            for written, own in zip("Acq", ("weight", "bias", "query"), strict=True):
                add(written, f"{where}.{own}")
        if where.endswith("attention"):
            general = parts.attention == "general"
            add("A", f"{where}.{'key' if general else 'query'}_weight"), add("q", f"{where}.vector")
            if not general:
                add("U", f"{where}.key_weight")
        if name.endswith("combine.weight"):
            width = named[name].shape[1] - part.widths.layers[-1]["H"]
            add("C_c", name, columns=slice(width)), add("C_h", name, columns=slice(width, None))
    for k, _ in enumerate(parts.starts):
        add(f"B{number(k)}", f"bridge.maps.{k}.weight"), add(f"β{number(k)}", f"bridge.maps.{k}.bias")
    for read in (part, *([parts.source] if parts.source else [])):
        for written, name, rows in layer_parameters(case.model, read, read is parts.source):
            add(written, name, rows)
    return found


def number(k: int) -> str:
    return f"⁽{'¹²³'[k]}⁾"


def layer_parameters(model: nn.Module, read: ReadPart, is_source: bool) -> Iterator[tuple[str, str, slice]]:
    """The symbol, the name and the rows of each member of the parameters of layers, one name of several."""
    stacks = {n: m for n, m in model.named_modules() if isinstance(m, Stack) and n.endswith("recurrent")}
    linears = [n for n, m in model.named_modules() if "feed_forward." in n and isinstance(m, nn.Linear)]
    wanted = "encoder" if is_source or len(stacks) == 1 else "decoder"
    where, stack = next(((n, m) for n, m in stacks.items() if wanted in n or len(stacks) == 1), ("", None))
    count = 0 if stack is None else stack.num_layers
    for layer, sizes, k in zip(read.notation.layers, read.widths.layers, range(99), strict=False):
        for family in layer.cell.families:
            for place, member in enumerate(family.members):
                rows = slice(place * sizes[family.rows], (place + 1) * sizes[family.rows])
                for direction in range(1 + layer.both):
                    name = layer.names[member]
                    if stack is None or k >= count:
                        own = f"{linears[k - count]}.{'weight' if family.columns else 'bias'}"
                    else:
                        run = stack.layers[k * (1 + layer.both) + direction]
                        own = f"{where}.{run.names[family.name][0]}{run.suffix}".lstrip(".")
                    yield formula_text(layer.reversed(name) if direction else name), own, rows


def system_of(case: Case, document: Derivation, part: ReadPart, parts: RunParts) -> System:
    """All equations, with the values of parameters, inputs and targets."""
    ranges = {"t": len(case.inputs.get("e", case.inputs.get("x", []))), "s": SOURCE_STEPS, "r": SOURCE_STEPS}
    if part.notation.pooled:
        ranges["r"] = ranges["t"]
    outputs = part.widths.outputs
    ranges |= dict.fromkeys("ijk", outputs)
    source = {**ranges, "t": SOURCE_STEPS}
    words = [each for each, _ in parts.adaptive.inner] if parts.adaptive else []
    ranges |= {"c": len(words)}
    sizes = sizes_of(case, part, parts)
    found = System({}, ranges, sizes=sizes, silent=part.notation.is_last_step, words=words)
    known = parameters_of(case, part, parts)
    found.values |= {name: value.detach() for name, (_, value) in known.items()}
    found.values |= {**case.given, "K": torch.tensor(float(outputs)).double()}
    bias_parts(case, found, part, parts)
    if part.notation.around.tied:
        found.values["V"] = found.values.get("M", found.values.get("M⁽ˢ⁾"))
    if parts.shared:
        found.values["M"] = found.values["M⁽ˢ⁾"]
    for name, values in case.inputs.items():
        base, layer = name[0], name[1:].strip("⁽⁾").translate(str.maketrans("ˢᶜ¹²", "sc12"))
        if name == "x":
            layer = part.notation.bottom.input.layer
        index = part.notation.time or (layer and "")
        for t, value in enumerate(values, 1):
            found.values[found.where(t=t).key(MathName(base, index=index, layer=layer))] = value
    for t, value in enumerate(case.targets, 1):
        found.values[found.where(t=t).key(part.notation.outer("y"))] = value
    for section in document.sections:
        if section.stage in (Stage.NETWORK, Stage.LOSS, Stage.OUTPUT, Stage.LAYERS):
            found.learn(section, source if "encoder" in section.title else ranges)
    return found


def bias_parts(case: Case, found: System, part: ReadPart, parts: RunParts) -> None:
    """Give each family the sum of its tensors: two biases, as torch has them."""
    stacks = {n: m for n, m in case.model.named_modules() if isinstance(m, Stack) and n.endswith("recurrent")}
    reads = {"decoder.recurrent": part, "encoder.recurrent": parts.source or part}
    for where, stack in stacks.items():
        read = reads.get(where, part)
        for k, run in enumerate(stack.layers):
            layer = read.notation.layers[k // stack.num_directions]
            for family, tensor in zip(layer.cell.families, run.families(stack), strict=True):
                pieces = tensor.detach().chunk(len(family.members))
                for member, piece in zip(family.members, pieces, strict=True):
                    name = layer.names[member]
                    written = layer.reversed(name) if k % stack.num_directions else name
                    found.values[formula_text(written)] = piece[:, None] if piece.dim() == 1 else piece


def sizes_of(case: Case, part: ReadPart, parts: RunParts) -> dict[str, int]:
    found: dict[str, int] = {}
    for read in (part, *([parts.source] if parts.source else [])):
        for layer, widths in zip(read.notation.layers, read.widths.layers, strict=True):
            found |= {symbol(layer.names[s]): widths[layer.cell.width(s)] for s in layer.cell.states}
            found[symbol(layer.output)] = widths[layer.cell.width(layer.cell.output)]
    notation = part.notation
    if notation.is_pooled_last:
        found["s"] = found[symbol(notation.top.output)] * (1 + bool(notation.both))
    if notation.around.attends:
        found["õ"] = part.widths.layers[-1]["H"]
    if notation.around.below:
        found |= {symbol(notation.row): 2, symbol(notation.below): found.get("õ", 4)}
    return found


def test_the_equations_carried_out_give_the_loss_and_all_gradients(case: Case) -> None:
    document, part, parts = document_of(case.model)
    names = dict(case.model.named_parameters())
    gradients = torch.autograd.grad(case.loss, list(names.values()), allow_unused=True)
    truth = dict(zip(names, gradients, strict=True))
    system = system_of(case, document, part, parts)
    if "CRF" not in str(parts.other_loss):
        torch.testing.assert_close(loss_of(system, document, part), case.loss.detach(), **CLOSE)
    lines, checked = gradient_lines(document), set()
    for written, (name, own) in parameters_of(case, part, parts).items():
        gradient = truth[name]
        assert gradient is not None, name
        offset = own.storage_offset()
        wanted = torch.as_strided(gradient, own.shape, own.stride(), offset)
        here = system
        if "ˢ" in written:
            here = replace(system, ranges={**system.ranges, "t": SOURCE_STEPS})
        if "ᶜ" in written:
            c = "⁰¹²³".index(written[-2])
            here, written = here.where(c=c), written.replace(cluster(c), "⁽ᶜ⁾")
        found = here.value(total(lines[f"∇{written}"].right))
        if parts.shared and written == "M⁽ˢ⁾":
            found = found + system.value(total(lines["∇M"].right))
        if written == "M" and part.notation.around.tied:
            pass
        torch.testing.assert_close(found.expand_as(wanted), wanted, **CLOSE)
        checked.add(name)
    left_out = {n for n in names if not n.startswith(case.not_derived)} if case.not_derived else set(names)
    twins = {name for name in left_out if name.replace("bias_hh", "bias_ih") in checked}
    assert left_out - checked - twins == set()


def test_output_layers_of_large_vocabularies_say_what_is_left_out() -> None:
    sampled, whole = (language(output_layer=kind).model for kind in ("sampled", None))
    assert Remark.SAMPLES in network_of_run(sampled)[1].remarks
    assert Remark.SAMPLES not in network_of_run(whole)[1].remarks


def loss_of(system: System, document: Derivation, part: ReadPart) -> Tensor:
    """E by the printed lines, summed over the steps that have one."""
    line = next(x for x in lines_of(document, Stage.LOSS) if formula_text(x.left) in ("E", "Eₜ"))
    steps = range(1, system.ranges["t"] + 1) if part.notation.loss_time else [1]
    found = torch.zeros((), dtype=torch.float64)
    for t in steps:
        here = system.where(t=t)
        outputs = here.name(part.notation.outer("o"))
        for c, _ in enumerate(here.words, 1):
            here.where(c=c).name(MathName("q", index="t", layer="c"))
        for cut in (x for x in lines_of(document, Stage.LOSS) if formula_text(x.left) == "c_i"):
            each = (here.where(i=i).value(total(cut.right)) for i in range(1, len(outputs) + 1))
            here.values["c"] = torch.stack(list(each))[:, None]
        found = found + here.value(total(line.right))
    return found
