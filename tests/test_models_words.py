"""Words that are given: their numbers, their spelling, and what of them is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.models.codecs.codec import pad
from bptt.models.codecs.words import WordCodec
from bptt.models.options import WordOptions

LEARNED = [("The", "cat", "The"), ("the", "电影", "电影")]


def codec(options: WordOptions) -> WordCodec:
    return WordCodec.build(LEARNED, options, (), None)


def test_a_word_is_known_in_small_letters_and_spelled_as_it_is() -> None:
    """By how often they occur: the, 电影, cat; e, h, T, t and others; a and c once, and so unknown."""
    words, characters = codec(WordOptions()).encode(("THE", "the", "at", "cat"))
    assert words.tolist() == [1, 1, 0, 3]
    assert characters.tolist() == [
        [3, 0, 0],
        [4, 2, 1],
        [0, 4, NOTHING],
        [0, 0, 4],
    ]
    cased, _ = codec(WordOptions(lowercase=False)).encode(("The", "the", "THE"))
    assert cased.tolist() == [1, 4, 0]
    rare, _ = codec(WordOptions(min_count=2)).encode(("the", "cat"))
    assert rare.tolist() == [1, 0]


def test_sentences_of_any_length_stand_side_by_side() -> None:
    one = codec(WordOptions())
    batch = pad([one.encode(words) for words in (("the", "cat", "sat"), (), ("a",))])
    words, characters = batch.tensors
    assert (words.shape, characters.shape, batch.lengths.tolist()) == ((3, 3), (3, 3, 3), [3, 0, 1])
    assert (characters[:, 1] == NOTHING).all()
    assert one.part()(words, characters).shape == (3, 3, 64 + 2 * 25)
    assert one.show(("the", "cat")) == ("the", "cat")


@pytest.mark.parametrize("spelled", [True, False])
def test_what_is_kept_gives_the_same_numbers(spelled: bool, tmp_path: Path) -> None:
    options = WordOptions(spelled=spelled)
    one = codec(options)
    for name, content in one.files().items():
        (tmp_path / name).write_bytes(content)
    other = WordCodec.load(tmp_path, options)
    sentence = ("The", "电影", "cat", "new")
    for here, there in zip(one.encode(sentence), other.encode(sentence), strict=True):
        assert torch.equal(here, there)
    assert len(one.encode(sentence)) == len(one.files()) == 1 + spelled


def test_a_broken_line_of_vectors_has_its_number(tmp_path: Path) -> None:
    file = tmp_path / "v.txt"
    file.write_text("the 1 2\ncat 1 x\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"v.txt:2"):
        WordCodec.build(LEARNED, WordOptions(), (), file)
