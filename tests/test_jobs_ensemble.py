"""Runs that answer together: the mean of what each says by itself, by numpy; what is refused, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Command
from job_files import data_of, write_file

import bptt
from bptt.data.batches import NOTHING
from bptt.data.readers.corpus import read_plain
from bptt.data.vocabulary_options import END
from bptt.errors import InputError
from bptt.jobs.commands import leading_runs
from bptt.jobs.music.held_out_pieces import read_written
from bptt.jobs.tag.word_by_word import TagStepper
from bptt.jobs.translate.options import BeamOptions
from bptt.models.codecs.codec import pad

# Sums of some hundred float32 numbers, in another order.
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-6}
_TEXT = {"hidden": 4, "epochs": 1, "batch_size": 4, "embedding": 3}
_NUMBERS = {"hidden": 4, "epochs": 1}
SIZES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("lm", "classify", "translate", "music"), _TEXT),
    "tag": _TEXT | {"embedding": 5},
    **dict.fromkeys(("mark", "regress", "forecast"), _NUMBERS),
    "transcribe": _NUMBERS | {"bidirectional": False},
}
# The second run has another seed, and is otherwise as different as an ensemble allows.
SECOND: dict[str, dict[str, Any]] = {
    "lm": {"cell": "gru", "hidden": 3},
    "classify": {"level": "character", "balance": True},
    "tag": {"hidden": 5},
    "forecast": {"window": 30},
    "transcribe": {"cell": "gru"},
    "translate": {"held_out": 0.0, "decoder_hidden_size": 6},
}
FIRST: dict[str, dict[str, Any]] = {"translate": {"held_out": 0.0}}
Runs = Callable[[str], tuple[Path, Path, Path]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Return the data of a job and two runs on them, which are trained once."""
    folder, found = tmp_path_factory.mktemp("ensemble"), {}

    def both(job: str) -> tuple[Path, Path, Path]:
        if job not in found:
            (folder / job).mkdir()
            data = data_of(job, folder / job)
            paths = [folder / job / name for name in ("first", "second")]
            for path, other in zip(paths, (FIRST, SECOND), strict=True):
                options = SIZES[job] | other.get(job, {})
                bptt.train(job, data, path, progress=False, seed=len(path.name), **options)
            found[job] = data, *paths
        return found[job]

    return both


def each_and_both(*paths: Path) -> tuple[list[Any], Any]:
    """Return the models of some runs, and their ensemble."""
    together = bptt.load(paths)
    assert together.runs == paths and len(together.members) == len(paths)
    return [bptt.load(path) for path in paths], together


def test_classifiers_of_two_levels(runs: Runs) -> None:
    data, *paths = runs("classify")
    alone, together = each_and_both(*paths)
    texts = together.read(data, labelled=True).inputs
    wanted = np.mean([np.exp(each.log_probabilities(texts).numpy()) for each in alone], 0)
    found = together.predict(texts)
    np.testing.assert_allclose([each.probabilities for each in found], wanted, **CLOSE)
    # The first has no thresholds, which is an offset of 0.
    offsets = alone[1].offsets.numpy() / 2
    answers = (np.log(wanted) + offsets).argmax(1)
    assert [each.label for each in found] == [together.labels[k] for k in answers]
    assert f"parameters={sum(p.numel() for each in alone for p in each.model.parameters())}" in repr(together)


def test_taggers_with_a_crf_by_all_sequences(runs: Runs) -> None:
    _, *paths = runs("tag")
    alone, together = each_and_both(*paths)
    sentence = ("Ada", "to", "北京")
    count = len(together.tags.tags) ** len(sentence)
    logs = [{a.tags: a.log_probability for a in each.predict_nbest([sentence], count)[0]} for each in alone]
    # The normalised geometric mean of the probabilities of whole sequences.
    weights = {tags: np.exp(np.mean([log[tags] for log in logs])) for tags in logs[0]}
    total = sum(weights.values())
    best = max(weights, key=weights.__getitem__)
    (found,) = together.predict([sentence])
    assert found.tags == best
    marginals = [sum(w for t, w in weights.items() if t[n] == best[n]) / total for n in range(len(best))]
    np.testing.assert_allclose(found.probabilities, marginals, **CLOSE)
    (nbest,) = together.predict_nbest([sentence], count)
    assert len(nbest) == len(weights)
    for one in nbest:
        np.testing.assert_allclose(one.log_probability, np.log(weights[one.tags] / total), rtol=1e-4)


