"""Recipes: what is written reads back, what is wrong is named by file and key, what counts before what."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from job_files import JOBS as TINY_JOBS
from job_files import SMALL, write_file
from option_values import other_value

from bptt.errors import InputError
from bptt.jobs.registry import find_options, job_names
from bptt.options.option_set import OptionSet
from bptt.options.recipe import GENERAL, read_recipe, write_recipe
from bptt.runs.run_folder import read_config
from bptt.training.run_options import options_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

JOBS = job_names()


def options_for(job: str) -> OptionSet:
    return options_of(find_options(job))


def read(text: str, job: str = "classify") -> dict[str, Any]:
    return read_recipe(text.encode(), "recipe.toml", options_for(job), job)


@pytest.mark.parametrize("job", JOBS)
def test_every_option_reads_back(job: str) -> None:
    options = options_for(job)
    given = options.read({each.name: other_value(each) for each in options})
    assert all(given[each.name] != each.default for each in options)
    text = write_recipe(options, given, job)
    assert read_recipe(text.encode(), "recipe.toml", options, job) == given
    # A reader that is not ours finds the same values under the tables of config.json.
    tables = tomllib.loads(text)
    assert tables.pop("job") == job
    for each in options:
        found = tables[each.section or GENERAL][each.field]
        wanted = given[each.name]
        if isinstance(wanted, tuple):
            assert found == [str(item) if isinstance(item, Path) else item for item in wanted]
        else:
            assert found == (str(wanted) if isinstance(wanted, Path) else wanted)


@pytest.mark.parametrize("job", JOBS)
def test_nothing_given_is_all_comments(job: str) -> None:
    options = options_for(job)
    text = write_recipe(options, {}, job)
    assert read_recipe(text.encode(), "recipe.toml", options, job) == {}
    # With the marks taken away each line with a value is TOML, and gives the default.
    lines = [line.removeprefix("# ") for line in text.splitlines() if " = " in line or line.startswith("[")]
    values = [line for line in lines if line.partition(" = ")[0].isidentifier() or line.startswith("[")]
    found = read_recipe("\n".join(values).encode(), "recipe.toml", options, job)
    written = {
        each.name: each.default for each in options if not each.is_required and each.default is not None
    }
    assert found == written


@pytest.mark.parametrize("value", [1e-5, 1e300, 5e-324, 0.1, -0.0, 3, 1e16, 12345678.9])
def test_a_number_is_kept_to_the_last_bit(value: float) -> None:
    options = options_for("classify")
    given = options.read({"learning_rate": value}) if value >= 0 else {"learning_rate": value}
    found = read_recipe(write_recipe(options, given, "classify").encode(), "r", options, "classify")
    assert math.copysign(1, found["learning_rate"]) == math.copysign(1, value)
    assert found["learning_rate"].hex() == float(value).hex()


def test_infinity_is_written_and_refused_by_name() -> None:
    options = options_for("classify")
    text = write_recipe(options, {"clip_norm": math.inf}, "classify")
    assert tomllib.loads(text)["training"]["clip_norm"] == math.inf
    with pytest.raises(InputError, match=r"recipe\.toml: training\.clip_norm: is a finite number"):
        read(text)


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("epochs =", "recipe.toml", "must be TOML in UTF-8"),
        ("epochs = 1\nepochs = 2", "recipe.toml", "must be TOML in UTF-8"),
        ("[" * 5000, "recipe.toml", "must be TOML in UTF-8"),
        ('job = "tag"', "recipe.toml: job", "must be classify, got 'tag'. Give it to `bptt train tag`"),
        ("hiden_size = 3", "recipe.toml: hiden_size", "Did you mean hidden_size?"),
        ("[model]\nhiden_size = 3", "recipe.toml: model.hiden_size", "Did you mean hidden_size?"),
        ("[training]\nhidden_size = 3", "recipe.toml: training.hidden_size", "Move it into [model]"),
        ("[models]\nhidden_size = 3", "recipe.toml: [models]", "is one of the tables"),
        ("[model]\nhidden_size = '3'", "recipe.toml: model.hidden_size", "is a whole number"),
        ("[model]\nhidden_size = 3.5", "recipe.toml: model.hidden_size", "is a whole number"),
        ("[model]\nhidden_size = true", "recipe.toml: model.hidden_size", "is a whole number"),
        ("[model]\nhidden_size = 0", "recipe.toml: model.hidden_size", "of at least 1, got 0"),
        ("[model]\nbidirectional = 1", "recipe.toml: model.bidirectional", "is true or false, got 1"),
        ("[data]\nheld_out = 1.0", "recipe.toml: data.held_out", "at least 0 and below 1, got 1.0"),
        ("[head]\npooling = 'sum'", "recipe.toml: head.pooling", "is one of last, mean, max, attention"),
        ("[model]\nfeed_forward = [3, 'x']", "recipe.toml: model.feed_forward", "is a whole number"),
        ("[general]\ndata = 3", "recipe.toml: general.data", "is the name of a file or a folder"),
        ("hidden = 3\nhidden_size = 3", "recipe.toml: hidden_size", "is given once, got also as hidden"),
        ("hidden_size = 3\n[model]\nhidden_size = 3", "recipe.toml: model.hidden_size", "is given once"),
        ("[run.output]\nx = 1", "recipe.toml: run.output", "is the name of a file or a folder"),
        ("data = 2020-01-01", "recipe.toml: data", "is the name of a file or a folder"),
    ],
)
def test_what_is_wrong_is_named(text: str, where: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text)
    assert refused.value.where == where
    assert words in str(refused.value)


def test_no_unicode_is_named() -> None:
    with pytest.raises(InputError, match=r"recipe\.toml: must be TOML in UTF-8"):
        read_recipe(b'cell = "\xff"', "recipe.toml", options_for("classify"), "classify")


def test_a_recipe_may_name_options_as_the_command_line_does() -> None:
    assert read("hidden = 3\nclip-norm = 2\n[training]\nepochs = 4") == {
        "hidden_size": 3,
        "clip_norm": 2.0,
        "epochs": 4,
    }


@pytest.mark.parametrize("job", TINY_JOBS)
def test_the_command_line_goes_before_the_recipe_before_the_run(
    job: str, tmp_path: Path, command: Command
) -> None:
    data, run, recipe = write_file(job, tmp_path), tmp_path / "run", tmp_path / "recipe.toml"
    recipe.write_text(f'job = "{job}"\n[training]\nepochs = 1\nlog_every = 7\n', encoding="utf-8")
    begun = command("train", job, data, "-o", run, *SMALL[job], "--log-every", 3, "--config", recipe)
    assert begun.code == 0, begun.err
    # SMALL says --epochs 2, and the command line log_every 3: both go before the recipe.
    training = read_config(run)["training"]
    assert (training["epochs"], training["log_every"]) == (2, 3)
    # The recipe goes before the run that is resumed, which has the rest: hidden units, batches.
    recipe.write_text("[training]\nepochs = 3\n", encoding="utf-8")
    more = command("train", job, data, "-o", run, "--resume", "--config", recipe)
    assert more.code == 0, more.err
    config = read_config(run)
    assert config["training"]["epochs"] == 3 and config["training"]["log_every"] == 3
    # The default is the last, of what nobody gave.
    assert config["training"]["checkpoint_every"] == options_for(job).named("checkpoint_every").default
    refused = command("train", job, data, "-o", run, "--resume", "--config", recipe, "--hidden", 9)
    assert refused.code == 2 and "hidden_size: " in refused.err


def test_all_of_a_training_may_be_in_a_recipe(tmp_path: Path, command: Command) -> None:
    data, recipe = write_file("classify", tmp_path), tmp_path / "recipe.toml"
    written = command(
        "train", "classify", data, "-o", tmp_path / "run", *SMALL["classify"], "--write-config", recipe
    )
    assert written.code == 0 and written.out == f"recipe: {recipe}\n"
    assert not (tmp_path / "run").exists()
    begun = command("train", "classify", "--config", recipe)
    assert begun.code == 0, begun.err
    assert read_config(tmp_path / "run")["model"]["hidden_size"] == 4
    bare = command("train", "classify", data, "-o", tmp_path / "bare", *SMALL["classify"])
    assert bare.code == 0
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "bare")]
    assert weights[0] == weights[1]


def test_a_recipe_replaces_no_file(tmp_path: Path, command: Command) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("mine", encoding="utf-8")
    ended = command("train", "classify", "--write-config", recipe)
    assert ended.code == 2 and str(recipe) in ended.err
    assert recipe.read_text(encoding="utf-8") == "mine"
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "nowhere.toml")
    assert command("train", "classify", "--write-config", link).code == 2
    assert not (tmp_path / "nowhere.toml").exists()


def test_a_recipe_may_be_written_from_another(tmp_path: Path, command: Command) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text("[model]\nhidden_size = 7\n[training]\nepochs = 3\n", encoding="utf-8")
    ended = command("train", "tag", "--config", first, "--epochs", 4, "--write-config", second)
    assert ended.code == 0, ended.err
    assert read(second.read_text(encoding="utf-8"), "tag") == {"hidden_size": 7, "epochs": 4}


def test_errors_of_a_recipe_are_lines_of_the_command(tmp_path: Path, command: Command) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[model]\nhidden_size = 0\n", encoding="utf-8")
    ended = command("train", "tag", "x", "-o", "y", "--config", recipe)
    assert ended.code == 2
    assert ended.err == f"bptt: {recipe}: model.hidden_size: is a whole number of at least 1, got 0\n"
    assert command("train", "tag", "x", "--config", tmp_path / "none.toml").code == 2


def test_a_name_that_is_no_unicode_is_refused(tmp_path: Path, command: Command) -> None:
    ended = command("train", "tag", "a\udcff.txt", "--write-config", tmp_path / "recipe.toml")
    assert ended.code == 2 and "data: must be UTF-8" in ended.err
    assert not (tmp_path / "recipe.toml").exists()


@pytest.mark.parametrize("name", ["hidden", "hidden_size", "hidden-size"])
def test_an_option_has_its_names_above_and_inside_its_table(name: str) -> None:
    assert read(f"{name} = 4") == read(f"[model]\n{name} = 4") == {"hidden_size": 4}
    both = read("[decoder]\nhidden = 3\n[encoder]\nhidden = 4", "translate")
    assert both == {"decoder_hidden_size": 3, "hidden_size": 4}
