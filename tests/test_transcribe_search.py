"""Language models in the search for what was said: as if all texts were scored by `bptt score`."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
import torch
from language_models import make_task, trained
from torch import Tensor

from bptt.data.readers.nbest import read_nbest
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.scoring import score_lines
from bptt.jobs.rescore.rescoring import Weights
from bptt.jobs.transcribe.language_reader import LanguageReader
from bptt.jobs.transcribe.search_options import SpeechSearchOptions
from bptt.jobs.transcribe.search_tuning import tune_search
from bptt.jobs.transcribe.searching import SpeechSearch, nbest_json
from bptt.jobs.transcribe.text_scorer import TextScorer
from bptt.nn.prefix_beam import PrefixBeam

LETTERS = Vocabulary.build("a b\n", VocabularyOptions())
TEXT = "".join(f"{line}\n" for line in ("ab a", "b ab", "a b b", "ba", "ab ab")) * 30
# Sums of few terms in float32 in another order.
CLOSE = 1e-5


def language_model(level: str = "character", mode: str = "sentences", text: str = TEXT) -> Trained:
    """A model without training that prefers some tokens to others."""
    data = DataOptions(mode=mode, batch_size=3)
    vocabulary = VocabularyOptions(level=level, min_count=1)
    return trained(make_task(text, data=data, vocabulary=vocabulary, dtype=torch.float32, spread=3.0))


def frames_of(seed: int, steps: int, size: int) -> Tensor:
    """ln P (T, V); the symbol `<unk>` is never heard."""
    draw = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(steps, size, generator=draw)
    logits[:, UNKNOWN] = -math.inf
    return logits.log_softmax(-1)


def ways(frames: Tensor) -> dict[tuple[int, ...], float]:
    """ln P of every text, over all alignments."""
    found: dict[tuple[int, ...], float] = {}
    symbols = [n for n in range(frames.shape[1]) if n != UNKNOWN]
    for alignment in itertools.product(symbols, repeat=len(frames)):
        text = tuple(symbol for symbol, _ in itertools.groupby(alignment) if symbol != END)
        ln = sum(float(frames[t, symbol]) for t, symbol in enumerate(alignment))
        found[text] = math.exp(ln) + found.get(text, 0.0)
    return {text: math.log(p) for text, p in found.items()}


MODELS = [
    ("character", "sentences"),
    ("character", "continuous"),
    ("word", "sentences"),
    ("whitespace", "continuous"),
]


@pytest.mark.parametrize(("level", "mode"), MODELS)
@pytest.mark.parametrize("acoustic", ["character", "bpe", "word"])
def test_the_search_scores_as_bptt_score(level: str, mode: str, acoustic: str) -> None:
    """Whatever the symbols of the sound and the tokens of the model are, texts are compared as spelled."""
    if acoustic == "character":
        vocabulary, steps = LETTERS, 5
    else:
        # All bytes, of which a few are heard.
        options = VocabularyOptions(level=acoustic, min_count=1, max_size=262 if acoustic == "bpe" else None)
        vocabulary, steps = Vocabulary.build(TEXT, options), 4
    heard = {symbol for line in TEXT.split("\n") for symbol in vocabulary.encode(line).tolist()} | {END}
    heard |= set(vocabulary.encode("né").tolist()) if acoustic == "bpe" else set()
    frames = frames_of(3, steps, vocabulary.size)
    silent = [n for n in range(vocabulary.size) if n not in heard]
    frames = frames.index_fill(1, torch.tensor(silent, dtype=torch.int64), -math.inf).log_softmax(-1)
    model = language_model(level, mode)
    weights = Weights(0.7, 0.3, -0.2)
    reader = LanguageReader(model, "ab")
    scorer = TextScorer(vocabulary, END, weights, reader)
    search = PrefixBeam(vocabulary.size, 1000, END, scorer, weights.language)
    search.push(frames)
    found = search.final(1000)
    texts = [vocabulary.decode(one.symbols) for one in found]
    # A model of words reads them whatever is between.
    read = texts if level == "character" else [" ".join(text.split()) for text in texts]
    whole = 0
    for one, text, line in zip(found, read, score_lines(model, read), strict=True):
        # Half a character is read when the text ends; as a mark, it would be a token of its own to "word".
        if "\ufffd" not in text:
            characters = sum(not letter.isspace() for letter in text)
            assert one.language == pytest.approx(line.log_probability, abs=20 * CLOSE), text
            assert one.bonus == pytest.approx(0.3 * len(text.split()) - 0.2 * characters, abs=1e-9)
            whole += 1
    assert whole > 50
    scores = [one.acoustic + 0.7 * one.language + one.bonus for one in found]
    assert scores == sorted(scores, reverse=True)


def test_a_wide_beam_is_as_if_all_texts_were_rescored() -> None:
    frames, model = frames_of(5, 5, LETTERS.size), language_model()
    texts = ways(frames)
    search = SpeechSearch(LETTERS, END, SpeechSearchOptions(width=len(texts)), model)
    search.weights = Weights(0.9, 0.0, 0.4)
    scored = score_lines(model, map(LETTERS.decode, texts))
    totals = {
        text: ln + 0.9 * line.log_probability + 0.4 * sum(not c.isspace() for c in LETTERS.decode(text))
        for (text, ln), line in zip(texts.items(), scored, strict=True)
    }
    best = max(totals, key=lambda text: totals[text])
    found = search.find(frames)[0]
    assert found.symbols == best
    (line,) = score_lines(model, [LETTERS.decode(best)])
    assert found.language == pytest.approx(line.log_probability, abs=CLOSE)


def test_texts_that_are_spelled_alike_are_one() -> None:
    frames = frames_of(7, 5, LETTERS.size)
    search = SpeechSearch(LETTERS, END, SpeechSearchOptions(width=4000))
    found = search.find(frames, 4000)
    texts = [search.text(one) for one in found]
    assert len(texts) == len(set(texts))
    assert math.fsum(math.exp(one.acoustic) for one in found) == pytest.approx(1, abs=1e-6)


def test_the_likeliest_symbols_and_a_beam() -> None:
    """By default, the likeliest symbol of each step; a beam of one with a bonus is no beam."""
    options = SpeechSearchOptions()
    assert not SpeechSearch(LETTERS, END, options).has_beam
    assert (options.beam_width, SpeechSearchOptions(lm=Path("x")).beam_width) == (1, 20)
    assert SpeechSearchOptions(word_bonus=1.0).beam_width == 20
    with pytest.raises(InputError, match="weighs a language model"):
        SpeechSearchOptions(lm_weight=0.5)
    with pytest.raises(InputError, match="needs texts to choose from"):
        SpeechSearchOptions(lm=Path("x"), width=1)


def test_an_alphabet_that_the_model_does_not_know() -> None:
    model = language_model()
    reader = LanguageReader(model, "AB C")
    assert reader.case == "lower"
    assert reader.notes == (
        "case: the language model reads the texts in lower case, which it knows best",
        "the language model does not know C, and reads <unk> there",
    )
    with pytest.raises(InputError, match="must have the level character, word or whitespace, got bpe"):
        LanguageReader(language_model("bpe"), "ab")


def test_nothing_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    model = language_model()
    reader = LanguageReader(model, "ab")
    counts: list[int] = []
    read = model.model.read

    def counting(tokens: Tensor, states: tuple[Tensor, ...]) -> object:
        counts.append(tokens.shape[1])
        return read(tokens, states)

    monkeypatch.setattr(model.model, "read", counting)
    pairs = [(reader.start, 2), (reader.start, 3), (reader.start, 2)]
    first = reader.advance(pairs)
    assert first[0] is first[2]
    assert reader.advance(pairs) == first
    assert counts == [2]
    # What no search holds is freed.
    del first
    assert not reader.start.next


def test_lists_are_read_by_rescore(tmp_path: Path) -> None:
    search = SpeechSearch(LETTERS, END, SpeechSearchOptions(width=8))
    lists = [search.find(frames_of(seed, 12, LETTERS.size), 5) for seed in range(3)]
    nbest = search.nbest(["x", "y", "é"], lists, ["a b", "b", None])
    path = tmp_path / "lists.json"
    path.write_text(nbest_json(nbest), "utf-8")
    assert len(json.loads(path.read_text("utf-8"))) == 3
    assert read_nbest(path).utterances == nbest.utterances


def test_tuning_finds_weights_with_fewer_errors() -> None:
    """The references are what the model prefers among what was heard."""
    model = language_model()
    search = SpeechSearch(LETTERS, END, SpeechSearchOptions(width=12), model)
    frames = [frames_of(seed, 8, LETTERS.size) for seed in range(6)]
    search.weights = Weights(1.5, 0.0, 0.7)
    references = [search.text(search.find(each)[0]) or "a" for each in frames]
    search.weights = Weights(0.0)
    found = tune_search(search, frames, references, "character")
    assert found.errors == min(errors for _, errors in found.rounds)
    assert found.rounds[0][0] == Weights(0.0)
    assert found.errors <= found.rounds[0][1] / 2
    assert search.weights == found.weights