def test_taggers_without_a_crf_and_markers(runs: Runs, tmp_path: Path) -> None:
    data, first, _ = runs("tag")
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        bptt.train("tag", data, path, progress=False, crf=False, seed=ord(path.name), **SIZES["tag"])
    alone, together = each_and_both(*paths)
    sentences = together.read(data, tagged=True).inputs[:9]
    wanted = mean_of([each.probabilities(sentences) for each in alone])
    for found, rows in zip(together.predict(sentences), wanted, strict=True):
        assert found.tags == tuple(together.tags.tags[k] for k in rows.argmax(1))
        np.testing.assert_allclose(found.probabilities, rows.max(1), **CLOSE)
    with pytest.raises(InputError, match=r"kind of decoder .* got softmax, not CRF"):
        bptt.load([first, paths[0]])
    with pytest.raises(InputError, match="stream: needs a single run, got 2 that are averaged"):
        TagStepper(together)
    genes, *marked = runs("mark")
    alone, together = each_and_both(*marked)
    sequence = together.read(genes, tagged=True).inputs[3]
    scores = [each.score([sequence], pad([each.codec.encode(sequence)])).numpy(force=True) for each in alone]
    both = together.score([sequence], pad([together.codec.encode(sequence)])).numpy(force=True)
    np.testing.assert_allclose(both, np.mean(scores, 0), **CLOSE)
    np.testing.assert_allclose(
        together.model.crf.transitions.detach().numpy(),
        np.mean([each.model.crf.transitions.detach().numpy() for each in alone], 0),
        **CLOSE,
    )
    assert all(part.label == "island" for part in together.mark([sequence])[0])


def mean_of(found: list[Any]) -> list[Any]:
    """Return the mean of each row over several lists of arrays."""
    return [np.mean([np.asarray(row) for row in rows], 0) for rows in zip(*found, strict=True)]


