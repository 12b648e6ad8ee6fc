"""A language model's run folder: it comes back whole, alone, and says what is wrong with it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch
from language_models import TEXT, make_task, trained

from bptt.cells.cell import Cell
from bptt.data.text import Corpus
from bptt.data.vocabulary import FILE
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.config import LanguageModelConfig, read_language_config
from bptt.jobs.language.model import LanguageModelTask, load_language_model
from bptt.jobs.language.options import DataOptions, ModelOptions
from bptt.jobs.language.scoring import score_lines
from bptt.runs.run_folder import CONFIG, HELD_OUT, WEIGHTS, read_held_out
from bptt.runs.weights import write_weights

OWN = Cell.define(
    "my-cell",
    """
    z = sigmoid(W_z @ x + R_z @ h_prev + b_z)
    h = z * h_prev + (1 - z) * tanh(W_h @ x + b_h)
    """,
    states="h",
    output="h",
)


def save(task: LanguageModelTask, run: Path) -> Path:
    run.mkdir(exist_ok=True)
    task.save(run)
    write_weights(task.model, run / WEIGHTS, task.metadata)
    return run


def own_task(text: str = TEXT) -> LanguageModelTask:
    config = LanguageModelConfig(
        OWN,
        ModelOptions(hidden_size=6, num_layers=2, embedding_size=0, dropout=0.1, initial="learned"),
        DataOptions("sentences", 5, 9, 0.2, 7),
        VocabularyOptions("word", 1, 50, lowercase=True, digits=False),
    )
    return LanguageModelTask(Corpus(text, ("诗.txt", "b.txt")), config)


def test_the_folder_alone_is_the_model(tmp_path: Path) -> None:
    task = own_task()
    torch.nn.init.normal_(task.model.recurrent.initial_h_l0)
    run = save(task, tmp_path / "run")
    found = load_language_model(run)
    assert found.config == task.config
    assert found.config.cell == OWN
    assert not found.model.training
    lines = ["The cat sat", "", "床前 the mat"]
    assert list(score_lines(found, lines)) == list(score_lines(trained(task), lines))
    assert (run / HELD_OUT).read_text(encoding="utf-8") == task.held_out
    assert TEXT.endswith(task.held_out)


def test_the_same_text_and_options_write_the_same_files(tmp_path: Path) -> None:
    one, other = (save(own_task(), tmp_path / name) for name in "ab")
    for name in (CONFIG, FILE, HELD_OUT):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    third = save(own_task(TEXT + "the end\n"), tmp_path / "c")
    assert (one / CONFIG).read_bytes() != (third / CONFIG).read_bytes()


def test_the_configuration_says_what_was_read(tmp_path: Path) -> None:
    config = json.loads((save(own_task(), tmp_path) / CONFIG).read_text(encoding="utf-8"))
    assert config["source"]["names"] == ["诗.txt", "b.txt"]
    assert config["model"]["embedding_size"] == 0
    usual = LanguageModelConfig(OWN, ModelOptions(hidden_size=9, tied=True)).to_dict()
    assert usual["model"]["embedding_size"] == 9
    assert config["source"]["text_sha256"] == Corpus(TEXT, ()).sha256
    assert config["cell"]["equations"][0] == "z = sigmoid(W_z @ x + R_z @ h_prev + b_z)"


def edit(run: Path, change) -> Path:
    config = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    change(config)
    (run / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    return run


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c.update(task="tagger"), r"\"task\" must be \"language-model\", got 'tagger'"),
        (lambda c: c.pop("model"), "needs model, got no such keys"),
        (lambda c: c.update(extra=1), "has the keys cell, data, model, source, vocabulary, got extra"),
        (lambda c: c.update(data=[1]), '"data" must be an object, got list'),
        (lambda c: c["data"].pop("mode"), "data: needs mode"),
        (lambda c: c["model"].update(colour=1), "model: has the keys .*, got colour"),
        (lambda c: c["model"].update(hidden_size="6"), "model: \"hidden_size\" must be int, got '6'"),
        (lambda c: c["model"].update(hidden_size=True), '"hidden_size" must be int, got True'),
        (
            lambda c: c["model"].update(hidden_size=0),
            r"model\.hidden_size: is a whole number of at least 1, got 0",
        ),
        (lambda c: c["data"].update(mode="both"), "data: \"mode\" must be .*sentences.*got 'both'"),
        (lambda c: c["vocabulary"].update(max_size=[3]), r"vocabulary: \"max_size\" must be int"),
        (lambda c: c["source"].update(names=[3]), r"source: \"names\" must be a list of str, got \[3\]"),
        (lambda c: c["cell"].pop("equations"), "cell: expected the fields"),
        (lambda c: c["cell"].update(equations=["h = __import__('os')"]), r"config\.json: "),
        (lambda c: c["cell"].update(equations=["h = tanh(W @ x + R @ h_prev"]), r"config\.json: "),
    ],
)
def test_a_damaged_configuration_is_named_with_the_key(change, fault: str, tmp_path: Path) -> None:
    run = edit(save(own_task(), tmp_path), change)
    with pytest.raises(InputError, match=fault) as error:
        load_language_model(run)
    assert str(error.value).startswith(str(run / CONFIG))


def test_whole_numbers_are_numbers_too(tmp_path: Path) -> None:
    run = edit(save(own_task(), tmp_path), lambda c: c["model"].update(dropout=0))
    assert read_language_config(run)[0].model.dropout == 0


def test_the_vocabulary_of_another_run_is_refused(tmp_path: Path) -> None:
    run = save(make_task(dtype=torch.float32), tmp_path / "run")
    other = save(make_task(TEXT.replace("c", "k"), dtype=torch.float32), tmp_path / "other")
    (run / FILE).write_bytes((other / FILE).read_bytes())
    with pytest.raises(
        InputError, match=r"run/tokenizer\.json: must be the vocabulary of this run.*Bring back"
    ):
        load_language_model(run)


def test_weights_of_another_run_are_refused(tmp_path: Path) -> None:
    run = save(make_task(dtype=torch.float32), tmp_path / "run")
    same_size = save(make_task(TEXT.replace("c", "k"), dtype=torch.float32), tmp_path / "same")
    (run / WEIGHTS).write_bytes((same_size / WEIGHTS).read_bytes())
    with pytest.raises(
        InputError, match=r"run/model\.safetensors: must be the weights of this run.*Bring back"
    ):
        load_language_model(run)
    larger = make_task(model=ModelOptions(hidden_size=8, embedding_size=5), dtype=torch.float32)
    write_weights(larger.model, run / WEIGHTS, larger.metadata)
    with pytest.raises(InputError, match=r"run/model\.safetensors: .* must be .*another model"):
        load_language_model(run)


@pytest.mark.parametrize("name", [CONFIG, FILE, WEIGHTS])
@pytest.mark.parametrize("damage", ["missing", "empty", "half"])
def test_a_missing_or_damaged_file_is_named(name: str, damage: str, tmp_path: Path) -> None:
    run = save(make_task(dtype=torch.float32), tmp_path / "run")
    data = (run / name).read_bytes()
    (run / name).unlink()
    if damage != "missing":
        (run / name).write_bytes(b"" if damage == "empty" else data[: len(data) // 2])
    with pytest.raises(InputError, match=rf"run/{name}: must be"):
        load_language_model(run)


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the run folder must exist"):
        load_language_model(tmp_path / "gone")


@pytest.mark.parametrize(
    ("kind", "options", "fault"),
    [
        (ModelOptions, {"hidden_size": 0}, "hidden_size: is a whole number of at least 1, got 0"),
        (ModelOptions, {"num_layers": 1.5}, "num_layers: is a whole number of at least 1, got 1.5"),
        (ModelOptions, {"embedding_size": -1}, "embedding_size: is a whole number of at least 0"),
        (ModelOptions, {"dropout": 1.0}, "dropout: is at least 0 and below 1, got 1.0"),
        (ModelOptions, {"initial": "ones"}, "initial: is one of zero, learned, random, got 'ones'"),
        (DataOptions, {"batch_size": 0}, "batch_size: is a whole number"),
        (DataOptions, {"sequence_length": 0}, "sequence_length: is a whole number"),
        (DataOptions, {"held_out": 1.0}, "held_out: is at least 0 and below 1, got 1.0"),
        (DataOptions, {"mode": "lines"}, "mode: is one of continuous, sentences, got 'lines'"),
    ],
)
def test_impossible_options_are_refused(kind, options, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        kind(**options)


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ({"hidden_size": 3_000_000}, r"model\.safetensors: .* must be \(.*3000000.*another model"),
        ({"hidden_size": 10**12}, r"config\.json: must describe the model of"),
        ({"num_layers": 10**9}, r"config\.json: model\.num_layers: is at most 1,000, got 1000000000"),
    ],
)
def test_sizes_are_compared_with_the_weights_before_memory_is_taken(
    sizes: dict[str, int], fault: str, tmp_path: Path
) -> None:
    run = edit(save(own_task(), tmp_path), lambda c: c["model"].update(sizes))
    with pytest.raises(InputError, match=fault):
        load_language_model(run)


def test_loading_draws_nothing_and_leaves_nothing_unset(tmp_path: Path) -> None:
    run = save(make_task(model=ModelOptions(hidden_size=7, tied=True), dtype=torch.float32), tmp_path)
    random = torch.get_rng_state()
    model = load_language_model(run).model
    assert torch.equal(torch.get_rng_state(), random)
    tensors = [*model.parameters(), *model.buffers()]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_held_out_text_that_is_packed_is_not_unpacked(tmp_path: Path) -> None:
    run = save(own_task(), tmp_path)
    assert read_held_out(run) == own_task().held_out
    (run / HELD_OUT).write_bytes(gzip.compress(b"a" * 1000))
    with pytest.raises(InputError, match=r"held_out\.txt:1: must be "):
        read_held_out(run)
