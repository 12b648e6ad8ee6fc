"""Numbers of a stranger are held against the weights before anything of their size is made."""

from __future__ import annotations

import json
import os
import shutil
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from tiny_task import Quiet, TinyTask

from bptt.errors import InputError
from bptt.jobs.loading import load
from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

RUNS = Path(__file__).parent / "golden" / "runs"


@pytest.mark.parametrize("number", [10**4, 10**6, 10**9, 2**63 - 1, 10**30])
@pytest.mark.parametrize(
    ("run", "place"),
    [
        ("lm-character", "model.num_layers"),
        ("lm-character", "model.hidden_size"),
        ("classify-text", "model.num_layers"),
        ("classify-text", "model.hidden_size"),
        ("classify-text", "tokens.embedding_size"),
        ("classify-series", "model.proj_size"),
        ("tag", "model.num_layers"),
        ("tag", "words.character_hidden_size"),
        ("tag", "words.character_size"),
        ("translate", "encoder.num_layers"),
        ("translate", "decoder.num_layers"),
        ("translate", "decoder.hidden_size"),
        ("translate", "decoder.attention_size"),
    ],
)
def test_a_size_that_the_weights_do_not_have_is_refused_at_once(
    run: str, place: str, number: int, tmp_path: Path
) -> None:
    folder = edited(run, place, number, tmp_path)
    # Made layer by layer, this would not come to an end.
    with pytest.raises(InputError, match=r"config\.json|model\.safetensors"):
        load(folder)


@pytest.mark.parametrize("run", ["classify-text", "tag"])
def test_layers_on_top_are_counted_too(run: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model\.feed_forward is at most \d+, the number of tensors"):
        load(edited(run, "model.feed_forward", [1] * 100_000, tmp_path))


def edited(run: str, place: str, value: Any, folder: Path) -> Path:
    """A copy of a run whose configuration says `value` at `place`."""
    shutil.copytree(RUNS / run, folder / run)
    path = folder / run / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    *outer, last = place.split(".")
    reduce(lambda section, key: section[key], outer, config)[last] = value
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder / run


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "labels.txt", "tokenizer.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name: str, tmp_path: Path) -> None:
    shutil.copytree(RUNS / "classify-text", tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    os.mkfifo(tmp_path / "run" / name)
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        load(tmp_path / "run")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epoch", "x"),
        ("epoch", -1),
        ("epoch", 10**6),
        ("epoch", 2**70),
        ("index", 99),
        ("index", 1.5),
        ("step", True),
        ("step", None),
        ("records", -5),
        ("best_score", "good"),
        ("best_loss", float("nan")),
        ("seconds", 1e308),
        ("carry", [1]),
        ("carry", None),
        ("units", [1]),
    ],
)
def test_hostile_values_in_a_checkpoint_are_named(field: str, value: object, tmp_path: Path) -> None:
    options = TrainingOptions(epochs=2, schedule="constant")
    train(TinyTask(), options, tmp_path, Quiet())
    whole = nested_tensors.load(tmp_path / FILE)
    whole["state"][field] = value
    (tmp_path / FILE).write_bytes(nested_tensors.dumps(whole))
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: must be the checkpoint of this run"):
        train(TinyTask(), TrainingOptions(epochs=3, schedule="constant"), tmp_path, Quiet(), resume=True)


@pytest.mark.parametrize("spoil", ["shape", "number", "kind", "random"])
def test_a_hostile_optimiser_is_named_before_an_update(spoil: str, tmp_path: Path) -> None:
    train(TinyTask(), TrainingOptions(epochs=1, schedule="constant"), tmp_path, Quiet())
    whole = nested_tensors.load(tmp_path / FILE)
    state = whole["optimiser"]["state"]
    match spoil:
        case "shape":
            state[0]["exp_avg"] = state[0]["exp_avg"].flatten()[:3]
        case "number":
            state[99] = state.pop(0)
        case "kind":
            state[0] = "adam"
        case "random":
            whole["random"]["python"] = (3, (2**40,) * 625, None)
    (tmp_path / FILE).write_bytes(nested_tensors.dumps(whole))
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: must be the checkpoint of this run"):
        train(TinyTask(), TrainingOptions(epochs=2, schedule="constant"), tmp_path, Quiet(), resume=True)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("train", "classify", "DATA", "-o", "RUN", "--threads", 10**20), "--threads"),
        (("train", "classify", "DATA", "-o", "RUN", "--threads", 10**5), "--threads"),
        (("train", "classify", "DATA", "-o", "RUN", "--epochs", 10**12), "--epochs"),
        (("train", "classify", "DATA", "-o", "RUN", "--layers", 10**6), "--layers"),
        (("train", "tag", "DATA", "-o", "RUN", "--layers", 10**6), "--layers"),
        (("train", "translate", "DATA", "-o", "RUN", "--decoder-layers", 10**6), "--decoder-layers"),
        (("train", "lm", "DATA", "-o", "RUN", "--layers", 10**6), "--layers"),
        (("compare", "adding", "-o", "RUN", "--threads", 10**20), "--threads"),
        (("compare", "adding", "-o", "RUN", "--seeds", 10**9), "--seeds"),
        (("sample", "RUN", "-n", 10**11), "--number"),
        (("evaluate", "TRANSLATOR", "DATA", "--beam", 10**9), "--beam"),
    ],
)
def test_an_option_beyond_reason_is_named(
    arguments: tuple[object, ...], option: str, command: Command, tmp_path: Path
) -> None:
    data = tmp_path / "data.tsv"
    data.write_text("a fine film\tfine\na dull film\tdull\n" * 10, encoding="utf-8")
    places = {"DATA": data, "RUN": tmp_path / "run", "TRANSLATOR": RUNS / "translate"}
    ended = command(*(places.get(str(each), each) for each in arguments))
    assert ended.code == 2 and option in ended.err, ended.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["picture.zzz", "picture", "notes.png"])
def test_a_picture_is_refused_before_the_work(name: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("mine", encoding="utf-8")
    ended = command("predict", RUNS / "translate", "a b", "--attention", tmp_path / name)
    assert ended.code == 2 and ended.out == "" and name in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.png"]
