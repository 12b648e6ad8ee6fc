"""Samples: drawn from the softmax that the model has after all that was read, and from nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from language_models import make_task, trained

from bptt.data.batches import NOTHING
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.sampling import distribution, pick, read_prompt, sample, sample_many
from bptt.jobs.language.sampling_options import SamplingOptions

LOGITS = torch.tensor([[0.5, 2.0, -1.0, 1.9, 0.0], [3.0, 0.1, 0.2, 0.3, -4.0]])


def softmax_after(task, text: str) -> torch.Tensor:
    """P of the next token, in one pass over everything before it."""
    read = torch.tensor([NOTHING, *task.vocabulary.encode(text).tolist()])[:, None]
    logits, _ = task.model(read)
    return logits[-1, 0].softmax(0).detach()


def test_frequencies_are_the_probabilities() -> None:
    task = make_task("abab\nba\n" * 9, spread=6.0)
    probabilities = softmax_after(task, "ab\nb")
    count = 4000
    options = SamplingOptions(length=1, stop_at_end=False)
    drawn = Counter(sample_many(trained(task), read_prompt(trained(task), "ab\nb"), options, count))
    texts = [task.vocabulary.decode([token]) for token in range(task.vocabulary.size)]
    assert probabilities.max() < 0.9
    for text, p in zip(texts, probabilities.tolist(), strict=True):
        # Five standard deviations: one false alarm in a million.
        assert abs(drawn[text] - count * p) <= 5 * (count * p * (1 - p)) ** 0.5 + 1


@pytest.mark.parametrize("level", ["character", "bpe"])
def test_the_most_probable_tokens_are_those_of_a_loop(level: str) -> None:
    task = make_task(vocabulary=VocabularyOptions(level=level, max_size=300), spread=4.0)
    text = "the mat"
    tokens = task.vocabulary.encode(text).tolist()
    for _ in range(25):
        read = torch.tensor([NOTHING, *tokens])[:, None]
        tokens.append(int(task.model(read)[0][-1, 0].argmax()))
    options = SamplingOptions(length=25, temperature=0)
    prompt = read_prompt(trained(task), text)
    assert prompt.text + "".join(sample(trained(task), prompt, options)) == task.vocabulary.decode(tokens)


def test_a_sample_is_the_same_alone_and_beside_others() -> None:
    task = make_task(vocabulary=VocabularyOptions(level="bpe", max_size=300))
    prompt, options = read_prompt(trained(task), "né"), SamplingOptions(length=40, seed=3)
    together = sample_many(trained(task), prompt, options, 4)
    assert [("".join(sample(trained(task), prompt, options, n))) for n in range(4)] == together
    assert len(set(together)) == 4
    assert sample_many(trained(task), prompt, options, 2) == together[:2]
    assert sample_many(trained(task), prompt, SamplingOptions(length=40, seed=4), 4) != together


def test_sampling_neither_uses_nor_changes_the_global_random_numbers() -> None:
    task = make_task()
    task.model.train()
    before = torch.get_rng_state()
    pieces = sample(trained(task), read_prompt(trained(task), ""), SamplingOptions(length=5))
    next(pieces)
    assert torch.is_grad_enabled()
    assert "".join(pieces) is not None
    assert torch.equal(torch.get_rng_state(), before)


def probabilities_by_hand(row: list[float], temperature: float, top_k: int, top_p: float) -> list[float]:
    """Sort, cut, normalise, with Python's own numbers."""
    exps = [pow(2.718281828459045, value / temperature) for value in row]
    falling = sorted(range(len(row)), key=lambda i: -row[i])[: top_k or None]
    whole = sum(exps[i] for i in falling)
    kept, reached = [], 0.0
    for i in falling:
        if reached >= top_p:
            break
        kept.append(i)
        reached += exps[i] / whole
    whole = sum(exps[i] for i in kept)
    return [exps[i] / whole if i in kept else 0.0 for i in range(len(row))]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize(("top_k", "top_p"), [(0, 1.0), (2, 1.0), (9, 1.0), (0, 0.8), (3, 0.6), (1, 0.1)])
def test_temperature_top_k_and_top_p(temperature: float, top_k: int, top_p: float) -> None:
    options = SamplingOptions(temperature=temperature, top_k=top_k, top_p=top_p)
    found = distribution(LOGITS, options)
    for row, logits in zip(found.tolist(), LOGITS.double().tolist(), strict=True):
        expected = probabilities_by_hand(logits, temperature, top_k, top_p)
        assert row == pytest.approx(expected, rel=1e-12)
        assert [p == 0 for p in row] == [p == 0 for p in expected]


def test_extreme_temperatures_are_limits() -> None:
    for temperature in (0.0, 1e-320, 1e-9):
        assert distribution(LOGITS, SamplingOptions(temperature=temperature)).argmax(1).tolist() == [1, 0]
        assert distribution(LOGITS, SamplingOptions(temperature=temperature)).amax(1).tolist() == [1, 1]
    flat = distribution(LOGITS, SamplingOptions(temperature=1e300))
    torch.testing.assert_close(flat, torch.full_like(flat, 0.2))


