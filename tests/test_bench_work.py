"""All who take part in a comparison do the same work, and are seen if they do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bptt.bench import cases, layer_contenders, output_layer_loss, streaming, training, word_models
from bptt.bench.case_measurement import Entrants, compare
from bptt.bench.cases import CELLS, TORCH_CELLS, Case, Model
from bptt.bench.contender import Contender, difference
from bptt.bench.contender_names import (
    ADAPTIVE,
    AUTOCAST,
    BF16,
    CHUNKED,
    COMPILED,
    EAGER,
    JAX,
    LAYER,
    ONNXRUNTIME,
    OURS,
    PLAIN,
    PLAIN_LSTM,
    SAMPLED,
    SCRIPT,
    TORCH_ADAPTIVE,
    TORCHRECURRENT,
)
from bptt.bench.layer_problem import draw
from bptt.bench.request import Budget
from bptt.jobs.language.options import LARGE

# All sizes different: nothing transposed can pass.
SHAPE = (5, 3, 4, 6)
ONCE = Budget(rounds=1, seconds=0.0)
QUICK_PEERS = [peer for peer in layer_contenders.PEERS if peer.installed and not peer.slow]
INSTALLED = {peer.name for peer in QUICK_PEERS}

LOOPS = {EAGER, SCRIPT}
PEERS = {
    "lstm": {LAYER, JAX, ONNXRUNTIME},
    "gru-torch": {LAYER, JAX, ONNXRUNTIME},
    "elman-tanh": {LAYER, JAX, ONNXRUNTIME},
    "lstm-peephole": {*LOOPS, TORCHRECURRENT, JAX, ONNXRUNTIME},
    "lstm-layernorm": {*LOOPS, JAX},
    "gru": {*LOOPS, JAX, ONNXRUNTIME},
}


def everybody(entrants: Entrants) -> dict[str, Contender]:
    made = {name: make() for name, make in entrants.peers.items()}
    return {name: contender for name, contender in made.items() if contender is not None}


def check_the_same(entrants: Entrants) -> set[str]:
    peers = everybody(entrants)
    truth = entrants.ours.numbers()
    for name, peer in peers.items():
        assert difference(truth, peer.numbers()) is None, name
    return set(peers)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_peers_of_a_layer_compute_the_same(cell: str, training: bool) -> None:
    entrants = layer_contenders.entrants(Case("layers", cell, SHAPE, training), QUICK_PEERS)
    wanted = PEERS[cell] & INSTALLED - ({ONNXRUNTIME} if training else set())
    assert check_the_same(entrants) == wanted
    narrow = [BF16, AUTOCAST] if cell == "lstm" and training else []
    assert [c.name for c in entrants.companions] == (narrow if cell in TORCH_CELLS else [PLAIN_LSTM])


@pytest.mark.parametrize("cell", TORCH_CELLS)
def test_packed_sequences_compute_the_same(cell: str) -> None:
    case = Case("ragged", cell, (5, 4, 3, 6), True)
    lengths = draw(case).lengths
    assert lengths is not None and lengths.max() == 5 and lengths.min() < 5
    assert check_the_same(layer_contenders.entrants(case, QUICK_PEERS)) == {LAYER}


@pytest.mark.parametrize("cell", TORCH_CELLS)
def test_steps_compute_the_same(cell: str) -> None:
    entrants = streaming.entrants(Case("streaming", cell, (1, 2, 3, 5), False))
    (name,) = check_the_same(entrants)
    theirs = everybody(entrants)[name]
    states = None
    for _ in range(streaming._STEPS_CHECKED):
        states = theirs._theirs(theirs._x, states)  # type: ignore[attr-defined]
    assert states is not None
    state = states if isinstance(states, Tensor) else states[0]
    assert difference(theirs.numbers(), {"h": state.detach()}) is None


def test_few_rows_and_calls_are_layers() -> None:
    for kind in ("rows", "call"):
        made = layer_contenders.entrants(Case(kind, "lstm", SHAPE, True), QUICK_PEERS)
        assert check_the_same(made) == PEERS["lstm"] & INSTALLED - {ONNXRUNTIME}
        assert [c.name for c in made.companions] == [BF16, AUTOCAST]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, optimiser in (("word model", "sgd"), ("character model", "adam")):
        monkeypatch.setitem(cases.MODELS, name, Model(13, 2, SHAPE, optimiser))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("model", ["word model", "character model"])
def test_models_train_the_same(model: str) -> None:
    entrants = training.entrants(Case("training", model, SHAPE, True))
    assert check_the_same(entrants) == {PLAIN}
    assert [c.name for c in entrants.companions] == [BF16, AUTOCAST]
    assert all(all(changed) for changed in changes(entrants))


def changes(entrants: Entrants) -> Iterator[list[bool]]:
    """Yield which parameters of each contender an update changes."""
    for contender in (entrants.ours, *everybody(entrants).values(), *entrants.companions):
        weights = contender._parameters  # type: ignore[attr-defined]
        before = [weight.detach().clone() for weight in weights]
        contender.step()
        yield [not torch.equal(weight, old) for weight, old in zip(weights, before, strict=True)]


@pytest.mark.usefixtures("tiny")
def test_narrow_models_round_what_the_others_do_not() -> None:
    """bfloat16 rounds at 4e-3: their losses are near that of float32, and not equal to it."""
    found = training.entrants(Case("training", "character model", SHAPE, True))
    exact = float(found.ours.numbers()["loss"])
    for narrow in found.companions:
        assert 0 < abs(float(narrow.numbers()["loss"]) / exact - 1) < 4e-3


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("size", [60, LARGE + 1])
def test_word_models_of_all_output_layers(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full softmaxes agree; above LARGE words our embedding has row-sparse gradients, as in training."""
    monkeypatch.setitem(cases.VOCABULARIES, "some", Model(size, 1, (3, 2, 4, 4), "adam"))
    found = word_models.entrants(Case("vocabulary", "some", (3, 2, 4, 4), True))
    assert check_the_same(found) == {PLAIN}
    assert [c.name for c in found.companions] == [ADAPTIVE, SAMPLED, TORCH_ADAPTIVE]
    # A cluster without a target has no gradient.
    assert all(changed[0] and sum(changed) > 4 for changed in changes(found))
    for contender in (found.ours, found.companions[0]):
        embedding = contender._parameters[0]  # type: ignore[attr-defined]
        assert embedding.grad.is_sparse == (size > LARGE)


