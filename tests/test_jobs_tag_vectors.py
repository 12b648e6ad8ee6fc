"""Words that a tagger knows by their vectors alone, since training did not hold them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_task import Quiet

from bptt.cells.catalogue import get
from bptt.data.examples import Example, gather
from bptt.data.readers.vectors import read_vectors
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.task import TagTask, load_tagger
from bptt.models.inputs import TokenInput
from bptt.models.options import EncoderOptions, TokenOptions, WordOptions
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

PLACES, OTHERS = ("Paris", "Rome", "北京", "Lima"), ("runs", "sees", "eats", "is")
UNSEEN = "Oslo"


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """Places lie in one direction, other words in another."""
    lines = [f"{word.lower()} 3 0.1" for word in (*PLACES, UNSEEN)] + [f"{word} 0.1 3" for word in OTHERS]
    path = tmp_path / "v.txt"
    path.write_text("\n".join([*lines, "jumps 0.1 3", "late 1 1"]) + "\n", encoding="utf-8")
    return path


def task(vectors: Path, kept: int) -> TagTask:
    rows = [Example((place, other), ("B-LOC", "O"), "d:1") for place in PLACES for other in OTHERS]
    words = WordOptions(spelled=False, lowercase=True, token_dropout=0.3, vector_words=kept)
    config = TaggerConfig(get("gru"), TagOptions(False), words, EncoderOptions(8), ExampleOptions(8))
    torch.manual_seed(0)
    return TagTask(gather("d", rows), gather("d", rows[:2]), config, vectors)


def test_a_word_that_training_did_not_hold_is_known_by_its_vector(vectors: Path, tmp_path: Path) -> None:
    made = task(vectors, 2)
    assert made.config.words.vector_words == 2  # oslo and jumps, the first two of the file
    before = made.model.state_dict()["encoder.part.others"].clone()
    torch.testing.assert_close(before[1:], torch.tensor([[3, 0.1], [0.1, 3]]))
    options = TrainingOptions(epochs=20, learning_rate=0.02)
    train(made, options, tmp_path / "run", Quiet())
    trained = load_tagger(tmp_path / "run")
    assert torch.equal(trained.model.state_dict()["encoder.part.others"], before)
    found = trained.predict([("OSLO", "jumps"), ("Oslo", "is")])
    assert [each.tags for each in found] == [("B-LOC", "O")] * 2
    (tmp_path / "run" / "vector_words.json").unlink()
    with pytest.raises(InputError, match=r"vector_words\.json"):
        load_tagger(tmp_path / "run")


def test_without_room_for_others_they_are_unknown(vectors: Path) -> None:
    made = task(vectors, 0)
    assert made.config.words.vector_words == 0
    words, *_ = made._codec.encode(("Oslo", "zzz", "Paris"))
    assert words[0] == words[1] == 0 != words[2]


def test_others_are_the_first_of_the_file_that_are_not_wanted(vectors: Path) -> None:
    found = read_vectors(vectors, {"rome", "late"}, 2)
    assert found.words == ("paris", "rome", "北京", "late")
    with pytest.raises(InputError, match="some of the 1 words"):
        read_vectors(vectors, {"absent"}, 5)


def test_tokens_behind_the_embedding_are_rows_of_the_others() -> None:
    part = TokenInput(3, TokenOptions(2), others=2).eval()
    part.fill(torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([1, 4]))
    found = part(torch.tensor([[1, 4, 3, -1]]))
    assert found[0].tolist() == [[1, 2], [3, 4], [0, 0], [0, 0]]
    assert [name for name, _ in part.named_parameters()] == ["embedding"]
    with pytest.raises(InputError, match=r"vectors: expected shape \(1, 2\)"):
        part.fill(torch.ones(2, 2), torch.tensor([1]))
