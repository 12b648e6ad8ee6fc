"""White space lies between words: it is no token of a model of words, and changes no score and no count."""

from __future__ import annotations

import json
import random
from math import exp, log
from pathlib import Path

import pytest
import torch
from conftest import Command
from language_models import make_task, trained

from bptt.data import parts as module
from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions, usual_white_space
from bptt.errors import InputError
from bptt.jobs.language.comparison import words
from bptt.jobs.language.evaluation import evaluate_text
from bptt.jobs.language.scoring import score_lines
from bptt.jobs.rescore.rescoring import judge
from bptt.models.tokens import vocabulary_options
from bptt.options.choices import Choices
from bptt.options.option_set import OptionSet
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights

# Everything that Python takes for white space, but what ends a line.
SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\n\r")
TEXT = "the cat was full\nthe cats were full\n" * 20
SPACED = ["the  cat was full", "the\tcat\u00a0was\u3000full", " the cat was full ", "the cat was full\x1f\t"]
WORDS = [VocabularyOptions("word", white_space=False), VocabularyOptions("whitespace")]


def plain(text: str) -> list[list[str]]:
    return [line.split() for line in text.split("\n")]


@pytest.mark.parametrize("part", [1 << 16, 1, 7])
def test_between_white_space_tokens_are_exactly_what_python_splits(part: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PART", part)
    draw = random.Random(3)
    pieces = [
        *SPACES,
        *"\n  ",
        "n't",
        "u.s.",
        "<unk>-year-old",
        "我",
        "喜欢",
        "😀,",
        "'",
        "e\u0301",
        "<eos>",
        "Ġ",
    ]
    text = "".join(draw.choices(pieces, k=500))
    vocabulary = Vocabulary.build(text, VocabularyOptions("whitespace", min_count=1))
    tokens = vocabulary.encode(text).tolist()
    shown = [vocabulary.show(token).strip() for token in tokens]
    assert " ".join(shown).split("<eos>") == " ".join(" ".join([*w, "<eos>"]) for w in plain(text))[
        :-6
    ].split("<eos>")
    assert UNKNOWN not in tokens
    assert vocabulary.decode(tokens) == "\n".join(" ".join(line) for line in plain(text))
    assert vocabulary.words(text) == len(text.split())
    assert vocabulary.characters(text) == len(vocabulary.decode(tokens))


def test_a_text_cut_already_keeps_its_unknown_word_and_its_tokens() -> None:
    line = " mr. <unk> is the <unk>-year-old chairman of n.v. 's N %"
    vocabulary = Vocabulary.build(f"{line} \n" * 2, VocabularyOptions("whitespace"))
    tokens = vocabulary.encode(line).tolist()
    assert [vocabulary.show(token).strip() for token in tokens] == line.split()
    assert tokens.count(UNKNOWN) == 1 and tokens[1] == UNKNOWN
    segmented = Vocabulary.build("我 喜欢 北京 。\n" * 2, VocabularyOptions("whitespace"))
    assert segmented.tokens[2:] == (" 。", " 北京", " 喜欢", " 我")


@pytest.mark.parametrize("level", ["word", "whitespace"])
def test_what_the_options_leave_out_leaves_no_white_space(level: str) -> None:
    options = VocabularyOptions(level, 1, lowercase=True, digits=False, punctuation=False, white_space=False)
    vocabulary = Vocabulary.build("The , 7 cat !\n- -\n", options)
    assert vocabulary.tokens[2:] == (" cat", " the")
    assert vocabulary.encode("The , 7 cat !\n- -\n").tolist() == [3, 2, END, END]
    assert (vocabulary.words("The , 7 cat !\n- -\n"), vocabulary.characters("The , 7 cat !\n- -\n")) == (2, 9)


@pytest.mark.parametrize("options", WORDS, ids=lambda options: options.level)
@pytest.mark.parametrize("mode", ["continuous", "sentences"])
def test_white_space_changes_no_score(options: VocabularyOptions, mode: str) -> None:
    from bptt.jobs.language.options import DataOptions

    given = trained(make_task(TEXT, data=DataOptions(mode, 3), vocabulary=options, spread=3.0))
    (first, *others) = score_lines(given, ["the cat was full", *SPACED])
    for other in others:
        assert other.tokens == first.tokens and not other.unknown
        assert other.log_probability == pytest.approx(first.log_probability, rel=1e-12)
        assert (other.words, other.characters) == (4, 17)
        shown = [[word.text for word in words(given.vocabulary, each)] for each in (first, other)]
        assert shown[0] == shown[1] == ["the", "cat", "was", "full", "<eos>"]


@pytest.mark.parametrize(
    "options", [*WORDS, VocabularyOptions(), VocabularyOptions("word"), VocabularyOptions("bpe")], ids=str
)
def test_white_space_between_the_words_of_a_hypothesis_weighs_nothing(options: VocabularyOptions) -> None:
    given = trained(make_task(TEXT, vocabulary=options, spread=3.0))
    lists = NBest(
        "x", (Utterance("a", tuple(ScoredHypothesis(t, 0.0) for t in ("the cat was full", *SPACED))),)
    )
    (candidates,) = judge(given, lists)
    assert len({(each.language, each.unknown, each.words, each.characters) for each in candidates}) == 1


def uniform(options: VocabularyOptions, text: str = TEXT):
    """A model for which all V tokens are equally probable."""
    task = make_task(text, vocabulary=options)
    for parameter in task.model.parameters():
        torch.nn.init.zeros_(parameter)
    return trained(task)


@pytest.mark.parametrize(
    "options", [*WORDS, VocabularyOptions(), VocabularyOptions("bpe", max_size=300)], ids=lambda o: o.level
)
def test_perplexity_per_word_is_that_of_the_whole_over_words_and_line_ends(options) -> None:
    """By hand: every token costs ln V; 9 words and 3 line ends share the sum."""
    model, vocabulary, config = given = uniform(options)
    text = " the cat  was full \n\n the cats were full now\n"
    found = evaluate_text(model, vocabulary, config.data, text)
    tokens = len(vocabulary.encode(text))
    assert (found["words"], found["line_ends"], found["tokens"]) == (9, 3, tokens)
    assert found["perplexity"] == pytest.approx(vocabulary.size)
    assert found["word_perplexity"] == pytest.approx(exp(tokens * log(vocabulary.size) / 12))
    if options.level in ("word", "whitespace"):
        assert tokens == 12 and found["word_perplexity"] == pytest.approx(found["perplexity"])
    scores = list(score_lines(given, text.removesuffix("\n").split("\n")))
    assert sum(score.words for score in scores) == 9


def test_models_of_0_1_0_read_spaces_as_they_did() -> None:
    """Their folders say nothing about white space, and it was a token."""
    old = Vocabulary.build("a  b\n" * 3, VocabularyOptions("word"))
    assert old.tokens[2:] == (" ", " a", " b")
    assert "white_space" not in json.dumps(make_task(vocabulary=VocabularyOptions("word")).config.to_dict())


def test_new_models_of_words_keep_no_white_space_unless_asked() -> None:
    kept = {level: usual_white_space(level) for level in ("character", "word", "bpe", "whitespace")}
    assert kept == {"character": True, "word": False, "bpe": True, "whitespace": False}
    options = OptionSet({"vocabulary": VocabularyOptions})
    asked = vocabulary_options(Choices(options, {"level": "word", "white_space": True}))
    assert asked == VocabularyOptions("word")
    with pytest.raises(InputError, match="white_space: is what separates the tokens"):
        vocabulary_options(Choices(options, {"level": "whitespace", "white_space": True}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    task = make_task(TEXT, vocabulary=WORDS[0], dtype=torch.float32, spread=3.0)
    task.save(tmp_path)
    write_weights(task.model, tmp_path / WEIGHTS, task.metadata)
    return tmp_path


def test_evaluate_says_what_it_counts(run: Path, command: Command) -> None:
    ended = command("evaluate", run)
    found = dict(line.split("\t") for line in ended.out.splitlines())
    held_out = (run / "held_out.txt").read_text(encoding="utf-8")
    assert int(found["tokens"]) == len(held_out.split()) + held_out.count("\n")
    assert float(found["word_perplexity"]) == pytest.approx(float(found["perplexity"]))
    assert "<eos> counted" in ended.err and "KenLM" in ended.err


def test_choose_takes_white_space_for_none(run: Path, command: Command) -> None:
    rows = command("choose", run, "the cat was", " the\tcat  was ").out.split("\n\n")[0].splitlines()
    for row in rows:
        one, other = row.split("\t")[:2], row.split("\t")[2:]
        assert one == other


def test_level_whitespace_from_a_file_to_an_answer(tmp_path: Path, command: Command) -> None:
    (tmp_path / "ptb.txt").write_text(" mr. <unk> 's n.v. \n" * 40, encoding="utf-8")
    small = "--hidden 4 --embedding 3 --layers 1 --batch-size 4 --length 10 --epochs 1".split()
    trained = command(
        "train", "lm", tmp_path / "ptb.txt", "-o", tmp_path / "run", "--level", "whitespace", *small
    )
    assert trained.code == 0
    ended = command("score", tmp_path / "run", "-", stdin=b"mr. <unk> 's n.v.\nmr. x 's\n")
    assert [row.split("\t")[1:3] for row in ended.out.splitlines()] == [["5", "1"], ["4", "1"]]
    assert "over 7 words between white space and 2 line ends" in ended.err
    refused = command(
        "train", "lm", tmp_path / "ptb.txt", "-o", tmp_path / "x", "--level", "whitespace", "--white-space"
    )
    assert refused.code == 2 and "--white-space: is what separates" in refused.err


@pytest.mark.parametrize(
    ("job", "rows"),
    [
        ("classify", "{words} {n}\tgood\n{words} {n}\tbad\n"),
        ("regress", "{words} {n}\t{n}.5\n"),
        ("translate", "{words} {n}\t{words} {n}\n"),
    ],
)
def test_words_between_spaces_are_the_tokens_of_other_jobs(
    tmp_path: Path, command: Command, job: str, rows: str
) -> None:
    words = "他，说 n't U.S. 好。"
    data, run = tmp_path / "data.tsv", tmp_path / "run"
    data.write_text("".join(rows.format(words=words, n=n) for n in range(20)), encoding="utf-8")
    small = "--hidden 4 --embedding 3 --layers 1 --batch-size 4 --epochs 1 --level whitespace".split()
    ended = command("train", job, data, "-o", run, "--min-count", 4, *small)
    assert ended.code == 0, ended.err
    files = sorted(run.glob("*tokenizer.json"))
    assert len(files) == (2 if job == "translate" else 1)
    for file in files:
        known = json.loads(file.read_text(encoding="utf-8"))["model"]["vocab"]
        assert {token.strip() for token in known} == {*words.split(), "<unk>", "<eos>"}