def test_words_are_as_frequent_as_in_texts() -> None:
    """1 / rank up to rank 7,873, steeper beyond, without a jump; drawn so, and always the same."""
    shares = word_models.frequencies(20_000)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] / shares[99] == pytest.approx(100)
    assert shares[7871] / shares[7873] == pytest.approx((7873 / 7872) * (7874 / 7873) ** 1.77)
    assert shares[9999] / shares[19_999] == pytest.approx(2**1.77)
    zipf = word_models.frequencies(20_000, "zipf")
    assert zipf[9999] / zipf[19_999] == pytest.approx(2)
    model = Model(20_000, 1, (35, 20, 4, 4), "adam")
    first, again = (word_models.draw_words(model, shares) for _ in range(2))
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(first, again, strict=True))
    # 5,600 inputs: the count of the first word is within 5 standard deviations of what is expected.
    inputs = torch.cat([batch.inputs.flatten() for batch in first])
    share, count = float(shares[0]), len(inputs)
    assert abs(int((inputs == 0).sum()) - share * count) < 5 * (share * (1 - share) * count) ** 0.5


@pytest.mark.usefixtures("tiny")
def test_losses_are_the_same() -> None:
    found = check_the_same(output_layer_loss.entrants(Case("loss", "word model", SHAPE, True)))
    assert found == {PLAIN, CHUNKED} if hasattr(torch.nn, "LinearCrossEntropyOptions") else {PLAIN}


@pytest.mark.parametrize("cell", CELLS)
def test_operations_are_those_of_the_matrices(cell: str) -> None:
    """2·T·B·gates·H·(I + H), and twice as many backward; of unequal lengths only the steps there are."""
    gates = {"elman-tanh": 1, "gru": 3, "gru-torch": 3}.get(cell, 4)
    case = Case("layers", cell, SHAPE, False)
    assert draw(case).flops == 2 * 5 * 3 * gates * 6 * (4 + 6)
    assert draw(replace(case, training=True)).flops == 3 * draw(case).flops
    ragged = draw(replace(case, kind="ragged"))
    assert ragged.lengths is not None
    assert ragged.flops == 2 * int(ragged.lengths.sum()) * gates * 6 * (4 + 6)


def test_weights_change_between_steps_of_training() -> None:
    """The version, by which a packed copy is known to be old, though not the value; gradients are fresh."""
    entrants = layer_contenders.entrants(Case("layers", "lstm", SHAPE, True), QUICK_PEERS)
    for contender in (entrants.ours, everybody(entrants)[LAYER]):
        first = {name: number.clone() for name, number in contender.numbers().items()}
        weights = contender._weights  # type: ignore[attr-defined]
        assert len(weights) == 4
        versions = [weight._version for weight in weights]
        contender.before_step()
        assert all(weight._version > before for weight, before in zip(weights, versions, strict=True))
        for name, number in contender.numbers().items():
            torch.testing.assert_close(number, first[name], rtol=0, atol=0)


# ---- those who do not do the same work


class Fixed(Contender):
    """Has its numbers ready."""

    def __init__(self, name: str, numbers: Mapping[str, Tensor]) -> None:
        self.name, self._numbers, self.steps = name, numbers, 0

    def step(self) -> None:
        self.steps += 1

    def numbers(self) -> Mapping[str, Tensor]:
        return self._numbers


ONES = {"output": torch.ones(4)}


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ({"output": torch.ones(4) + 3e-5}, None),
        ({"output": torch.ones(4) + 3e-4}, "has another output, by 3.0e-04"),
        ({"output": torch.full((4,), torch.nan)}, "has another output, by nan"),
        ({"states": torch.ones(4)}, "computes states, not output"),
    ],
)
def test_difference(theirs: Mapping[str, Tensor], words: str | None) -> None:
    found = difference(ONES, theirs)
    assert found is words if words is None else found is not None and found.startswith(words)


def test_only_those_who_do_the_work_are_timed() -> None:
    def fail() -> Contender:
        raise RuntimeError("no compiler\nand more")

    wrong = Fixed("wrong", {"output": torch.zeros(4)})
    peers = {
        "right": lambda: Fixed("right", ONES),
        "wrong": lambda: wrong,
        "broken": fail,
        "absent": lambda: None,
    }
    case = Case("layers", "lstm", SHAPE, False)
    outcome = compare(case, Entrants(Fixed(OURS, ONES), peers), None, ONCE)
    assert set(outcome.seconds) == {OURS, "right"} and wrong.steps == 0
    assert outcome.notes == (
        "wrong: has another output, by 1.0e+00 of its norm",
        "broken: RuntimeError: no compiler",
    )


def test_an_error_of_ours_is_not_hidden() -> None:
    ours = Fixed(OURS, ONES)
    ours.numbers = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(ZeroDivisionError):
        compare(Case("layers", "lstm", SHAPE, False), Entrants(ours, {}), None, ONCE)


def test_slow_peers_are_those_that_compile() -> None:
    assert [peer.name for peer in layer_contenders.PEERS if peer.slow] == [COMPILED]
