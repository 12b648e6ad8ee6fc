"""The networks that write tokens: their loss, what of a batch they look at, what they share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bptt.cells import catalogue
from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.jobs.translate.network import Generator, Translator, Writer
from bptt.jobs.translate.options import DecoderOptions
from bptt.models.encoder import Encoder
from bptt.models.inputs import SeriesInput, TokenInput
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.runs.evaluating import evaluating

V, H = 9, 8
SOURCES = [[3, 4, 5, 6], [2], [], [7, 7, 8]]
TARGETS = [[2, 3, 1], [1], [4, 5, 6, 7, 1], [1]]
# Products of up to 2 H terms, about ten one after the other in each of 5 steps; numbers below 20.
CLOSE = torch.finfo(torch.float64).eps * 5 * 10 * 2 * H * 20


def pad(rows: list[list[int]], least: int = 0) -> Tensor:
    longest = max(1, least, *map(len, rows))
    return torch.tensor([row + [NOTHING] * (longest - len(row)) for row in rows], dtype=torch.int64).t()


def make(encoder: EncoderOptions | None = None, **options: object) -> Translator:
    torch.manual_seed(0)
    sizes = {"hidden_size": H, "embedding_size": 6} | options
    part = TokenInput(V, TokenOptions(sizes["embedding_size"]))
    body = Encoder(part, catalogue.get("lstm"), encoder or EncoderOptions(hidden_size=H // 2))
    return Translator(body, V, catalogue.get("gru"), DecoderOptions(**sizes)).double()


def losses(model: Translator, sources: list[list[int]], targets: list[list[int]], more: int = 0) -> Tensor:
    """-ln P of each token of each row, with `more` steps of padding on both sides."""
    wanted = pad(targets, max(map(len, targets)) + more)
    inputs = torch.cat([torch.full_like(wanted[:1], NOTHING), wanted[:-1]])
    source = pad(sources, max(map(len, sources)) + more)
    state = model.start((source,), torch.tensor([len(row) for row in sources]))
    return model.loss(model.read(inputs, state)[0], wanted, "none")


FORMS = [
    {},
    {"input_feeding": True},
    {"attention": "none"},
    {"attention": "dot"},
    {"attention": "general", "input_feeding": True, "num_layers": 2},
    {"shared": True},
    {"shared": True, "tied": True, "embedding_size": H},
]


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_a_pair_is_the_same_alone_and_among_others(options: dict[str, object]) -> None:
    model = make(**options).eval()
    together = losses(model, SOURCES, TARGETS, more=3)
    for row, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        alone = losses(model, [source, []], [target, []])[:, 0]
        assert torch.allclose(alone, together[: len(target), row], rtol=0, atol=CLOSE)
        assert (together[len(target) :, row] == 0).all()


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_every_parameter_learns(options: dict[str, object]) -> None:
    model = make(**options)
    losses(model, SOURCES, TARGETS).sum().backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_the_loss_of_a_token_is_that_of_a_step(options: dict[str, object]) -> None:
    model = make(**options)
    wanted = losses(model.eval(), SOURCES, TARGETS)
    targets = pad(TARGETS)
    tokens = torch.full_like(targets[0], NOTHING)
    with evaluating(model):
        state = model.start((pad(SOURCES),), torch.tensor([len(row) for row in SOURCES]))
        for loss, target in zip(wanted, targets, strict=True):
            log_probabilities, state, _ = model.step(tokens, state)
            found = -log_probabilities.gather(1, target.clamp(min=0)[:, None])[:, 0]
            counts = target != NOTHING
            assert torch.allclose(found[counts], loss[counts], rtol=0, atol=CLOSE)
            tokens = target


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_smoothing_is_that_of_torch_and_in_training_only(reduction: str) -> None:
    model = make(smoothing=0.1)
    model.output.bias.data.normal_()
    output, targets = torch.randn(5, 4, H).double(), pad(TARGETS)
    logits = functional.linear(output, model.output.weight, model.output.bias).flatten(0, 1)

    def wanted(smoothing: float) -> Tensor:
        found = functional.cross_entropy(
            logits, targets.flatten(), ignore_index=NOTHING, reduction=reduction, label_smoothing=smoothing
        )
        return found.view_as(targets) if reduction == "none" else found

    assert torch.allclose(model.loss(output, targets, reduction), wanted(0.1), rtol=0, atol=CLOSE)
    assert torch.allclose(model.eval().loss(output, targets, reduction), wanted(0.0), rtol=0, atol=CLOSE)


def test_what_is_shared_is_there_once() -> None:
    names = {
        name for name in make(shared=True, tied=True, embedding_size=H).state_dict() if "bridge" not in name
    }
    assert {"embedding", "output.weight"}.isdisjoint(names)
    assert "encoder.part.embedding" in names
    assert {"embedding", "output.weight", "encoder.part.embedding"} <= set(make().state_dict())


def test_an_encoder_may_differ_in_depth_width_cell_and_input() -> None:
    torch.manual_seed(0)
    options = EncoderOptions(hidden_size=5, num_layers=3, feed_forward=(7,))
    encoder = Encoder(SeriesInput(2), catalogue.get("gru"), options)
    model = Translator(
        encoder, V, catalogue.get("lstm"), DecoderOptions(H, 2, embedding_size=4, input_feeding=True)
    )
    state = model.start((torch.randn(6, 3, 2),), torch.tensor([6, 0, 2]))
    logits, weights, _ = model(torch.full((4, 3), NOTHING), state)
    assert logits.shape == (4, 3, V)
    assert weights.shape == (4, 3, 6)


def train(model: Writer, start, inputs: Tensor, targets: Tensor, steps: int) -> None:
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimiser.zero_grad()
        model.loss(model.read(inputs, start())[0], targets).backward()
        optimiser.step()


def test_a_class_alone_tells_what_to_write() -> None:
    """One to many: each class has a word of its own, which it writes whole."""
    torch.manual_seed(0)
    one_hot = TokenInput(4, TokenOptions(0))
    model = Generator(
        one_hot, V, catalogue.get("gru"), DecoderOptions(12, embedding_size=6, attention="none")
    )
    targets = pad(TARGETS)
    inputs = torch.cat([torch.full_like(targets[:1], NOTHING), targets[:-1]])
    classes, ones = (torch.arange(4)[None],), torch.ones(4)
    train(model, lambda: model.start(classes, ones), inputs, targets, 150)
    with evaluating(model):
        state, tokens, written = model.start(classes, ones), torch.full((4,), NOTHING), []
        for _ in range(5):
            log_probabilities, state, weights = model.step(tokens, state)
            tokens = log_probabilities.argmax(1)
            written.append(tokens)
    assert weights.shape == (4, 0)
    for row, target in enumerate(TARGETS[:3]):
        assert torch.stack(written)[: len(target), row].tolist() == target


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"attention": "cosine"}, "attention: is one of additive, dot, general, none"),
        ({"attention": "dot", "attention_size": 3}, "attention_size: is for additive attention"),
        ({"attention": "none", "input_feeding": True}, "input_feeding: needs attention"),
        ({"tied": True}, "embedding_size: tied weights need an embedding as wide as the output, 8, got 6"),
        ({"smoothing": 1.0}, "smoothing: is at least 0 and below 1"),
        ({"attention_size": 0}, "attention_size: is a whole number of at least 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        make(**options)


def test_what_cannot_be_shared_or_attended_to_is_refused() -> None:
    cell, none = catalogue.get("gru"), DecoderOptions(H, attention="none", shared=True)
    with pytest.raises(InputError, match="shared: needs a source of tokens, got a vector"):
        Generator(SeriesInput(3), V, cell, none)
    with pytest.raises(InputError, match="attention: needs a sequence to attend to, got additive"):
        Generator(SeriesInput(3), V, cell, DecoderOptions())
    series = Encoder(SeriesInput(2), cell, EncoderOptions(hidden_size=5))
    with pytest.raises(InputError, match=r"needs a source with an embedding \(9, 64\), got no embedding"):
        Translator(series, V, cell, none)
    tokens = Encoder(TokenInput(V + 1, TokenOptions()), cell, EncoderOptions(hidden_size=5))
    with pytest.raises(InputError, match=r"needs a source with an embedding \(9, 64\), got \(10, 64\)"):
        Translator(tokens, V, cell, none)
