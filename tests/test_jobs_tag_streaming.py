"""A tagger answers word by word as it answers the whole sentence, or says why it cannot."""

from __future__ import annotations

from math import nan

import pytest
import torch
from tolerances import sequence

from bptt.cells.load import as_cells
from bptt.data.examples import Example, gather
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.task import TagTask
from bptt.jobs.tag.trained import TrainedTagger
from bptt.jobs.tag.word_by_word import TagStepper
from bptt.models.options import EncoderOptions, WordOptions
from bptt.runs.evaluating import evaluating

HIDDEN, INPUT = 7, 5 + 2 * 4
SENTENCE = "the Mr X1 never seen ran 我 the Mr ran".split()
SHAPES: dict[str, tuple[str, dict[str, object]]] = {
    "lstm": ("lstm", {}),
    "gru in two layers": ("gru", {"num_layers": 2}),
    "a cell for each layer": ("lstm,gru", {"num_layers": 2}),
    "projected": ("lstm-projection", {"proj_size": 3}),
    "layers on top": ("elman-tanh", {"feed_forward": (6, 4)}),
    "learned states": ("lstm-peephole", {"initial": "learned"}),
    "random states in training": ("gru", {"initial": "random"}),
}


def tagger(
    cell: str = "lstm", crf: bool = False, bidirectional: bool = False, **more: object
) -> TrainedTagger:
    """One with random weights, dropout and unknown words."""
    words, tags = tuple("a the Mr X1 ran".split()), ("O", "O", "O", "B-PER", "O")
    rows = [Example((*words[n:], "the"), (*tags[n:], "O"), f"d:{n}") for n in range(4)]
    config = TaggerConfig(
        as_cells(cell),
        TagOptions(crf),
        WordOptions(4, 4, embedding_size=5, token_dropout=0.5),
        EncoderOptions(hidden_size=HIDDEN, dropout=0.5, bidirectional=bidirectional, **more),
        ExampleOptions(held_out=0),
    )
    torch.manual_seed(0)
    task = TagTask(gather("d", rows), None, config)
    for parameter in task.model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return TrainedTagger(task.model, task._codec, task._tags, task.config)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_step_answers_as_the_sentence_up_to_there(shape: str) -> None:
    cell, more = SHAPES[shape]
    trained = tagger(cell, **more)
    stepper = TagStepper(trained)
    for words in (SENTENCE, SENTENCE[3:]):
        stepper.reset()
        found = [stepper.step(word) for word in words]
        (whole,) = trained.predict([words])
        assert tuple(tag for tag, _ in found) == whole.tags
        # A probability changes by at most a quarter of the change of its score.
        apart = sequence(torch.float32, len(words), HIDDEN, INPUT, HIDDEN, magnitude=HIDDEN)
        for steps, (tag, probability) in enumerate(found, 1):
            (upto,) = trained.predict([words[:steps]])
            assert upto.tags[-1] == tag
            assert upto.probabilities[-1] == pytest.approx(probability, abs=apart)
            assert whole.probabilities[steps - 1] == pytest.approx(probability, abs=apart)


def test_a_word_is_one_step_and_no_step_is_made_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = tagger()
    stepper = TagStepper(trained)
    seen: list[torch.Size] = []
    embed = trained.model.encoder.embed

    def counted(inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        seen.append(inputs[0].shape)
        return embed(inputs)

    monkeypatch.setattr(trained.model.encoder, "embed", counted)
    # The stack itself, which reads whole sequences, is not called.
    monkeypatch.setattr(trained.model.encoder.recurrent, "forward", None)
    for word in SENTENCE:
        stepper.step(word)
    assert seen == [(1, 1)] * len(SENTENCE)


def test_a_future_word_changes_the_tag_only_of_a_tagger_that_must_wait() -> None:
    """The reason that is given for the refusal, measured."""
    for bidirectional in (False, True):
        trained = tagger(bidirectional=bidirectional)
        with evaluating(trained.model):
            one, other = trained.probabilities([("the", "Mr", "X1"), ("the", "Mr", "ran")])
        assert torch.allclose(one[0], other[0], atol=1e-6) is not bidirectional


def test_a_tagger_whose_answer_has_to_wait_is_refused_with_the_reason() -> None:
    with pytest.raises(InputError, match=r"one direction, got one of two.*--no-bidirectional --no-crf"):
        TagStepper(tagger(bidirectional=True))
    with pytest.raises(InputError, match=r"without a CRF, got one with a CRF.*the last word is known"):
        TagStepper(tagger(crf=True))


def test_weights_are_copied_and_modes_come_back() -> None:
    trained = tagger()
    trained.model.train()
    stepper = TagStepper(trained)
    assert trained.model.training
    before = stepper.step("the")
    stepper.reset()
    for parameter in trained.model.encoder.recurrent.parameters():
        torch.nn.init.constant_(parameter, nan)
    assert stepper.step("the") == before
