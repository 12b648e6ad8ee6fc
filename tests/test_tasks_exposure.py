"""What jobs show a probe: the same loss terms as on their usual path, a copy of the example in each row."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from language_models import make_task
from language_models import trained as as_loaded
from torch import Tensor

from bptt.data.levels import VocabularyOptions
from bptt.errors import InputError
from bptt.tasks.exposure import BEGINNING, Exposure
from bptt.tasks.language import exposure as language
from bptt.tasks.language.config import DataOptions
from bptt.tasks.language.model import Trained
from bptt.tasks.language.network import START
from bptt.tasks.language.scoring import score_lines

# Sums of some ten terms in some ten steps of some ten operations, each of order one.
CLOSE = torch.finfo(torch.float64).eps * 10**4
TEXT = "the cat sat\non the mat, né 床前\n"


def check_copies(exposure: Exposure) -> None:
    """Every loss term is that of a run of its own; its gradient reaches its own copy, whatever the others."""
    terms = range(exposure.loss_steps)
    alone = [gradient(exposure, [step]) for step in terms]
    losses, together = gradient(exposure, [*reversed(terms), 0])
    for row, step in enumerate([*reversed(terms), 0]):
        loss, single = alone[step]
        assert torch.allclose(losses[row], loss[0], rtol=0, atol=CLOSE)
        assert torch.allclose(together[:, row], single[:, 0], rtol=0, atol=CLOSE)
        assert single.abs().sum() > 0
    first = exposure.parts[0].inputs.expand(-1, 3, -1).clone().requires_grad_()
    middle = exposure.losses_of(first, [0, len(terms) - 1, 0])[1]
    assert not torch.autograd.grad(middle, first)[0][:, ::2].any()


def gradient(exposure: Exposure, steps: list[int]) -> tuple[Tensor, Tensor]:
    """The losses (R,) and the gradient of their sum by the inputs (T, R, I)."""
    inputs = exposure.parts[0].inputs.expand(-1, len(steps), -1).clone().requires_grad_()
    losses = exposure.losses_of(inputs, steps)
    assert torch.equal(losses, exposure.losses(steps))
    return losses.detach(), torch.autograd.grad(losses.sum(), inputs)[0]


def check_stacks(exposure: Exposure) -> None:
    """What is said to go into each stack is what goes there when the losses are computed."""
    for part in exposure.parts:
        assert part.inputs.shape[:2] == (len(exposure.sequences[part.sequence].tokens), 1)
        read: list[tuple[Tensor, tuple[Tensor, ...]]] = []
        hook = part.stack.register_forward_pre_hook(lambda _, given: read.append(given))  # noqa: B023
        exposure.losses([exposure.loss_steps - 1])
        hook.remove()
        assert torch.allclose(torch.cat([given[0] for given in read]), part.inputs, rtol=0, atol=CLOSE)
        assert part.stepwise == (len(read) > 1)
        initial = read[0][1] if len(read[0]) > 1 else None
        assert (initial is None) == (part.initial is None)
        for found, said in zip(initial or (), part.initial or (), strict=True):
            assert torch.allclose(found, said, rtol=0, atol=CLOSE)


def model_of(
    mode: Literal["continuous", "sentences"], cell: str = "lstm", level: str = "character"
) -> Trained:
    options = VocabularyOptions(level, min_count=1)
    return as_loaded(make_task(cell=cell, data=DataOptions(mode, batch_size=1), vocabulary=options))


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
@pytest.mark.parametrize("number", [0, 1, 5])
def test_a_stretch_of_text_goes_on_from_what_stands_before_it(number: int, level: str) -> None:
    trained = model_of("continuous", level=level)
    exposure = language.expose(trained, TEXT, number, limit=8)
    tokens = trained.vocabulary.encode(TEXT).long()
    read = torch.cat([torch.tensor([-1]), tokens])[:, None]
    output, _ = trained.model.read(read[:-1], START)
    wanted = trained.model.loss(output[:, 0], tokens, "none")[number : number + 8]
    assert exposure.loss_steps == len(wanted)
    assert torch.allclose(exposure.losses(range(len(wanted))), wanted, rtol=0, atol=CLOSE)
    check_copies(exposure)
    check_stacks(exposure)


@pytest.mark.parametrize("cell", ["gru", "dense"])
def test_a_sentence_is_read_from_its_beginning(cell: str) -> None:
    trained = model_of("sentences", cell)
    exposure = language.expose(trained, "\n" + TEXT, 1, limit=100)
    (score,) = score_lines(trained, ["on the mat, né 床前"])
    losses = exposure.losses(range(exposure.loss_steps))
    wanted = -torch.tensor(score.log_probabilities, dtype=torch.float64)
    assert torch.allclose(losses, wanted, rtol=0, atol=CLOSE)
    (text,) = exposure.sequences
    assert text.tokens == (BEGINNING, *"on the mat, né 床前")
    assert "".join(text.texts) == "on the mat, né 床前"
    assert exposure.targets == (*text.tokens[1:], "<eos>")
    check_copies(exposure)
    check_stacks(exposure)


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
def test_texts_of_the_steps_are_the_text(level: str) -> None:
    trained = model_of("continuous", level=level)
    (whole,) = language.expose(trained, TEXT, 0, 1000).sequences
    assert "".join(whole.texts) + "\n" == TEXT
    assert len(whole.texts) == len(whole.tokens)
    for number in range(1, len(whole.tokens)):
        (rest,) = language.expose(trained, TEXT, number, 1000).sequences
        assert rest.tokens == whole.tokens[number:]
        if whole.texts[number]:  # else a character of several tokens is cut
            assert "".join(rest.texts) in (
                "".join(whole.texts[number:]),
                "\ufffd" + "".join(whole.texts[number + 1 :]),
            )


@pytest.mark.parametrize(
    ("mode", "number", "limit", "rule"),
    [
        ("continuous", 99, 5, "from 0 to 29"),
        ("sentences", 2, 5, "from 0 to 1"),
        ("sentences", -1, 5, "from 0 to 1"),
        ("continuous", 0, 0, "limit"),
    ],
)
def test_what_is_not_there_is_refused(
    mode: Literal["continuous", "sentences"], number: int, limit: int, rule: str
) -> None:
    with pytest.raises(InputError, match=rule):
        language.expose(model_of(mode), TEXT, number, limit)