def test_regressors_average_numbers_and_the_ends_of_intervals(runs: Runs) -> None:
    data, *paths = runs("regress")
    alone, together = each_and_both(*paths)
    examples = together.read(data, labelled=True)
    found = together.predict(examples.inputs)
    single = [each.predict(examples.inputs) for each in alone]
    for name in ("values", "low", "high"):
        wanted = mean_of([[getattr(row, name) for row in rows] for rows in single])
        np.testing.assert_allclose([getattr(row, name) for row in found], wanted, **CLOSE)
    targets = np.array(examples.targets)
    errors = np.array([row.values for row in found]) - targets
    assert together.evaluate(examples).metrics["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_forecasters_of_two_windows(runs: Runs) -> None:
    data, *paths = runs("forecast")
    alone, together = each_and_both(*paths)
    (found,) = together.predict(together.read(data))
    single = [each.predict(each.read(data))[0] for each in alone]
    for name in ("values", "low", "high"):
        np.testing.assert_allclose(getattr(found, name), mean_of([[getattr(s, name)] for s in single])[0])


def test_translators_step_by_step(runs: Runs) -> None:
    data, *paths = runs("translate")
    alone, together = each_and_both(*paths)
    pairs = together.read_pairs(data)
    text = pairs.inputs[1]
    (found,) = together.predict([text], BeamOptions(width=1))
    states = [each.model.start(*pad([each.codec.encode(text)])) for each in alone]
    token, written, total = torch.tensor([NOTHING]), [], 0.0
    with torch.no_grad():
        while written[-1:] != [END] and len(written) < len(found.tokens):
            logs = []
            for number, each in enumerate(alone):
                log, states[number], _ = each.model.step(token, states[number])
                logs.append(np.exp(log[0].numpy().astype(np.float64)))
            mean = np.mean(logs, 0)
            written.append(int(mean.argmax()))
            total += np.log(mean[written[-1]])
            token = torch.tensor(written[-1:])
    assert tuple(map(together.vocabulary.show, written)) == found.tokens
    assert found.log_probability == pytest.approx(total, rel=1e-5)
    # The loss of the references: the mean of -ln of the mean probability of each token.
    targets = [together.vocabulary.encode(f"{target}\n").long() for target in pairs.targets]
    total = 0.0
    with torch.no_grad():
        for source, target in zip(pairs.inputs, targets, strict=True):
            single = [
                np.exp(each.model.score_targets(pad([each.codec.encode(source)]), target[:, None]).numpy())
                for each in alone
            ]
            total -= np.log(np.mean(single, 0)).sum()
    assert together.evaluate(pairs)["loss"] == pytest.approx(total / sum(map(len, targets)), rel=1e-5)


def test_transcribers(runs: Runs) -> None:
    data, *paths = runs("transcribe")
    alone, together = each_and_both(*paths)
    inputs = together.read(data, labelled=False).inputs
    found = together.log_probabilities(inputs)
    wanted = mean_of([[row.exp().numpy() for row in each.log_probabilities(inputs)] for each in alone])
    for row, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(row.exp().numpy(), other, **CLOSE)
    assert len(together.predict(inputs)) == len(inputs)
    with pytest.raises(InputError, match="stream: needs a single run"):
        together.stream()


def test_language_models_are_mixed(runs: Runs) -> None:
    data, *paths = runs("lm")
    alone, together = each_and_both(*paths)
    lines = ["the cat sat", "the cats were full", ""]
    scored = list(zip(*(each.score(lines) for each in alone), strict=True))
    for found, single in zip(together.score(lines), scored, strict=True):
        wanted = np.log(np.mean(np.exp([one.log_probabilities for one in single]), 0))
        np.testing.assert_allclose(found.log_probabilities, wanted, **CLOSE)
    following = [each.next_tokens("the c", top=99)[-1].expected for each in alone]
    shares = [dict(zip(each.answers, each.probabilities, strict=True)) for each in following]
    expected = together.next_tokens("the c", top=99)[-1].expected
    for token, share in zip(expected.answers, expected.probabilities, strict=True):
        assert share == pytest.approx(np.mean([each[token] for each in shares]), rel=1e-4)
    text, _ = read_plain(data)
    assert together.evaluate(text)["loss"] <= np.mean([each.evaluate(text)["loss"] for each in alone])
    with pytest.raises(InputError, match=r"samples and a memory .* are of a single run, got 2 runs"):
        together.sample("the")


def test_models_of_music_are_mixed(runs: Runs) -> None:
    data, *paths = runs("music")
    alone, together = each_and_both(*paths)
    pieces = [row.score for row in read_written(together.notation, data, "all").rows]
    scored = zip(together.score(pieces), *(each.score(pieces) for each in alone), strict=True)
    for found, *single in scored:
        wanted = np.log(np.mean([np.exp(one.log_probabilities.numpy()) for one in single], 0))
        np.testing.assert_allclose(found.log_probabilities.numpy(), wanted, **CLOSE)


def test_runs_that_differ_are_refused(runs: Runs, tmp_path: Path) -> None:
    _, first, second = runs("classify")
    other = tmp_path / "films.tsv"
    other.write_text(
        "text\tlabel\n" + "".join(f"film {n}\tgood\nno {n}\tmeh\n" for n in range(9)), encoding="utf-8"
    )
    bptt.train("classify", other, tmp_path / "run", progress=False, **_TEXT)
    rule = f"{tmp_path / 'run'}: must have the labels of {first}, to answer together with it"
    with pytest.raises(InputError, match="got with 'meh' and without 'bad'") as raised:
        bptt.load([first, second, tmp_path / "run"])
    assert rule in str(raised.value) and "Train all on examples of the same labels" in str(raised.value)
    with pytest.raises(InputError, match="must be a run of `bptt train classify`"):
        bptt.load([first, runs("tag")[1]])
    with pytest.raises(InputError, match="must be named once"):
        bptt.load([first, second, first])
    with pytest.raises(InputError, match="must be one run folder or more"):
        bptt.load([])
    text = write_file("lm", tmp_path, "more-")
    text.write_text("quiz\n" * 9 + text.read_text(encoding="utf-8"), encoding="utf-8")
    bptt.train("lm", text, tmp_path / "lm", progress=False, **_TEXT)
    with pytest.raises(InputError, match=r"must have the vocabulary of .* got with 'i', 'q', 'z'"):
        bptt.load([runs("lm")[1], tmp_path / "lm"])


def test_the_commands_take_several_runs(runs: Runs, command: Command) -> None:
    data, first, second = runs("classify")
    texts = ["fine film 3", "dull film 4"]
    wanted = bptt.load([first, second]).predict(texts)
    ended = command("predict", first, second, "-", stdin="\n".join(texts).encode())
    assert ended.out.splitlines() == [
        f"{row.label}\t{row.probability:.6f}\t{text}" for row, text in zip(wanted, texts, strict=True)
    ]
    said = f"2 runs answer together, by their mean: {first}, {second}"
    assert said in ended.err
    ended = command("evaluate", first, second, data)
    assert ended.code == 0 and said in ended.out + ended.err
    ended = command("evaluate", first, second)
    assert ended.code == 2 and "must be named for several runs" in ended.err
    ended = command("evaluate", first, data, data)
    assert ended.code == 2 and "is at most 1 here" in ended.err
    # A run may be in the folder of its data.
    assert leading_runs(first, [second, first]) == ((first, second), (first,))
    text, *models = runs("lm")
    ended = command("score", *models, text)
    assert ended.code == 0 and "2 runs answer together" in ended.err
    line = text.read_text(encoding="utf-8").splitlines()[0]
    (score,) = bptt.load(models).score([line])
    assert float(ended.out.split("\t")[0]) == pytest.approx(score.log_probability, rel=1e-5)
    ended = command("score", *models)
    assert ended.code == 2 and "must be named behind the runs" in ended.err


def test_a_run_is_named_once_before_the_data(tmp_path: Path) -> None:
    runs = [tmp_path / name for name in ("a", "b")]
    for each in runs:
        each.mkdir()
        (each / "config.json").write_text("{}")
    first, second = runs
    assert leading_runs(first, [second, tmp_path]) == ((first, second), (tmp_path,))
    # The data of a run may lie in its folder.
    assert leading_runs(first, [second, first]) == ((first, second), (first,))
    for others in ([first, tmp_path], [second, second, "films.tsv"], [second, first, "a text"]):
        with pytest.raises(InputError, match="is named once among the runs, got it again"):
            leading_runs(first, [str(each) for each in others])
