"""JSON of strangers: halves of surrogate pairs, in every place and every reader; faults with their place."""

from __future__ import annotations

import json

import pytest

from bptt.data.json_text import parse_json
from bptt.data.readers.document import Document
from bptt.data.readers.forms import read_grid
from bptt.data.readers.minimal_pairs import read_minimal_pairs
from bptt.data.readers.nbest import read_hyporadise
from bptt.errors import InputError


@pytest.mark.parametrize(
    "text",
    [
        r'"\ud83d"',
        r'"a\uDE00b"',
        r'"\ud83d\ud83d\ude00\ude00"',
        r'"\\ud83d \\\ud83d \\\\ud83d"',
        r'"\ud83d\n\ude00"',
        r'{"\udbff": ["\udc00", {"k\ud800": "\ud83d\ude00"}]}',
        r'"\u005cud83d"',
        r'"caf\u00e9 \ufffd"',
    ],
)
def test_half_of_a_pair_is_the_replacement_character(text: str) -> None:
    """As UTF-16 is decoded where errors are replaced; that Python's parser would have kept the halves."""

    def whole(value: object) -> object:
        if isinstance(value, str):
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if isinstance(value, list):
            return [whole(each) for each in value]
        assert isinstance(value, dict)
        return {whole(key): whole(each) for key, each in value.items()}

    found = parse_json(text, "f:1", "must be JSON")
    assert found == whole(json.loads(text))
    json.dumps(found, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a":' * 5000, "9" * 5000, r'"\ud83"', '"\x01"', ""])
def test_what_is_no_json_is_named(text: str) -> None:
    with pytest.raises(InputError, match="f:1: must be JSON, got "):
        parse_json(text, "f:1", "must be JSON")


def test_every_reader_of_json_reads_halves_alike() -> None:
    grid = read_grid(Document("d", '{"text": "cut \\ud83d", "label": "x\\ude00"}\n'))
    assert grid.rows == (("cut \ufffd", "x\ufffd"),)
    grid = read_grid(Document("d", '[{"text": "cut \\ud83d", "label": "x"}]\n'))
    assert grid.rows == (("cut \ufffd", "x"),)
    lists = read_hyporadise(Document("d", '[{"input": ["a\\ud83d"], "output": "\\ud83d\\ude00"}]'))
    assert (lists.utterances[0].hypotheses[0].text, lists.utterances[0].reference) == ("a\ufffd", "😀")
    line = '{"sentence_good": "a\\ud83d", "sentence_bad": "b", "UID": "\\ude00"}\n'
    [pair] = read_minimal_pairs(Document("d", line))
    assert (pair.good, pair.paradigm) == ("a\ufffd", "\ufffd")
