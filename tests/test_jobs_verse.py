"""Lines of a given form: acrostics (藏头诗), lines of a length, a first line that goes on."""

from __future__ import annotations

import re
from itertools import product

import pytest
import torch
from language_models import make_task, trained

from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.sampling import distribution, read_prompt, sample, sample_many
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions
from bptt.jobs.language.verse import Verse

POEMS = "春眠不覺曉，處處聞啼鳥。\n夜來風雨聲，花落知多少。\n\n冬夏秋《月》明。\n" * 9
LETTERS = torch.tensor([], dtype=torch.int32)


def verse_of(
    text: str, options: LineOptions, goes_on: bool = True, level: str = "character", prompt: str = ""
):
    vocabulary = Vocabulary.build(
        text, VocabularyOptions(level, min_count=1, white_space=level == "character")
    )
    return vocabulary, Verse(vocabulary, options, goes_on, vocabulary.encode(prompt) if prompt else LETTERS)


def texts_of(vocabulary: Vocabulary, verse: Verse, most: int) -> set[str]:
    """Every text of at most so many tokens that the verse allows to its end."""
    found, open_ones = set(), [((), verse.first)]
    while open_ones:
        tokens, place = open_ones.pop()
        if place.at == "over":
            found.add(vocabulary.decode(tokens))
        elif len(tokens) < most:
            for token in verse.allowed(place).nonzero().flatten().tolist():
                open_ones.append(((*tokens, token), verse.after(place, token)))
    return found


def test_allowed_texts_are_those_of_a_regular_expression() -> None:
    vocabulary, verse = verse_of("ab,.\n ", LineOptions("ab", line_length=2))
    form = re.compile(r"a[ab ]([,.] *\n?|\n)b[ab ][.\n]")
    wanted = {
        text
        for length in range(8)
        for text in map("".join, product("ab,.\n ", repeat=length))
        if form.fullmatch(text)
    }
    assert len(wanted) > 50
    assert texts_of(vocabulary, verse, 7) == wanted


def test_without_a_length_lines_end_at_newlines_alone() -> None:
    vocabulary, verse = verse_of("ab,\n", LineOptions(lines=2))
    form = re.compile(r"[^\n]+\n[^\n]+\n")
    wanted = {t for n in range(6) for t in map("".join, product("ab,\n", repeat=n)) if form.fullmatch(t)}
    assert {text for text in texts_of(vocabulary, verse, 5) if "<unk>" not in text} == wanted


def test_a_beginning_of_several_letters_is_spelled_by_letters() -> None:
    vocabulary, verse = verse_of("abc\n", LineOptions("ab ca"))
    assert {t for t in texts_of(vocabulary, verse, 6) if "<unk>" not in t} == {"ab\nca\n"}


def test_words_of_a_model_of_words_begin_lines() -> None:
    text = "spring comes, the cat sat\nsummer is here, spa\n"
    vocabulary, verse = verse_of(text, LineOptions("sp su", line_length=2), level="word")
    found = texts_of(vocabulary, verse, 6)
    assert found and all(re.match(r"(spring|spa) \w+(,|\n)\s*summer \w+\n", each + "\n") for each in found)


def test_sentences_end_lines_at_marks_and_the_text_at_its_end() -> None:
    vocabulary, verse = verse_of("ab,.\n", LineOptions("ab", line_length=1), goes_on=False)
    assert texts_of(vocabulary, verse, 4) == {"a,b.", "a.b.", "a,b\n", "a.b\n"}
    with pytest.raises(InputError, match="acrostic: needs a text that goes on"):
        verse_of("ab\n", LineOptions("ab"), goes_on=False)


@pytest.fixture(scope="module")
def model() -> Trained:
    return trained(make_task(POEMS, data=DataOptions(batch_size=2, sequence_length=9), spread=2.0))


