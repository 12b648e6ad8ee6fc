"""Gold tags in any scheme against a model of any: entities are compared, and every count agrees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from test_jobs_tag import Tagged, config, entities
from tiny_task import Quiet

from bptt import SequenceTagger
from bptt.data.readers.tagged import write_conll
from bptt.data.schemes import SCHEMES, convert
from bptt.errors import InputError
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.seqeval import INSTALLED, seqeval_scores
from bptt.jobs.tag.task import TagTask, TrainedTagger, load_tagger
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

# Each sentence of `entities` has one person.
PEOPLE = 60


def respelled(examples: Tagged, scheme: str) -> Tagged:
    rows = [replace(row, target=convert(row.target, SCHEMES[scheme])) for row in examples.rows]
    return replace(examples, rows=tuple(rows))


@pytest.fixture(scope="module", params=SCHEMES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TrainedTagger:
    run = tmp_path_factory.mktemp("run") / "run"
    learned = respelled(entities(), request.param)
    options = replace(config(), tags=TagOptions(crf=True, scheme=request.param))
    train(TagTask(learned, None, options), TrainingOptions(epochs=4, learning_rate=0.03), run, Quiet())
    return load_tagger(run)


@pytest.mark.parametrize("gold", SCHEMES)
def test_scores_do_not_depend_on_how_the_gold_tags_are_spelled(trained: TrainedTagger, gold: str) -> None:
    own = trained.evaluate(respelled(entities(), trained.tags.scheme.name))
    found = trained.evaluate(respelled(entities(), gold))
    assert found == own
    assert found.entities is not None and found.entities.whole.entities == PEOPLE
    assert found.metrics["accuracy"] > 0.6 and found.metrics["strange_tags"] == 0
    if INSTALLED:
        counts = [s.whole.entities for s in seqeval_scores(found.gold, found.found, trained.tags.scheme)]
        assert counts == [PEOPLE, PEOPLE]


def test_tags_that_break_every_scheme_are_read_as_conlleval_does(trained: TrainedTagger) -> None:
    """Whoever writes I for all words means the same persons."""
    rows = [
        replace(row, target=tuple("I-PER" if tag != "O" else "O" for tag in row.target))
        for row in entities().rows
    ]
    found = trained.evaluate(replace(entities(), rows=tuple(rows)))
    assert found == trained.evaluate(entities())


def test_a_type_that_was_not_learned_is_counted_and_strange(trained: TrainedTagger) -> None:
    rows = [
        replace(row, target=tuple(tag.replace("PER", "地名") for tag in row.target))
        for row in entities().rows
    ]
    found = trained.evaluate(replace(entities(), rows=tuple(rows)))
    assert found.entities is not None
    assert found.entities.types["地名"].entities == PEOPLE and found.metrics["f1"] == 0
    assert found.metrics["strange_tags"] == sum(tag != "O" for row in entities().rows for tag in row.target)


def test_a_tag_of_no_scheme_is_refused_with_its_line(trained: TrainedTagger) -> None:
    rows = list(entities().rows)
    rows[3] = replace(rows[3], target=("PERSON", *rows[3].target[1:]))
    with pytest.raises(InputError, match="d:4: tag PERSON: is O, or one of"):
        trained.evaluate(replace(entities(), rows=tuple(rows)))


def test_evaluate_says_what_it_rewrites_and_its_tables_agree(tmp_path: Path, command: Command) -> None:
    paths = {}
    for scheme in ("BIO", "BIOES", "IOB1"):
        given = respelled(entities(), scheme)
        paths[scheme] = tmp_path / f"{scheme}.conll"
        paths[scheme].write_text(write_conll(given.inputs, given.targets), encoding="utf-8")
    sizes = "--hidden", 8, "--epochs", 6, "--lr", 0.03, "--threads", 1
    assert command("train", "tag", paths["BIO"], "-o", tmp_path / "run", *sizes).code == 0
    own = command("evaluate", tmp_path / "run", paths["BIO"])
    assert (own.code, "rewrote tags" in own.err) == (0, False)
    for scheme in ("BIOES", "IOB1"):
        ended = command("evaluate", tmp_path / "run", paths[scheme])
        assert (ended.code, ended.out) == (0, own.out)
        assert f"{paths[scheme]}: rewrote tags that break BIO, with the same entities" in ended.err
    counted = [line.split("\t")[4] for line in own.out.splitlines() if line.startswith(("all\t", "PER\t"))]
    assert len(counted) == (6 if INSTALLED else 2) and set(counted) == {str(PEOPLE)}


def test_the_estimator_scores_tags_of_another_scheme() -> None:
    words: Any = [list(row.input) for row in entities().rows]
    bio: Any = [list(row.target) for row in entities().rows]
    fitted = SequenceTagger(hidden_size=8, epochs=6, learning_rate=0.03, random_state=0).fit(words, bio)
    for scheme in SCHEMES:
        assert fitted.score(words, [convert(tags, SCHEMES[scheme]) for tags in bio]) == fitted.score(
            words, bio
        )
