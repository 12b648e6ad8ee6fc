"""Taggers: what they learn, what they keep, what they answer, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_task import Quiet, goes_on_exactly

from bptt.cells.catalogue import get
from bptt.data.examples import Example, Examples, Words, gather
from bptt.data.readers.document import Document
from bptt.data.readers.tagged import write_conll
from bptt.data.stored_columns import CodedSequences
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.metrics import accuracy, entity_scores
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.tag_set import spell
from bptt.jobs.tag.task import TagTask, TrainedTagger, load_tagger
from bptt.models.options import EncoderOptions, WordOptions
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

Tagged = Examples[Words, Words]


def sentence(words: str, tags: str, place: str = "d:1") -> Example[Words, Words]:
    return Example(tuple(words.split()), tuple(tags.split()), place)


def entities() -> Tagged:
    """Whoever stands after "Mr" is a person, of one word or two; who that is says the spelling, not the
    word, which is never the same.
    """
    draw = np.random.default_rng(0)
    rows = []
    for n in range(60):
        name, short = f"X{n}", n % 3 == 0
        before = " ".join(draw.choice("a the cat sat on 我".split(), 1 + n % 6))
        words, tags = (f"Mr {name}", "O B-PER") if short else (f"Mr {name} Xy{n}", "O B-PER I-PER")
        rows.append(sentence(f"{before} {words} ran", "O " * (1 + n % 6) + tags + " O", f"d:{n + 1}"))
    return gather("d", rows)


def parts_of_speech() -> Tagged:
    """The tag of "run" is that of the word before it."""
    draw = np.random.default_rng(0)
    rows = []
    for n in range(60):
        pairs = [("the run", "DT NN"), ("they run", "PRP VB"), ("fast", "RB")]
        chosen = [pairs[k] for k in draw.integers(3, size=1 + n % 5)]
        rows.append(sentence(" ".join(w for w, _ in chosen), " ".join(t for _, t in chosen), f"d:{n + 1}"))
    return gather("d", rows)


def segments() -> Tagged:
    """Chinese characters: those of a word of two are BE, all others S."""
    draw = np.random.default_rng(0)
    rows = []
    for n in range(60):
        chosen = draw.choice(["我", "北 京", "爱", "上 海"], 1 + n % 5)
        tags = " ".join("B E" if " " in word else "S" for word in chosen)
        rows.append(sentence(" ".join(chosen), tags, f"d:{n + 1}"))
    return gather("d", rows)


FORMS = {"entities": entities, "parts of speech": parts_of_speech, "segments": segments}


def config(crf: bool = True, **words: object) -> TaggerConfig:
    return TaggerConfig(
        get("gru"),
        TagOptions(crf),
        replace(WordOptions(5, 4, embedding_size=8, token_dropout=0.2), **words),
        EncoderOptions(hidden_size=10, dropout=0.1),
        ExampleOptions(batch_size=8, held_out=0.2),
    )


def task(form: str = "entities", crf: bool = True) -> TagTask:
    torch.manual_seed(0)
    return TagTask(FORMS[form](), None, config(crf))


def untrained(folder: Path, one: TagTask) -> TrainedTagger:
    """The model of a task with transitions that are not all alike, from its folder."""
    if one.model.crf is not None:
        for parameter in one.model.crf.parameters():
            torch.nn.init.normal_(parameter)
    one.save(folder)
    write_weights(one.model, folder / WEIGHTS)
    return load_tagger(folder)


OPTIONS = TrainingOptions(epochs=12, learning_rate=0.03, seed=3)


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_what_decides_is_learned_and_kept(form: str, crf: bool, tmp_path: Path) -> None:
    train(task(form, crf), OPTIONS, tmp_path / "run", Quiet())
    trained = load_tagger(tmp_path / "run")
    examples = FORMS[form]()
    scores = trained.evaluate(examples)
    assert scores.metrics["accuracy"] > 0.95
    found = tuple(each.tags for each in trained.predict(examples.inputs))
    gold = tuple(spell(row.target, row.place, trained.tags.scheme) for row in examples.rows)
    assert (scores.gold, scores.found) == (gold, found)
    assert scores.metrics["accuracy"] == accuracy(gold, found)
    assert scores.entities is None or scores.entities == entity_scores(gold, found)
    assert scores.entities is None if form == "parts of speech" else scores.metrics["f1"] > 0.9


def test_scores_keep_a_byte_for_each_tag(tmp_path: Path) -> None:
    """And an offset of 8 bytes and a size of 4 for each sentence, of the gold tags and of those found."""
    trained = untrained(tmp_path, task())
    scores = trained.evaluate(entities())
    for tags in (scores.gold, scores.found):
        assert isinstance(tags, CodedSequences)
        held = sum(each.nbytes for each in (tags.codes, tags.starts, tags.sizes))
        assert held == scores.metrics["words"] + 12 * len(tags)


def test_a_name_that_was_never_seen_is_told_by_its_spelling(tmp_path: Path) -> None:
    train(task(), OPTIONS, tmp_path / "run", Quiet())
    found = load_tagger(tmp_path / "run").predict([("the", "cat", "Mr", "X77", "Xy78", "ran")])
    assert found[0].tags == ("O", "O", "O", "B-PER", "I-PER", "O")


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_an_answer_does_not_depend_on_the_others_in_the_batch(form: str, crf: bool, tmp_path: Path) -> None:
    trained = untrained(tmp_path, task(form, crf))
    sentences = [*FORMS[form]().inputs, (), ("new", "我"), ()]
    together = trained.predict(sentences)
    for words, found in zip(sentences, together, strict=True):
        (alone,) = trained.predict([words])
        assert found.tags == alone.tags
        # Some dozens of terms, each rounded once, of magnitude 1.
        assert found.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
    losses = [trained.evaluate(FORMS[form]().take([n])).metrics for n in range(60)]
    mean = sum(each["loss"] * each["words"] for each in losses) / sum(each["words"] for each in losses)
    assert trained.evaluate(FORMS[form]()).metrics["loss"] == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_run_goes_on_exactly(form: str, tmp_path: Path) -> None:
    options = replace(OPTIONS, epochs=3, schedule="constant")
    assert goes_on_exactly(lambda: task(form), options, tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_saved_is_what_is_loaded(form: str, tmp_path: Path) -> None:
    one = task(form)
    trained = untrained(tmp_path, one)
    assert trained.evaluate(one._held_out).metrics == pytest.approx(one.evaluate(), abs=1e-6)
    assert trained.config == one.config
    assert trained.tags.tags == one._tags.tags


def test_the_loss_is_minus_the_mean_logarithm_of_the_probability_of_the_tags(tmp_path: Path) -> None:
    """Found in the list of all sequences of tags with their probabilities."""
    one = task()
    trained = untrained(tmp_path, one)
    rows = [3, 11, 7]
    few = one._learned.take(rows)
    wanted = sum(
        next(-each.log_probability for each in paths if each.tags == tags)
        for words, tags in zip(few.inputs, few.targets, strict=True)
        for paths in trained.predict_nbest([words], 3 ** len(words))
    )
    words = sum(map(len, few.inputs))
    assert trained.evaluate(few).metrics["loss"] == pytest.approx(wanted / words, abs=1e-5)
    one.model.eval()
    loss, units = one.loss(rows)
    assert (loss.item(), units) == (pytest.approx(wanted / words, abs=1e-5), words)


def test_alternatives_are_all_that_the_scheme_allows_and_their_probabilities_sum_to_one(
    tmp_path: Path,
) -> None:
    trained = untrained(tmp_path, task())
    words = ("the", "cat", "Mr")
    (paths,) = trained.predict_nbest([words], 100)
    wanted = {
        tags
        for tags in product(("O", "B-PER", "I-PER"), repeat=3)
        if all(tag != "I-PER" or before != "O" for before, tag in zip(("O", *tags), tags, strict=False))
    }
    assert {each.tags for each in paths} == wanted
    assert sum(exp(each.log_probability) for each in paths) == pytest.approx(1, abs=1e-5)
    (best,) = trained.predict([words])
    assert paths[0].tags == best.tags
    for step, (tag, probability) in enumerate(zip(best.tags, best.probabilities, strict=True)):
        share = sum(exp(each.log_probability) for each in paths if each.tags[step] == tag)
        assert probability == pytest.approx(share, abs=1e-5)
    assert [[each.tags for each in paths] for paths in trained.predict_nbest([()], 3)] == [[()]]


@pytest.mark.parametrize("scale", [30, 100, 1000])
def test_no_probability_is_above_one(scale: float, tmp_path: Path) -> None:
    """Though large scores, of tags that are all but certain, are rounded."""
    one = task()
    with torch.no_grad():
        one.model.output.weight *= scale
    trained = untrained(tmp_path, one)
    sentences = entities().inputs
    assert all(p <= 1 for found in trained.predict(sentences) for p in found.probabilities)
    assert all(paths[0].log_probability <= 0 for paths in trained.predict_nbest(sentences, 1))


def test_alternatives_need_a_crf(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"n_best: needs a tagger with a CRF, got one without"):
        untrained(tmp_path, task(crf=False)).predict_nbest([("a",)], 2)


def test_tags_that_break_the_scheme_cost_no_infinite_loss() -> None:
    rows = [*entities().rows, sentence("Mr X Y", "O I-PER B-PER", "d:99")]
    rows += [sentence("a X", "I-PER I-ORG", "d:101")]
    torch.manual_seed(0)
    one = TagTask(gather("d", rows), gather("e", rows[-2:]), replace(config(), tags=TagOptions(True, "BIO")))
    loss, words = one.loss([60, 61])
    assert (loss.isfinite(), words) == (True, 5)
    assert one._tags.decode(one.take([60])[0][0].tolist()) == ("O", "B-PER", "B-PER")
    assert one._tags.decode(one.take([61])[0][0].tolist()) == ("B-PER", "B-ORG")
    note = "rewrote tags that break BIO, with the same entities (2 sentences, the first at d:99)"
    assert note in one.describe()


def test_a_scheme_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = untrained(
        tmp_path, TagTask(entities(), None, replace(config(), tags=TagOptions(scheme="BIOES")))
    )
    assert trained.tags.tags == ("B-PER", "E-PER", "I-PER", "O", "S-PER")
    with pytest.raises(InputError, match=r"scheme: is one of IOB1, BIO, .*, got 'BIEO'"):
        TagOptions(scheme="BIEO")


def test_a_tag_that_was_never_learned_has_its_place_or_is_counted(tmp_path: Path) -> None:
    strange = gather("e", [sentence("Mr X ran", "O B-PER O"), sentence("in Rome", "O B-LOC", "e:17")])
    with pytest.raises(InputError, match="e:17: a tag is one of those learned, B-PER, I-PER, O, got 'B-LOC'"):
        TagTask(entities(), strange, config())
    trained = untrained(tmp_path, task())
    scores = trained.evaluate(strange)
    assert scores.metrics["strange_tags"] == 1
    assert scores.metrics["loss"] == trained.evaluate(strange.take([0])).metrics["loss"]
    assert scores.entities is not None
    assert scores.entities.types["LOC"].entities == 1
    with pytest.raises(InputError, match="e:18: tag NN: is O, or one of B"):
        trained.evaluate(gather("e", [sentence("in", "NN", "e:18")]))


def test_sentences_without_tags_are_not_learned_from_nor_scored(tmp_path: Path) -> None:
    bare = gather("e", [Example(("a", "b"), None, "e:3")])
    for learned, held in ((bare, None), (entities(), bare)):
        with pytest.raises(InputError, match=r"e:3: .*ha(s|ve).* a tag for each word"):
            TagTask(learned, held, config())
    with pytest.raises(InputError, match="e:3: must have a tag for each word, got none"):
        untrained(tmp_path, task()).evaluate(bare)


def test_one_tag_alone_is_nothing_to_learn() -> None:
    with pytest.raises(InputError, match="d:1: need at least two distinct tags, got only O"):
        TagTask(gather("d", [sentence("a b", "O O"), sentence("c", "O")]), None, config())


def test_plain_text_is_cut_as_the_words_learned_are(tmp_path: Path) -> None:
    text = Document("t", "我 爱北京\n\n上海\n")
    assert untrained(tmp_path, task("segments")).read(text, tagged=False).inputs == (
        tuple("我爱北京"),
        (),
        tuple("上海"),
    )
    (tmp_path / "words").mkdir()
    words = untrained(tmp_path / "words", task()).read(text, tagged=False)
    assert words.inputs == (("我", "爱北京"), (), ("上海",))


def test_columns_are_known_by_tags_that_were_learned(tmp_path: Path) -> None:
    trained = untrained(tmp_path, task("parts of speech"))
    found = trained.read(Document("t", "the DT\nrun NN\n\nfast RB\n"), tagged=False)
    assert found.targets == (("DT", "NN"), ("RB",))
    assert trained.read(Document("t", "the dog\nthe run\n\nfast RB\n"), tagged=False).inputs[0] == (
        "the",
        "dog",
    )


def test_vectors_of_another_make_are_what_the_embedding_begins_as(tmp_path: Path) -> None:
    file = tmp_path / "v.txt"
    file.write_text("cat 1 2 3\nX1 4 5 6\ndog 7 8 9\nunheard 0 0 0\n", encoding="utf-8")
    held = gather("e", [sentence("the dog", "O O")])
    torch.manual_seed(0)
    options = config(lowercase=False, frozen=True, min_count=2)
    one = TagTask(entities(), held, options, file)
    words = one._codec._words
    assert (
        words.number("X1") and words.number("dog") and not words.number("unheard") and not words.number("X2")
    )
    table = one.model.state_dict()["encoder.part.words.embedding"]
    assert table.shape[1] == one.config.words.embedding_size == 3
    for word, values in {"cat": [1, 2, 3], "X1": [4, 5, 6], "dog": [7, 8, 9]}.items():
        assert table[words.number(word)].tolist() == values
    before = table.clone()
    train(one, replace(OPTIONS, epochs=1), tmp_path / "run", Quiet())
    assert torch.equal(table, before)


def test_only_training_cuts_long_sentences(tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = config()
    one = TagTask(entities(), None, replace(options, data=replace(options.data, max_length=3)))
    inputs = one.take(range(len(one._learned)))
    assert {len(tensors[0]) for tensors in inputs} == {len(tensors[1]) for tensors in inputs} == {3}
    (found,) = untrained(tmp_path, one).predict([("a",) * 7])
    assert len(found.tags) == 7


def test_the_answer_to_a_tagged_file_is_read_again(tmp_path: Path) -> None:
    trained = untrained(tmp_path, task())
    examples = entities()
    found = [each.tags for each in trained.predict(examples.inputs)]
    text = write_conll(examples.inputs, examples.targets, found)
    assert trained.read(Document("t", text), tagged=True).targets == tuple(found)


def test_softmax_gives_each_word_its_most_probable_tag(tmp_path: Path) -> None:
    trained = untrained(tmp_path, task(crf=False))
    one = gather("e", [sentence("the", "O")])
    (best,) = trained.predict(one.inputs)
    assert best.probabilities[0] >= 1 / 3
    losses = {
        tag: trained.evaluate(gather("e", [sentence("the", tag)])).metrics["loss"] for tag in ("O", "B-PER")
    }
    if best.tags[0] in losses:
        assert losses[best.tags[0]] == pytest.approx(-log(best.probabilities[0]), abs=1e-6)
