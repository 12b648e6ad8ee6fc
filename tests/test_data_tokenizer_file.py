"""Of a stranger's tokenizer.json tokens and merges count: how a text is cut follows from the options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bptt.data.vocabulary import FILE, Vocabulary
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError

Content = dict[str, Any]
TEXT = "the cat saw the dogs, 猫 的 猫 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\nthe end the end\n" * 3


def grow(content: Content) -> None:
    """Eight letters for each, nine times: a gigabyte for every ten letters."""
    replace = {"type": "Replace", "pattern": {"Regex": "."}, "content": "x" * 8}
    content["normalizer"] = {"type": "Sequence", "normalizers": [replace] * 9}


def pad(content: Content) -> None:
    strategy = {"Fixed": 10**10}
    content["padding"] = {
        **{"strategy": strategy, "direction": "Right", "pad_to_multiple_of": None},
        **{"pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>"},
    }


def explode(content: Content) -> None:
    pattern = {"Regex": "(((a+)+)+)+$"}
    content["pre_tokenizer"] = {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}


def truncate(content: Content) -> None:
    content["truncation"] = {"max_length": 1, "stride": 0, "strategy": "LongestFirst", "direction": "Right"}


def swallow(content: Content) -> None:
    content["normalizer"] = {"type": "Replace", "pattern": {"String": "the"}, "content": ""}


def add(content: Content) -> None:
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<eos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}},
    }


def drop(content: Content) -> None:
    content["model"]["dropout"] = 0.99


def prefix(content: Content) -> None:
    content["model"]["continuing_subword_prefix"] = "##"


def forget(content: Content) -> None:
    for key in ("version", "truncation", "padding", "normalizer", "pre_tokenizer", "decoder", "added_tokens"):
        del content[key]


SPOIL = [grow, pad, explode, truncate, swallow, add, drop, prefix, forget]


@pytest.mark.parametrize("level", ["character", "word", "whitespace", "bpe"])
@pytest.mark.parametrize("spoil", SPOIL, ids=lambda spoil: spoil.__name__)
def test_what_else_is_in_the_file_changes_nothing(
    level: Any, spoil: Callable[[Content], None], tmp_path: Path
) -> None:
    vocabulary = Vocabulary.build(TEXT, VocabularyOptions(level, max_size=None if level != "bpe" else 280))
    content = json.loads(vocabulary.to_bytes())
    spoil(content)
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    loaded = Vocabulary.load(tmp_path / FILE, vocabulary.options)
    assert loaded.encode(TEXT).tolist() == vocabulary.encode(TEXT).tolist()
    assert loaded.characters(TEXT) == vocabulary.characters(TEXT)
    assert loaded.to_bytes() == vocabulary.to_bytes()


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("vocab", [["<unk>", 0]], "its vocabulary must be an object, not list"),
        ("vocab", {"<unk>": 0, "<eos>": True}, "the numbers from 0 to 1"),
        ("vocab", {"<unk>": 0, "<eos>": 1.0}, "the numbers from 0 to 1"),
        ("vocab", {"<unk>": 0, "<eos>": 2**32}, "the numbers from 0 to 1"),
        ("vocab", {"<unk>": 0, "<eos>": -1}, "the numbers from 0 to 1"),
        ("merges", None, "its merges must be a list"),
        ("merges", ["a b"], "its merges must be pairs of its tokens"),
        ("merges", [["a"]], "its merges must be pairs of its tokens"),
        ("merges", [["a", 1]], "its merges must be pairs of its tokens"),
        ("merges", [["a", "zzzz"]], "its merges must be pairs of its tokens"),
    ],
)
def test_tokens_and_merges_are_checked_before_they_are_used(
    key: str, value: Any, fault: str, tmp_path: Path
) -> None:
    options = VocabularyOptions("bpe", max_size=280)
    content = json.loads(Vocabulary.build(TEXT, options).to_bytes())
    content["model"][key] = value
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=rf"tokenizer\.json: must be a tokenizer, got .*{fault}"):
        Vocabulary.load(tmp_path / FILE, options)