def test_samples_keep_the_form_alone_and_in_a_batch(model: Trained) -> None:
    form, options = LineOptions("春夏秋", line_length=5), SamplingOptions(seed=5)
    begun = read_prompt(model, "")
    texts = sample_many(model, begun, options, 4, form)
    assert len(set(texts)) > 1
    for number, text in enumerate(texts):
        assert re.fullmatch(r"春\w{4}([，。]\n?|\n)夏\w{4}([，。]\n?|\n)秋\w{4}。?", text), text
        assert "".join(sample(model, begun, options, number, form)) == text


def test_a_first_line_goes_on_and_counts(model: Trained) -> None:
    begun = read_prompt(model, "春眠不覺曉")
    form = LineOptions(lines=3, line_length=5)
    (text,) = sample_many(model, begun, SamplingOptions(seed=1), 1, form)
    assert re.fullmatch(r"([，。]\n?|\n)\w{5}([，。]\n?|\n)\w{5}。?", text), text
    # The lines of an acrostic come behind the first line.
    (text,) = sample_many(model, begun, SamplingOptions(seed=1), 1, LineOptions("月", line_length=5))
    assert re.fullmatch(r"([，。]\n?|\n)月\w{4}。?", text), text


def test_drawn_are_the_probabilities_given_that_a_token_is_allowed(model: Trained) -> None:
    logits = torch.randn(2, model.vocabulary.size, dtype=torch.float64)
    verse = Verse(model.vocabulary, LineOptions("春", line_length=2), True, LETTERS)
    inside = verse.after(verse.first, model.vocabulary.encode("春").item())
    allowed = torch.stack([verse.allowed(verse.first), verse.allowed(inside)])
    found = distribution(logits, SamplingOptions(), allowed)
    for row, mask, p in zip(logits, allowed, found, strict=True):
        weights = [float(x) for x in row.exp()]
        whole = sum(w for w, one in zip(weights, mask.tolist(), strict=True) if one)
        wanted = [w / whole if one else 0.0 for w, one in zip(weights, mask.tolist(), strict=True)]
        assert p.tolist() == pytest.approx(wanted, rel=1e-14, abs=0)
    # Of the likeliest two, both are allowed, if two are.
    kept = distribution(logits, SamplingOptions(top_k=2, temperature=0.5), allowed)
    assert (kept > 0).sum(1).tolist() == [1, 2]
    assert not allowed[:, [UNKNOWN, END]].any()


def test_what_has_no_form_is_drawn_as_before(model: Trained) -> None:
    begun, options = read_prompt(model, "春"), SamplingOptions(length=40)
    assert sample_many(model, begun, options, 2) == sample_many(model, begun, options, 2, LineOptions())


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"acrostic": "春龘雪"}, "acrostic: must be characters that the model knows, got 龘雪"),
        ({"acrostic": "春", "lines": 2}, "lines: are those of `acrostic`"),
        ({"acrostic": "  "}, "acrostic: must hold characters"),
        ({"lines": -1}, "lines: is a whole number of at least 0"),
        ({"lines": 1, "prompt": "春眠\n不"}, "lines: must be more than the prompt has"),
        ({"line_length": 2, "prompt": "春眠不"}, "prompt: must have lines of at most 2"),
        ({"line_length": 2, "level": "bpe"}, "line_length: counts characters or words"),
        ({"line_length": 2, "text": "，。\n", "prompt": ""}, "line_length: needs tokens of one character"),
        (
            {"acrostic": "abc d", "line_length": 2, "text": "abcd\n"},
            "must begin a line of the model, got abc",
        ),
        ({"acrostic": "at", "level": "word", "text": "a cat\n"}, "acrostic: must be characters.* got t"),
    ],
)
def test_impossible_forms_are_refused(options: dict, fault: str) -> None:
    level, text = options.pop("level", "character"), options.pop("text", POEMS)
    prompt = options.pop("prompt", "")
    with pytest.raises(InputError, match=fault):
        verse_of(text, LineOptions(**options), level=level, prompt=prompt)
