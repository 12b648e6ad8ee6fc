"""A text in two parts: a language model says behind the first part what it says of the whole, to the bit."""

from __future__ import annotations

import pytest
import torch
from language_models import make_task, trained

from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.language.next_tokens import next_tokens
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.prompt import read_prompt
from bptt.jobs.language.sampling import sample, sample_many
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions
from bptt.jobs.language.scoring import score_lines
from bptt.jobs.language.text_read import TextRead, before_line, before_text
from bptt.nn.row_linear import BLOCK

# A longer text than is read at a time.
LONG = "the cat sat on\nthe mat, " * 60


def model(mode: str = "continuous", level: str = "character", cell: str = "lstm") -> Trained:
    data, words = DataOptions(batch_size=3, mode=mode), VocabularyOptions(level=level)
    text = "the cat sat on\nthe mat, né 床前\n" * 30
    return trained(make_task(text, cell=cell, data=data, vocabulary=words, dtype=torch.float32, spread=3))


def read(model: Trained, text: str, before: TextRead) -> TextRead:
    return before.after(model.model, read_prompt(model, text, before).tokens)


@pytest.mark.parametrize(
    ("first", "second", "made"),
    [
        ("the c", "at sat", {}),
        ("the c", "at sat", {"mode": "sentences", "cell": "gru"}),
        ("", "the", {}),
        ("the cat", " sat on", {"level": "word"}),
        ("the cat\n", "the mat", {"level": "word"}),
        ("the cat", "", {"level": "word"}),
    ],
)
def test_what_goes_on_behind_a_text_is_the_rest_of_the_whole(
    first: str, second: str, made: dict[str, str]
) -> None:
    found = model(**made)
    behind = read(found, first, before_line(found))
    whole = next_tokens(found, first + second)
    assert next_tokens(found, second, behind=behind) == whole[behind.count :]
    if "\n" not in first:
        (line,), (rest,) = score_lines(found, [first + second]), score_lines(found, [second], behind=behind)
        assert (rest.tokens, rest.log_probabilities) == (
            line.tokens[behind.count :],
            line.log_probabilities[behind.count :],
        )
    started = read(found, first, before_text())
    drawn = SamplingOptions(length=30, seed=4)
    there = "".join(sample(found, read_prompt(found, second, started), drawn))
    assert there == "".join(sample(found, read_prompt(found, first + second), drawn))


def test_a_long_text_is_read_in_parts_and_a_part_may_be_empty() -> None:
    found = model()
    behind = read(found, LONG, before_line(found))
    (whole,) = next_tokens(found, LONG, last=True)
    assert next_tokens(found, "", behind=behind) == (whole,)
    assert behind.count == len(LONG) > 1024 and not behind.at_start
    same = read(found, "", behind)
    assert (same.count, same.at_start, same.last) == (behind.count, False, behind.last)
    assert 0 < behind.size == sum(state.numel() * 4 for state in behind.states)


def test_samples_are_the_same_alone_and_side_by_side_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logits of a row, not the tokens drawn with them alone, must not know of other rows."""
    found, seen = model(), []
    monkeypatch.setattr(
        "bptt.jobs.language.sampling.distribution",
        lambda logits, *_: seen.append(logits) or logits.softmax(1),
    )
    monkeypatch.setattr(
        "bptt.jobs.language.sampling.pick", lambda rows, _: torch.arange(len(rows)) % rows.shape[1]
    )
    prompt, options = read_prompt(found, "the "), SamplingOptions(length=3)
    sample_many(found, prompt, options, 1)
    alone = [each[0] for each in seen]
    for count in range(2, 2 * BLOCK + 2):
        seen.clear()
        sample_many(found, prompt, options, count)
        assert all(map(torch.equal, (each[0] for each in seen), alone))


def test_lines_of_a_form_begin_with_their_text() -> None:
    found = model()
    behind = read(found, "the", before_text())
    with pytest.raises(InputError, match="state: must be left out"):
        sample(found, read_prompt(found, "", behind), SamplingOptions(), lines=LineOptions(lines=3))