def test_the_unknown_token_is_refused() -> None:
    found = distribution(LOGITS, SamplingOptions(refuse_unknown=True))
    assert found[:, UNKNOWN].tolist() == [0, 0]
    rest = LOGITS.double().softmax(1)[:, 1:]
    torch.testing.assert_close(found[:, 1:], rest / rest.sum(1, keepdim=True))
    assert distribution(LOGITS, SamplingOptions(refuse_unknown=True, temperature=0))[1, UNKNOWN] == 0
    task = make_task("ab\n" * 20)
    torch.nn.init.zeros_(task.model.output.bias)
    task.model.output.bias.data[UNKNOWN] = 9.0
    prompt = read_prompt(trained(task), "")
    assert "<unk>" in "".join(sample(trained(task), prompt, SamplingOptions(length=50)))
    refusing = SamplingOptions(length=50, refuse_unknown=True)
    assert "<unk>" not in "".join(sample(trained(task), prompt, refusing))


def test_a_token_without_probability_is_never_drawn() -> None:
    task = make_task("abcdefgh\n" * 20)
    options = SamplingOptions(length=300, top_k=1, temperature=5.0)
    prompt = read_prompt(trained(task), "")
    greedy = SamplingOptions(length=300, temperature=0)
    assert list(sample(trained(task), prompt, options)) == list(sample(trained(task), prompt, greedy))


def test_the_edges_of_the_shares() -> None:
    probabilities = torch.tensor([[0.0, 0.1, 0.0, 0.7, 0.0]], dtype=torch.float64).expand(3, -1)
    places = torch.tensor([0.0, 0.126, 1 - 2**-53], dtype=torch.float64)
    assert pick(probabilities, places).tolist() == [1, 3, 3]


def test_a_character_that_is_cut_off_by_the_length_is_replaced() -> None:
    task = make_task(vocabulary=VocabularyOptions(level="bpe", max_size=300))
    task.model.output.bias.data[task.vocabulary.tokens.index("å")] = 99.0  # the byte e5
    prompt = read_prompt(trained(task), "")
    assert sample_many(trained(task), prompt, SamplingOptions(length=1), 1) == ["\ufffd"]


def ending_task(mode: str):
    """Every token has a good chance to be the last."""
    task = make_task("ab\n" * 20, data=DataOptions(mode, 3))
    task.model.output.bias.data[END] = 1.0
    return task


def test_a_model_of_sentences_stops_at_the_end_of_the_sentence() -> None:
    task = ending_task("sentences")
    texts = sample_many(trained(task), read_prompt(trained(task), ""), SamplingOptions(length=60), 20)
    assert not any("\n" in text for text in texts)
    assert len({len(text) for text in texts}) > 2


def test_a_model_of_a_continuous_text_stops_at_a_line_only_if_asked() -> None:
    task = ending_task("continuous")
    prompt = read_prompt(trained(task), "")
    through = sample_many(trained(task), prompt, SamplingOptions(length=60, refuse_unknown=True), 5)
    assert all("\n" in text and len(text) == 60 for text in through)
    options = SamplingOptions(length=60, refuse_unknown=True, stop_at_end=True)
    assert sample_many(trained(task), prompt, options, 5) == [text.split("\n")[0] for text in through]


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
def test_pieces_never_hold_half_a_character(level: str) -> None:
    text = "床前明月光😀疑是地上霜né\n" * 9
    task = make_task(text, vocabulary=VocabularyOptions(level=level, max_size=300), spread=2.0)
    prompt = read_prompt(trained(task), "床前")
    assert prompt.text == "床前"
    pieces = list(sample(trained(task), prompt, SamplingOptions(length=80)))
    "".join(pieces).encode("utf-8")
    if level != "bpe":
        assert not any("\ufffd" in piece for piece in pieces)


def test_a_word_that_follows_a_prompt_brings_its_space() -> None:
    task = make_task("the cat sat\n" * 30, vocabulary=VocabularyOptions(level="word"), spread=3.0)
    task.model.output.bias.data[END] = -99.0
    for text, read in (("the cat", "the cat"), ("the cat ", "the cat"), ("", ""), ("cat\n", "cat\n")):
        prompt = read_prompt(trained(task), text)
        assert prompt.text == read
        piece = next(sample(trained(task), prompt, SamplingOptions(length=1, refuse_unknown=True)))
        assert piece.startswith(" ") == (read == "the cat")


def test_a_prompt_is_read_as_the_training_text_was() -> None:
    task = make_task(vocabulary=VocabularyOptions(lowercase=True))
    prompt = read_prompt(trained(task), "THE 猫猫")
    assert prompt.text == "the <unk><unk>"
    assert prompt.unknown == 2
    assert read_prompt(trained(task), "").tokens.tolist() == []


def test_a_prompt_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(InputError, match="prompt: must be UTF-8"):
        read_prompt(trained(make_task()), "a\udcff")
    sentences = make_task(data=DataOptions("sentences"))
    with pytest.raises(InputError, match="prompt: must be the start of a sentence"):
        read_prompt(trained(sentences), "a\nb")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"length": 0}, "length: is a whole number of at least 1"),
        ({"temperature": -1.0}, "temperature: is a finite number of at least 0, got -1"),
        ({"temperature": float("nan")}, "temperature: is a finite number"),
        ({"top_k": -1}, "top_k: is a whole number of at least 0"),
        ({"top_p": 0.0}, "top_p: is above 0 and at most 1"),
        ({"seed": -1}, "seed: is a whole number of at least 0"),
    ],
)
def test_impossible_options_are_refused(options, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        SamplingOptions(**options)
